import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

/** Debian's docker-registry on loopback. */
export interface DockerRegistry {
  readonly url: string;
  readonly host: string;
  stop(): Promise<void>;
}

export interface DockerRegistryOptions {
  /** Asks for Basic authentication. */
  readonly user?: { readonly name: string; readonly password: string };
  /** Listens here, as after a restart; a free port without it. */
  readonly port?: number;
}

/** Starts a registry that keeps its blobs below `directory`. */
export async function startDockerRegistry(
  directory: string,
  { user, port = 0 }: DockerRegistryOptions = {},
): Promise<DockerRegistry> {
  mkdirSync(directory, { recursive: true });
  const host = `127.0.0.1:${port || (await freePort())}`;
  const config = {
    version: "0.1",
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(directory, "data") } },
    http: { addr: host },
    ...(user && { auth: { htpasswd: { realm: "test", path: join(directory, "htpasswd") } } }),
  };
  // YAML takes JSON.
  const configPath = join(directory, "config.yml");
  writeFileSync(configPath, JSON.stringify(config));
  if (user) {
    const hash = await Bun.password.hash(user.password, { algorithm: "bcrypt", cost: 4 });
    writeFileSync(join(directory, "htpasswd"), `${user.name}:${hash}\n`);
  }
  const child = Bun.spawn(["docker-registry", "serve", configPath], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: Bun.file(join(directory, "log")),
  });
  const url = `http://${host}`;
  try {
    await untilAnswering(url, () => child.exitCode !== null);
  } catch (error) {
    child.kill();
    throw new Error(`${error}: ${await Bun.file(join(directory, "log")).text()}`);
  }
  return {
    url,
    host,
    async stop() {
      child.kill();
      await child.exited;
    },
  };
}

async function untilAnswering(url: string, hasEnded: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !hasEnded(); tries++) {
    const answering = await fetch(`${url}/v2/`).then(
      () => true,
      () => false,
    );
    if (answering) return;
    await Bun.sleep(20);
  }
  throw new Error("docker-registry did not start");
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
