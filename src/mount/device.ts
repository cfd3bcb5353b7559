import { accessSync, closeSync, constants, openSync, statSync, writeFileSync } from "node:fs";
import { ClipError } from "../errors.ts";
import { cString, errno, libc } from "../system/libc.ts";
import { pathBytes, shownPath } from "../system/paths.ts";
import { mountByHelper } from "./fusermount.ts";
import { type FuseMountOptions, kernelOptions } from "./mount-options.ts";
import { checkMountPoint } from "./mount-point.ts";
import { clipMountType, mountAt } from "./mount-table.ts";

export interface FuseMount {
  /** The opened /dev/fuse of the new mount, on which INIT waits (see `openSession`). */
  readonly device: number;
  /** Absolute, without symbolic links. */
  readonly mountPoint: string;
}

const devicePath = "/dev/fuse";
const withoutMount =
  "clip ls, clip cat and clip inspect read an archive without a mount, and need no root";

/** What root mounts for others by default: --allow-other, with the kernel checking permissions. */
export const allowsOthersByDefault = (): boolean => process.geteuid?.() === 0;

/**
 * Mounts a FUSE filesystem, read-only: by mount(2) as root, by fusermount3 as another user.
 * @throws ClipError NO_FUSE (with what to do instead), PERMISSION, FILE_NOT_FOUND, MOUNT_BUSY, MOUNT_FAILED.
 */
export async function mountFuse(options: FuseMountOptions): Promise<FuseMount> {
  checkDevice();
  const mountPoint = checkMountPoint(options.mountPoint);
  const asked = { ...options, mountPoint };
  const device = process.geteuid?.() === 0 ? mountByCall(asked) : await mountByHelper(asked);
  return { device, mountPoint };
}

/** @throws ClipError NO_FUSE or PERMISSION where /dev/fuse can't be used. */
export function checkDevice(path = devicePath): void {
  if (process.platform !== "linux") {
    throw new ClipError("NO_FUSE", `this system has no FUSE that clip can use; ${withoutMount}`);
  }
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    // Some sandboxes put an empty file in its place.
    if (!statSync(path).isCharacterDevice()) throw Object.assign(new Error(), { code: "ENODEV" });
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "EACCES" || code === "EPERM") {
      throw new ClipError(
        "PERMISSION",
        `${path} is closed to this user; mount as root, or have root run chmod 666 ${path} (${withoutMount})`,
      );
    }
    throw new ClipError(
      "NO_FUSE",
      `this system has no device ${path}: load the kernel module (modprobe fuse), or give the container --device ${path}; ${withoutMount}`,
      { errno: code },
    );
  }
}

/** MS_RDONLY of linux/mount.h. Root's mount keeps setuid and devices, so that a chroot in it works as on a disk. */
const readOnly = 1;

function mountByCall({ mountPoint, source, allowOther }: FuseMountOptions): number {
  const device = openDevice();
  const options = [
    `fd=${device}`,
    "rootmode=40000",
    `user_id=${process.getuid!()}`,
    `group_id=${process.getgid!()}`,
    ...kernelOptions(allowOther),
  ].join(",");
  const texts = [pathBytes(source), pathBytes(mountPoint), clipMountType, options].map(cString);
  const [from, to, type, data] = texts;
  if (libc().mount!(from, to, type, readOnly, data) === 0) return device;
  const code = errno();
  closeSync(device);
  throw mountFailure(mountPoint, code);
}

function openDevice(): number {
  try {
    return openSync(devicePath, "r+");
  } catch (error) {
    // A container without --device has the node, but opening it is forbidden or finds no driver.
    throw new ClipError(
      "NO_FUSE",
      `${devicePath} cannot be opened (${(error as { code?: string }).code}): load the kernel module (modprobe fuse), or give the container --device ${devicePath}; ${withoutMount}`,
      {},
      { cause: error },
    );
  }
}

const eperm = 1;
const enodev = 19;

function mountFailure(mountPoint: string, code: number): ClipError {
  const shown = shownPath(mountPoint);
  if (code === eperm) {
    return new ClipError(
      "PERMISSION",
      `this process may not mount on ${shown}: in a container it needs --cap-add SYS_ADMIN (and, with Docker, --security-opt apparmor=unconfined); ${withoutMount}`,
      { mountPoint },
    );
  }
  if (code === enodev) {
    return new ClipError("NO_FUSE", `this kernel has no FUSE (modprobe fuse); ${withoutMount}`);
  }
  return new ClipError("MOUNT_FAILED", `mounting on ${shown} failed with errno ${code}`, {
    mountPoint,
    errno: code,
  });
}

/**
 * Lets the kernel read `kib` KiB ahead in files of a mount. Only root may (128 KiB is the default); says whether it
 * was done. INIT must have been answered.
 */
export function setReadAhead(mountPoint: string, kib: number): boolean {
  const mount = mountAt(mountPoint);
  if (mount === undefined) return false;
  try {
    writeFileSync(`/sys/class/bdi/${mount.major}:${mount.minor}/read_ahead_kb`, String(kib));
    return true;
  } catch {
    return false;
  }
}
