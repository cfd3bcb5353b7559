import { closeSync } from "node:fs";
import { ClipError } from "../errors.ts";
import { pathBytes, shownPath } from "../system/paths.ts";
import { type FuseMountOptions, kernelOptions } from "./mount-options.ts";
import { receiveDescriptor, socketPair } from "./pass-descriptor.ts";

/** Where the helper finds its end of the socket, and under what name it looks for the number. */
const helperSocket = 3;
const socketVariable = "_FUSE_COMMFD";

/**
 * Mounts as a normal user by the setuid program fusermount3 (which forces nosuid and nodev): it opens /dev/fuse,
 * mounts, and sends the descriptor over a socket. Returns the descriptor.
 * @throws ClipError NO_FUSE where the helper is missing, PERMISSION, MOUNT_FAILED with what the helper said.
 */
export async function mountByHelper(options: FuseMountOptions): Promise<number> {
  const [ours, theirs] = socketPair();
  try {
    const args = ["-o", helperOptions(options), "--"];
    const { exitCode, stderr } = await runHelper(args, options.mountPoint, theirs);
    const device = exitCode === 0 ? receiveDescriptor(ours) : undefined;
    if (device === undefined) throw helperFailure(options.mountPoint, stderr);
    return device;
  } finally {
    closeSync(ours);
    closeSync(theirs);
  }
}

const helperOptions = ({ source, allowOther }: FuseMountOptions): string =>
  [
    "ro",
    "nosuid",
    "nodev",
    "subtype=clip",
    `fsname=${shownPath(source).replace(/[\\,]/g, "\\$&")}`,
    ...kernelOptions(allowOther),
  ].join(",");

export interface HelperResult {
  readonly exitCode: number;
  readonly stderr: string;
}

/**
 * Runs fusermount3 with `args` and then `path`, which may hold any bytes.
 * @throws ClipError NO_FUSE where it is not installed.
 */
export async function runHelper(
  args: readonly string[],
  path: string,
  socket?: number,
): Promise<HelperResult> {
  if (Bun.which("fusermount3") === null) {
    throw new ClipError(
      "NO_FUSE",
      "fusermount3 is not installed, which normal users need to mount (Debian: apt install fuse3); or mount as root",
    );
  }
  const child = Bun.spawn(helperCommand(args, path), {
    stdio: ["ignore", "ignore", "pipe", ...(socket === undefined ? [] : [socket])],
    env: { ...process.env, [socketVariable]: String(helperSocket) },
  });
  const stderr = await new Response(child.stderr as ReadableStream).text();
  return { exitCode: await child.exited, stderr };
}

/** Bun gives children text only, so a path that is not UTF-8 is put together by a shell's printf. */
function helperCommand(args: readonly string[], path: string): string[] {
  const bytes = pathBytes(path);
  if (Buffer.from(path, "utf8").equals(bytes)) return ["fusermount3", ...args, path];
  const octal = Array.from(bytes, (byte) => `\\0${byte.toString(8).padStart(3, "0")}`).join("");
  // The dot keeps newlines at the end, which $(…) would remove.
  const script = `p=$(printf "%b." "$1"); shift; exec fusermount3 "$@" "\${p%.}"`;
  return ["/bin/sh", "-c", script, "sh", octal, ...args];
}

/** What the helper's messages mean (fuse 3, util/fusermount.c). */
const meanings: readonly [RegExp, (shown: string) => ConstructorParameters<typeof ClipError>][] = [
  [
    /user_allow_other/,
    () => [
      "PERMISSION",
      "--allow-other needs the line user_allow_other in /etc/fuse.conf, which root must add; or leave --allow-other out",
    ],
  ],
  [
    /failed to open \/dev\/fuse: Permission denied/,
    () => ["PERMISSION", "/dev/fuse is closed to this user; mount as root, or have root open it"],
  ],
  [
    /fuse device not found|failed to open \/dev\/fuse/,
    () => ["NO_FUSE", "this system has no /dev/fuse; load the kernel module (modprobe fuse)"],
  ],
  [
    /not owned by user|no write access to mountpoint/,
    (shown) => [
      "PERMISSION",
      `${shown} does not belong to this user, so that only root can mount on it; mount on a directory of your own`,
    ],
  ],
  [
    /too many FUSE filesystems/,
    () => ["MOUNT_FAILED", "too many FUSE mounts: raise mount_max in /etc/fuse.conf"],
  ],
];

function helperFailure(mountPoint: string, stderr: string): ClipError {
  const shown = shownPath(mountPoint);
  for (const [pattern, meaning] of meanings) {
    if (pattern.test(stderr)) return new ClipError(...meaning(shown));
  }
  const said = shownPath(stderr.trim()) || "without saying why";
  return new ClipError("MOUNT_FAILED", `fusermount3 could not mount on ${shown}: ${said}`, {
    mountPoint,
  });
}
