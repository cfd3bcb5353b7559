import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { realMountPoint } from "../../../src/mount/mount-point.ts";
import { mountAt } from "../../../src/mount/mount-table.ts";
import { cString, libc } from "../../../src/system/libc.ts";
import { osPath, pathBytes } from "../../../src/system/paths.ts";
import type { Fixture } from "./fixture.ts";
import type { TarServerOptions } from "./tar-server.ts";

/** A fixture mounted by a server process of its own. */
export interface Mounted {
  readonly mountPoint: string;
  readonly pid: number;
  /** Waits for a line of the server's output that matches; gives the line. */
  line(pattern: RegExp): Promise<string>;
  /** Waits for the end of the server; gives its exit code. */
  readonly exited: Promise<number>;
  kill(signal: NodeJS.Signals): void;
}

const running: { child: Bun.Subprocess; mountPoint: string }[] = [];
let made = 0;

/** Why nothing can be mounted by root here; empty where it can. */
export const reasonToSkip = (): string => {
  if (process.platform !== "linux" || !existsSync("/dev/fuse")) return "needs /dev/fuse";
  return process.geteuid!() === 0 ? "" : "needs root";
};

/** Mounts a fixture and waits until it is ready. `run` is the server's command. */
export async function mountFixture(
  fixture: Fixture,
  options: Partial<TarServerOptions> = {},
  run: readonly string[] = [process.execPath, join(import.meta.dir, "tar-server.ts")],
): Promise<Mounted> {
  const mountPoint = options.mountPoint ?? join(fixture.folder, `mnt-${made++}`);
  mkdirSync(osPath(mountPoint), { recursive: true });
  const asked: TarServerOptions = {
    allowOther: true,
    workers: 2,
    delayMs: 0,
    passedOn: [],
    stuck: [],
    index: fixture.index,
    tar: fixture.tar,
    ...options,
    mountPoint,
  };
  const child = Bun.spawn([...run, JSON.stringify(asked)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  running.push({ child, mountPoint });
  const output = readLines(child.stdout);
  const line = (pattern: RegExp) => output.find(pattern);
  const first = await line(/^(ready|error)/);
  if (first !== "ready") throw new Error(first);
  return {
    mountPoint,
    pid: child.pid,
    line,
    exited: child.exited,
    kill: (signal) => child.kill(signal),
  };
}

/** Detaches every mount that tests made and ends the servers, whatever state they are in. */
export async function unmountAll(): Promise<void> {
  const [force, detach] = [1, 2];
  for (const { child, mountPoint } of running.splice(0)) {
    const place = realMountPoint(mountPoint);
    if (mountAt(place) !== undefined) libc().umount2!(cString(pathBytes(place)), force | detach);
    child.kill("SIGKILL");
    await child.exited;
  }
}

function readLines(stream: ReadableStream<Uint8Array>) {
  const lines: string[] = [];
  let isOver = false;
  let wake = Promise.withResolvers<void>();
  void (async () => {
    let rest = "";
    for await (const piece of stream) {
      const parts = (rest + Buffer.from(piece).toString("utf8")).split("\n");
      rest = parts.pop()!;
      lines.push(...parts);
      wake.resolve();
      wake = Promise.withResolvers();
    }
    isOver = true;
    wake.resolve();
  })();
  return {
    async find(pattern: RegExp): Promise<string> {
      for (;;) {
        const found = lines.find((line) => pattern.test(line));
        if (found !== undefined) return found;
        if (isOver)
          throw new Error(`the server ended without ${pattern}; it said: ${lines.join("; ")}`);
        await wake.promise;
      }
    },
  };
}
