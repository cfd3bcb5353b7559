import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configFiles } from "../../src/registry/auth-file.ts";
import { findCredentials } from "../../src/registry/credentials.ts";
import { failing } from "../support/failing.ts";
import { temporaryDirectory } from "../support/tiny-image.ts";

const directory = temporaryDirectory();
afterAll(() => directory.remove());

let made = 0;
const fresh = (): string => {
  const path = join(directory.path, `${made++}`);
  mkdirSync(path);
  return path;
};

const writeJson = (path: string, value: unknown): void => {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, JSON.stringify(value));
};

const basic = (username: string, password: string) => ({
  auth: Buffer.from(`${username}:${password}`).toString("base64"),
});

const passwordOf = async (registry: string, env: Record<string, string>, repository = "a/b") => {
  const { credentials } = await findCredentials(registry, repository, { env });
  return credentials?.kind === "password"
    ? `${credentials.username}:${credentials.password}`
    : credentials;
};

describe("files", () => {
  test.each([
    ["r.io", "r.io"],
    ["r.io", "https://r.io"],
    ["r.io", "https://r.io/v2/"],
    ["r.io:5000", "http://r.io:5000/v1"],
    ["docker.io", "https://index.docker.io/v1/"],
    ["docker.io", "docker.io"],
    ["docker.io", "registry-1.docker.io"],
    ["r.io", "r.io/a"],
    ["r.io", "r.io/a/b"],
  ])("%s is found under %s", async (registry, key) => {
    const path = fresh();
    writeJson(join(path, "config.json"), {
      auths: { "x.io": basic("x", "x"), [key]: basic("u", "p:q") },
    });
    expect(await passwordOf(registry, { DOCKER_CONFIG: path })).toBe("u:p:q");
  });

  test("others' keys are not taken", async () => {
    const path = fresh();
    const auths = {
      "r.io.evil": basic("u", "p"),
      "r.io/a/bc": basic("u", "p"),
      "r.io:1": basic("u", "p"),
    };
    writeJson(join(path, "config.json"), { auths });
    expect(await passwordOf("r.io", { DOCKER_CONFIG: path })).toBeUndefined();
  });

  test("the longest path in Podman's file comes first", async () => {
    const path = join(fresh(), "auth.json");
    writeJson(path, { auths: { "r.io": basic("host", "1"), "r.io/a": basic("path", "2") } });
    const env = { REGISTRY_AUTH_FILE: path };
    expect(await passwordOf("r.io", env, "a/b")).toBe("path:2");
    expect(await passwordOf("r.io", env, "c")).toBe("host:1");
  });

  test("all places are looked at, in order", async () => {
    const [home, run] = [fresh(), fresh()];
    const places = [
      join(run, "explicit.json"),
      join(home, ".docker/config.json"),
      join(run, "containers/auth.json"),
      join(home, ".config/containers/auth.json"),
    ];
    const env = { HOME: home, XDG_RUNTIME_DIR: run, REGISTRY_AUTH_FILE: places[0]! };
    expect(configFiles(env)).toEqual(places);
    for (const [i, place] of [...places.entries()].reverse()) {
      writeJson(place, { auths: { "r.io": basic("place", `${i}`) } });
      expect(await passwordOf("r.io", env)).toBe(`place:${i}`);
    }
  });

  test("no HOME and no files are no error", async () => {
    expect(await findCredentials("r.io", "a", { env: {} })).toEqual({ problems: [] });
    expect(await passwordOf("r.io", { HOME: "/nonexistent" })).toBeUndefined();
    expect(configFiles({ HOME: "relative" })).toEqual([]);
  });

  test("the real environment without HOME works", () => {
    const code = `const {configFiles}=await import(${JSON.stringify(join(import.meta.dir, "../../src/registry/auth-file.ts"))});console.log(configFiles(process.env).length>0)`;
    const { stdout } = Bun.spawnSync([process.execPath, "-e", code], {
      env: { PATH: process.env.PATH },
    });
    expect(stdout.toString().trim()).toBe("true");
  });

  test.each(["{", "", '{"auths": {"r.io": {"auth": "'])(
    "%p is refused without quoting it",
    async (text) => {
      const path = fresh();
      writeFileSync(join(path, "config.json"), text);
      const error = await failing("CREDENTIAL_HELPER", () =>
        passwordOf("r.io", { DOCKER_CONFIG: path }),
      );
      expect(error.message).toContain(path);
      expect(error.message).toContain("is not JSON");
    },
  );

  test("entries that make no sense are passed over", async () => {
    for (const entry of [null, 5, {}, { auth: 5 }, { auth: "####" }, { auth: btoa("nocolon") }]) {
      const path = fresh();
      writeJson(join(path, "config.json"), { auths: { "r.io": entry } });
      expect(await passwordOf("r.io", { DOCKER_CONFIG: path })).toBeUndefined();
    }
  });
});

describe("helpers", () => {
  /** A directory for PATH with one helper, and a configuration that names it. */
  function helper(script: string, config: (name: string) => unknown) {
    const [bin, docker] = [fresh(), fresh()];
    const path = join(bin, "docker-credential-mine");
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    writeJson(join(docker, "config.json"), config("mine"));
    return { DOCKER_CONFIG: docker, PATH: `${bin}:${process.env.PATH}`, SEEN: join(bin, "seen") };
  }
  const own = (name: string) => ({ credHelpers: { "r.io": name } });
  const store = (name: string) => ({ credsStore: name });

  test("are asked for the registry by name", async () => {
    const script = `cat > "$SEEN"; echo "$1" >> "$SEEN"; echo '{"Username":"u","Secret":"s"}'`;
    const env = helper(script, own);
    expect(await passwordOf("r.io", env)).toBe("u:s");
    expect(readFileSync(env.SEEN, "utf8")).toBe("r.io\nget\n");
    expect(await passwordOf("other.io", env)).toBeUndefined();
    const hub = helper(script, store);
    expect(await passwordOf("docker.io", hub)).toBe("u:s");
    expect(readFileSync(hub.SEEN, "utf8")).toBe("https://index.docker.io/v1/\nget\n");
  });

  test("may give identity tokens", async () => {
    const env = helper(`echo '{"Username":"<token>","Secret":"t"}'`, own);
    expect(await passwordOf("r.io", env)).toEqual({ kind: "identity", token: "t" });
  });

  test("that hold nothing leave the file to be asked", async () => {
    const script = "echo 'credentials not found in native keychain'; exit 1";
    const auths = { "r.io": basic("file", "f") };
    expect(
      await passwordOf(
        "r.io",
        helper(script, (name) => ({ ...own(name), auths })),
      ),
    ).toBe("file:f");
    expect(
      await passwordOf(
        "r.io",
        helper(script, (name) => ({ ...store(name), auths })),
      ),
    ).toBe("file:f");
  });

  test.each([
    ["echo hunter2; echo hunter2 >&2; exit 3", "failed with status 3"],
    ["echo hunter2", "gave no credentials"],
    [`echo '{"Username":"hunter2"}'`, "gave no credentials"],
    ["head -c 3000000 /dev/zero", "printed too much"],
  ])(
    "that fail for this registry are an error that does not quote them: %s",
    async (script, why) => {
      const error = await failing("CREDENTIAL_HELPER", () =>
        passwordOf("r.io", helper(script, own)),
      );
      expect(error.message).toContain(why);
      expect(Bun.inspect(error)).not.toContain("hunter2");
    },
  );

  test("for all registries that are not installed do not stand before public images", async () => {
    const path = fresh();
    writeJson(join(path, "config.json"), { credsStore: "no-such-store" });
    const env = { DOCKER_CONFIG: path, PATH: process.env.PATH! };
    const { credentials, problems } = await findCredentials("r.io", "a", { env });
    expect(credentials).toBeUndefined();
    expect(problems[0]).toContain("docker-credential-no-such-store");
  });

  test.each(["../evil", "a/b", "-x", "a b", ""])("have sensible names, not %p", async (name) => {
    const path = fresh();
    writeJson(join(path, "config.json"), { credHelpers: { "r.io": name } });
    const work = () => passwordOf("r.io", { DOCKER_CONFIG: path, PATH: "/bin" });
    if (name === "") expect(await work()).toBeUndefined();
    else await failing("CREDENTIAL_HELPER", work);
  });

  test("that hang end with the signal", async () => {
    const env = helper("exec sleep 30", own);
    const controller = new AbortController();
    const asking = findCredentials("r.io", "a", { env, signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await failing("INTERRUPTED", () => asking);
  });
});
