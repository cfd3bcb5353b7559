import { copyFileSync, existsSync, mkdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { clipMounts } from "../../../src/mount/mount-table.ts";
import { poll } from "../../../src/system/locks.ts";
import { temporaryDirectory } from "../../support/tiny-image.ts";

/** The compiled binary, with directories of its own for everything that it keeps. */

export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

export interface ClipMount {
  readonly directory: string;
  readonly pid: number;
  readonly log: string;
}

export interface ClipProgram {
  /** For the tests' own files as well. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly path: string;
  /** Runs a command to its end; fails the test where it does not exit with 0. */
  run(...args: string[]): Promise<Finished>;
  /** Mounts detached, on a directory of its own. */
  mount(archive: string, ...flags: string[]): Promise<ClipMount>;
  umount(mount: ClipMount): Promise<void>;
  /** A cache directory that nobody has used. */
  newCache(): string;
  /** Unmounts what is still mounted, ends the servers, removes all files. */
  release(): Promise<void>;
}

/** A copy of dist/clip, so that a build meanwhile does no harm and nothing is found beside it. */
export function installClip(): ClipProgram {
  const temporary = temporaryDirectory();
  const { path: directory } = temporary;
  const path = join(directory, "clip");
  copyFileSync(join(import.meta.dir, "../../../dist/clip"), path);
  const env: Record<string, string> = { PATH: process.env.PATH ?? "/usr/bin:/bin" };
  for (const name of ["HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_STATE_HOME"]) {
    env[name] = join(directory, name.toLowerCase());
    mkdirSync(env[name], { mode: 0o700 });
  }
  const mounts: ClipMount[] = [];
  let count = 0;
  const numbered = (name: string): string => {
    const made = join(directory, `${name}-${++count}`);
    mkdirSync(made, { mode: 0o700 });
    return made;
  };
  const run = async (...args: string[]): Promise<Finished> => {
    const finished = await finish([path, ...args], env);
    if (finished.exitCode === 0) return finished;
    throw new Error(`clip ${args.join(" ")}: ${finished.exitCode} ${finished.stderr}`);
  };
  return {
    directory,
    env,
    path,
    run,
    newCache: () => numbered("cache"),
    async mount(archive, ...flags) {
      const mountPoint = numbered("mount");
      const { stdout } = await run("mount", archive, mountPoint, "--detach", "--json", ...flags);
      const { pid, log } = JSON.parse(stdout) as { pid: number; log: string };
      const mount = { directory: mountPoint, pid, log };
      mounts.push(mount);
      return mount;
    },
    async umount(mount) {
      await run("umount", mount.directory);
    },
    async release() {
      for (const mount of clipMounts().filter((one) => one.mountPoint.startsWith(directory))) {
        await finish(["umount", "-l", mount.mountPoint], env);
      }
      for (const { pid } of mounts) {
        const hasEnded = () => !isProgram(pid, path);
        if (!(await poll(hasEnded, { timeoutMs: 5000 }))) process.kill(pid, "SIGKILL");
      }
      temporary.remove();
    },
  };
}

/** Whether process `pid` is there and runs the program at `path`. */
export function isProgram(pid: number, path: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`) === path;
  } catch {
    return false;
  }
}

/**
 * Runs a program without blocking this process, where the proxy lives that the mount reads through: a blocking read
 * here would wait for itself.
 */
export async function finish(
  command: readonly string[],
  env: Readonly<Record<string, string>> = { PATH: process.env.PATH ?? "/usr/bin:/bin" },
): Promise<Finished> {
  const started = performance.now();
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "pipe", stderr: "pipe", env });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const exitCode = await child.exited;
  return { exitCode, stdout, stderr, durationMs: performance.now() - started };
}

/** sha256 of a file, by a process that reads it; "" where it cannot be read to its end. */
export async function sha256Of(path: string): Promise<string> {
  return (await finish(["sha256sum", path])).stdout.slice(0, 64);
}

/** Forgets what the kernel has cached of all filesystems, so that the next read asks the mount's server. */
export async function dropKernelCaches(): Promise<void> {
  await finish(["sync"]);
  await Bun.write("/proc/sys/vm/drop_caches", "3");
}

/** Waits for something that happens outside. @throws Error naming `what` when it does not within `timeoutMs`. */
export async function until(what: string, done: () => boolean, timeoutMs = 10_000): Promise<void> {
  if (!(await poll(done, { timeoutMs }))) throw new Error(`not within ${timeoutMs} ms: ${what}`);
}

/** Why tests on real images and mounts cannot run here; undefined where they can. */
export function whyNotReal(): string | undefined {
  if (process.env.CLIP_TEST_IMAGES === "0") return "CLIP_TEST_IMAGES is 0";
  if (process.platform !== "linux") return "it is not Linux";
  if (process.geteuid?.() !== 0) return "not root";
  if (!existsSync("/dev/fuse")) return "no /dev/fuse";
  if (!existsSync(imagePath("a"))) return "test/images/make.sh has not made the images";
  if (!existsSync(join(import.meta.dir, "../../../dist/clip"))) return "dist/clip is not built";
  return undefined;
}

/** A layout that test/images/make.sh makes. */
export const imagePath = (name: string): string =>
  join(import.meta.dir, "../../../.cache/images", name);

export const logOf = ({ log }: ClipMount): string => readFileSync(log, "utf8");
