import { ClipError } from "../errors.ts";
import { cString, errno, libc } from "../system/libc.ts";
import { pathBytes, shownPath } from "../system/paths.ts";
import { runHelper } from "./fusermount.ts";
import { realMountPoint } from "./mount-point.ts";
import { clipMountType, mountAt } from "./mount-table.ts";

export interface UnmountOptions {
  /** Take the mount out of the tree now, and end it when nobody uses it any more. */
  readonly lazy?: boolean;
}

/**
 * Unmounts an archive, also when its server is gone. Returns the mount point as the kernel names it.
 * @throws ClipError NOT_MOUNTED, MOUNT_BUSY, PERMISSION, IO.
 */
export async function unmount(directory: string, options: UnmountOptions = {}): Promise<string> {
  const mountPoint = findMount(directory);
  if (process.geteuid?.() === 0) unmountByCall(mountPoint, options);
  else await unmountByHelper(mountPoint, options);
  return mountPoint;
}

function findMount(directory: string): string {
  const shown = shownPath(directory);
  let mountPoint: string;
  try {
    // A path as the kernel has it needs no look at the mount, which a server that unmounts itself could not answer.
    mountPoint = mountAt(directory) === undefined ? realMountPoint(directory) : directory;
  } catch (error) {
    throw new ClipError(
      "NOT_MOUNTED",
      `${shown} does not exist, so nothing is mounted there`,
      {},
      { cause: error },
    );
  }
  const mount = mountAt(mountPoint);
  if (mount === undefined) {
    throw new ClipError("NOT_MOUNTED", `nothing is mounted on ${shown}; clip ps lists the mounts`);
  }
  if (mount.type !== clipMountType) {
    throw new ClipError(
      "NOT_MOUNTED",
      `what is mounted on ${shown} is ${mount.type} and no archive; use umount for it`,
    );
  }
  return mountPoint;
}

// linux/fs.h and asm-generic/errno-base.h
const detach = 2;
const noFollow = 8;
const errnos = { eperm: 1, ebusy: 16, einval: 22 };

function unmountByCall(mountPoint: string, { lazy }: UnmountOptions): void {
  const flags = noFollow | (lazy === true ? detach : 0);
  if (libc().umount2!(cString(pathBytes(mountPoint)), flags) === 0) return;
  const code = errno();
  if (code === errnos.ebusy) throw busy(mountPoint);
  if (code === errnos.eperm) throw forbidden(mountPoint);
  if (code === errnos.einval) {
    throw new ClipError("NOT_MOUNTED", `nothing is mounted on ${shownPath(mountPoint)} any more`);
  }
  throw new ClipError("IO", `unmounting ${shownPath(mountPoint)} failed with errno ${code}`);
}

async function unmountByHelper(mountPoint: string, { lazy }: UnmountOptions): Promise<void> {
  const args = ["-u", ...(lazy === true ? ["-z"] : []), "--"];
  const { exitCode, stderr } = await runHelper(args, mountPoint);
  if (exitCode === 0) return;
  if (/busy/i.test(stderr)) throw busy(mountPoint);
  if (/not found in|not permitted|denied/i.test(stderr)) throw forbidden(mountPoint);
  throw new ClipError(
    "IO",
    `fusermount3 could not unmount ${shownPath(mountPoint)}: ${shownPath(stderr.trim())}`,
  );
}

const busy = (mountPoint: string): ClipError => {
  const shown = shownPath(mountPoint);
  return new ClipError(
    "MOUNT_BUSY",
    `${shown} is in use: end the programs that have files or their working directory there (fuser -vm ${shown} names them), or detach it at once with clip umount --force ${shown}`,
    { mountPoint },
  );
};

const forbidden = (mountPoint: string): ClipError =>
  new ClipError(
    "PERMISSION",
    `${shownPath(mountPoint)} was mounted by another user; unmount it as that user or as root`,
    { mountPoint },
  );
