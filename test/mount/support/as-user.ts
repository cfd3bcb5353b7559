import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** nobody and nogroup, which every Debian has. */
export const user = 65534;

const becomeUser = ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups", "--"];

export interface UserWorld {
  /** Mode of /dev/fuse. */
  readonly deviceMode: string;
  /** Text of /etc/fuse.conf. */
  readonly config: string;
}

/**
 * The command that runs a program as a normal user in a mount namespace of its own, with a /dev/fuse and an
 * /etc/fuse.conf of its own made in `folder`; all of it ends with the program.
 */
export function asUser(folder: string, { deviceMode, config }: UserWorld): string[] {
  const world = join(folder, `world-${deviceMode}-${config.length}`);
  mkdirSync(world, { recursive: true });
  writeFileSync(join(world, "fuse.conf"), config);
  const script = `
    set -e
    mount -t tmpfs -o mode=0755 none "$0/dev"
    mknod -m ${deviceMode} "$0/dev/fuse" c 10 229
    mount --bind "$0/dev/fuse" /dev/fuse
    mount --bind "$0/fuse.conf" /etc/fuse.conf
    exec "$@"`;
  mkdirSync(join(world, "dev"), { recursive: true });
  return ["unshare", "-m", "--propagation", "private", "sh", "-c", script, world, ...becomeUser];
}

/** Runs a command as that user in the mount namespace of process `pid`. */
export function runBeside(pid: number, command: readonly string[]) {
  const entered = ["nsenter", "-t", String(pid), "-m", "--", ...becomeUser, ...command];
  const { exitCode, stdout, stderr } = Bun.spawnSync(entered);
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** A directory that belongs to the user. */
export function userDirectory(path: string): string {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o755);
  chownSync(path, user, user);
  return path;
}
