import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { clipMounts } from "../../../src/mount/mount-table.ts";
import { cString, libc } from "../../../src/system/libc.ts";
import { pathBytes } from "../../../src/system/paths.ts";
import {
  runTool,
  type TinyImage,
  temporaryDirectory,
  tinyImage,
  writeLayout,
} from "../../support/tiny-image.ts";

/** The compiled program in a directory of its own, with an image beside it. */
export interface Cli {
  /** Working directory of every run; the layout is in `image` there. */
  readonly directory: string;
  readonly program: string;
  readonly image: TinyImage;
  readonly env: Readonly<Record<string, string>>;
  run(args: readonly string[], options?: RunOptions): Promise<Finished>;
  start(args: readonly string[], options?: RunOptions): Bun.Subprocess<"ignore", "pipe", "pipe">;
  /** A shell command line, in which $CLIP is the program; for arguments that are not UTF-8, and pipes. */
  shell(script: string, options?: RunOptions): Promise<Finished>;
  /** Runs in a pseudo-terminal of 90 columns and 24 rows; gives all that was written to it. */
  terminal(args: readonly string[], doing?: (pid: number) => Promise<void>): Promise<Finished>;
  /** Unmounts what is mounted below the directory, and removes all. */
  release(): void;
}

export interface RunOptions {
  /** Instead of the usual variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Stands before the program: setpriv, unshare. */
  readonly before?: readonly string[];
}

export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const built = join(import.meta.dir, "../../../dist/clip");

/** Why the program cannot be tried; "" where it can. */
export const whyNotBuilt = (): string =>
  existsSync(built) ? "" : "dist/clip is not built: bun run build";

/** Copies the program to a new directory, where a build meanwhile does no harm, and makes an image of two layers. */
export function openCli(): Cli {
  const temporary = temporaryDirectory();
  const { path: directory } = temporary;
  runTool("chmod", "755", directory);
  const program = join(directory, "clip");
  copyFileSync(built, program);
  const image = tinyImage(join(directory, "made"));
  writeLayout(image.image, join(directory, "image"));
  const env: Record<string, string> = { PATH: process.env.PATH!, LANG: "C.UTF-8" };
  for (const name of ["HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_STATE_HOME"]) {
    env[name] = join(directory, name.toLowerCase());
    mkdirSync(env[name], { mode: 0o700 });
  }
  const spawn = (command: readonly string[], options: RunOptions = {}) =>
    Bun.spawn([...(options.before ?? []), ...command], {
      cwd: directory,
      stdio: ["ignore", "pipe", "pipe"],
      env: options.env ?? env,
    });
  const finish = async (command: readonly string[], options?: RunOptions): Promise<Finished> => {
    const child = spawn(command, options);
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { exitCode: await child.exited, stdout, stderr };
  };
  return {
    directory,
    program,
    image,
    env,
    run: (args, options) => finish([program, ...args], options),
    start: (args, options) => spawn([program, ...args], options),
    shell: (script, options = {}) =>
      finish(["bash", "-c", script], { env: { ...env, CLIP: program }, ...options }),
    async terminal(args, doing) {
      const child = spawn(["python3", join(import.meta.dir, "terminal.py"), program, ...args]);
      const output = Promise.all([child.stdout.text(), child.stderr.text()]);
      await doing?.(child.pid);
      const [stdout, stderr] = await output;
      return { exitCode: await child.exited, stdout, stderr };
    },
    release() {
      for (const { mountPoint } of clipMounts()) {
        if (mountPoint.startsWith(directory)) libc().umount2!(cString(pathBytes(mountPoint)), 2);
      }
      temporary.remove();
    },
  };
}

/** The failure that `--json` leaves on standard error. */
export const failureOf = ({ stderr }: Finished): { code: string; message: string } =>
  JSON.parse(stderr.trim().split("\n").at(-1)!).error;

/** Documents of one line each. */
export const documents = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
