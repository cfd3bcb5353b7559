import { byteStringOf, printable } from "../formats/bytestring.ts";
import type { ErofsImage } from "../formats/erofs/image.ts";
import { majorOf, minorOf } from "../formats/erofs/layout.ts";
import { inodeOf, lookupPath } from "./lookup.ts";

/** An entry of the tree as `stat` would show it. */
export interface ListedEntry {
  /** Escaped for showing where it has bytes that confuse terminals or are not UTF-8; `pathHex` then has the bytes. */
  readonly path: string;
  readonly pathHex?: string;
  readonly inode: number;
  readonly type: EntryKind;
  /** st_mode, type bits included. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly mtimeNs: number;
  /** "major:minor" of a device. */
  readonly rdev?: string;
  readonly target?: string;
}

export type EntryKind =
  | "file"
  | "dir"
  | "symlink"
  | "char"
  | "block"
  | "fifo"
  | "socket"
  | "unknown";

/** By the type bits of st_mode (S_IFMT >> 12, inode(7)). */
const kinds = new Map<number, EntryKind>([
  [1, "fifo"],
  [2, "char"],
  [4, "dir"],
  [6, "block"],
  [8, "file"],
  [10, "symlink"],
  [12, "socket"],
]);

export const kindOf = (mode: number): EntryKind => kinds.get(mode >> 12) ?? "unknown";

/** One entry's attributes; `path` is what it is to be called. */
export function describeEntry(image: ErofsImage, nid: number, path: Uint8Array): ListedEntry {
  const raw = byteStringOf(path);
  const shown = printable(raw);
  const { mode, nlink, uid, gid, size, mtime, mtimeNs, rdev } = inodeOf(image, nid);
  const type = kindOf(mode);
  return {
    path: shown,
    ...(shown === Buffer.from(path).toString("utf8")
      ? {}
      : { pathHex: Buffer.from(path).toString("hex") }),
    inode: nid,
    type,
    mode,
    nlink,
    uid,
    gid,
    size,
    mtime,
    mtimeNs,
    ...(type === "char" || type === "block" ? { rdev: `${majorOf(rdev)}:${minorOf(rdev)}` } : {}),
    ...(type === "symlink" ? { target: printable(byteStringOf(image.readlink(nid))) } : {}),
  };
}

/**
 * The entries of a directory, or the one entry where `path` is something else, by name; with `recursive` everything
 * below too, parents before children. Paths are given from the image's root.
 * @throws ClipError PATH_NOT_FOUND.
 */
export function* listDirectory(
  image: ErofsImage,
  path: Uint8Array,
  options: { readonly recursive?: boolean } = {},
): Generator<ListedEntry> {
  const start = lookupPath(image, path, false);
  const shown = absolute(path);
  if (kindOf(inodeOf(image, start).mode) !== "dir") {
    yield describeEntry(image, start, shown);
    return;
  }
  const pending: { nid: number; path: Uint8Array }[] = [{ nid: start, path: shown }];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const below: typeof pending = [];
    for (const { name, nid } of childrenOf(image, directory.nid)) {
      const child = { nid, path: joined(directory.path, name) };
      yield describeEntry(image, nid, child.path);
      if (options.recursive === true && kindOf(inodeOf(image, nid).mode) === "dir")
        below.push(child);
    }
    pending.push(...below.reverse());
  }
}

/** Names (copied) and nids of a directory, in the index's order, without `.` and `..`. */
export function childrenOf(image: ErofsImage, nid: number): { name: Uint8Array; nid: number }[] {
  const children: { name: Uint8Array; nid: number }[] = [];
  image.readdir(nid, 0, (name, child) => {
    const dots = name.length <= 2 && name.every((byte) => byte === 0x2e);
    if (!dots) children.push({ name: Uint8Array.from(name), nid: child });
    return true;
  });
  return children;
}

function absolute(path: Uint8Array): Uint8Array {
  const text = byteStringOf(path)
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
  return Buffer.from(`/${text}`, "latin1");
}

const joined = (directory: Uint8Array, name: Uint8Array): Uint8Array =>
  directory.length === 1
    ? Buffer.concat([directory, name])
    : Buffer.concat([directory, Buffer.from("/"), name]);
