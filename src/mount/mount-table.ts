import { readFileSync } from "node:fs";
import { pathOf } from "../system/paths.ts";

/** The type that clip's mounts have in the kernel's table. */
export const clipMountType = "fuse.clip";

/** A mount, after proc_pid_mountinfo(5). Paths are as `system/paths.ts` has them. */
export interface MountEntry {
  readonly id: number;
  readonly parentId: number;
  /** Device number of the filesystem: what `st_dev` and the directories of /sys/class/bdi say. */
  readonly major: number;
  readonly minor: number;
  readonly mountPoint: string;
  readonly type: string;
  readonly source: string;
}

/** Parses a mountinfo file: later lines lie over earlier ones. Lines that don't look like one are left out. */
export function parseMountInfo(bytes: Uint8Array): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of Buffer.from(bytes).toString("latin1").split("\n")) {
    const fields = line.split(" ");
    const separator = fields.indexOf("-", 6);
    const device = /^(\d+):(\d+)$/.exec(fields[2] ?? "");
    if (separator < 0 || device === null || fields.length < separator + 3) continue;
    entries.push({
      id: Number(fields[0]),
      parentId: Number(fields[1]),
      major: Number(device[1]),
      minor: Number(device[2]),
      mountPoint: unescapeOctal(fields[4]!),
      type: unescapeOctal(fields[separator + 1]!),
      source: unescapeOctal(fields[separator + 2]!),
    });
  }
  return entries;
}

/** This process's mounts. Empty where the system has no such table. */
export function readMountTable(): MountEntry[] {
  try {
    return parseMountInfo(readFileSync("/proc/self/mountinfo"));
  } catch {
    return [];
  }
}

/** The topmost mount at a path (absolute, without symbolic links); undefined where nothing is mounted. */
export const mountAt = (path: string, table = readMountTable()): MountEntry | undefined =>
  table.findLast(({ mountPoint }) => mountPoint === path);

/** All mounts of clip, whoever made them. */
export const clipMounts = (table = readMountTable()): MountEntry[] =>
  table.filter(({ type }) => type === clipMountType);

/** Space, tab, newline and backslash are written as three octal digits; all other bytes as they are. */
function unescapeOctal(field: string): string {
  const bytes = field.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return pathOf(Buffer.from(bytes, "latin1"));
}
