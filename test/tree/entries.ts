import { ErofsImage } from "../../src/formats/erofs/image.ts";
import { emptyInode, type InodeFields } from "../../src/formats/erofs/inode.ts";
import { majorOf, minorOf } from "../../src/formats/erofs/layout.ts";
import { verifyImage } from "../../src/formats/erofs/verify.ts";
import {
  encodeVirtual,
  type VirtualExtent,
  VirtualTable,
} from "../../src/formats/erofs/virtual.ts";
import type { EntryType, TarEntry } from "../../src/formats/tar/entry.ts";
import { createTree } from "../../src/tree/tree.ts";
import { writeIndex } from "../../src/tree/write-index.ts";

/** An entry as the scanner gives it; what is left out is what `touch` would make. */
export function entry(type: EntryType, name: string, fields: Partial<TarEntry> = {}): TarEntry {
  return {
    type,
    name,
    linkName: "",
    mode: type === "dir" ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    mtime: 0,
    mtimeNs: 0,
    devMajor: 0,
    devMinor: 0,
    size: 0,
    extents: [],
    xattrs: [],
    headerAt: 0,
    ...fields,
  };
}

/** A file whose content is its `uid`, for telling files apart. */
export const file = (name: string, uid = 0) => entry("file", name, { uid });
export const dir = (name: string, fields: Partial<TarEntry> = {}) => entry("dir", name, fields);
export const symlink = (name: string, linkName: string) => entry("symlink", name, { linkName });
export const hardlink = (name: string, linkName: string) => entry("hardlink", name, { linkName });

/** Merges layers of entries and writes the index, which is verified. */
export function build(layers: readonly (readonly TarEntry[])[], tarSize = 2 ** 40) {
  const warnings: string[] = [];
  const tree = createTree({ onWarning: (text) => warnings.push(text) });
  layers.forEach((entries, i) => {
    tree.beginLayer(i);
    for (const one of entries) tree.add(one);
    tree.endLayer();
  });
  const written = writeIndex(
    tree.finish(),
    layers.map(() => tarSize),
  );
  const image = new ErofsImage(written.image);
  verifyImage(image);
  return { ...written, image, warnings: [...warnings, ...written.warnings] };
}

const letters: Readonly<Record<number, string>> = {
  1: "file",
  2: "dir",
  3: "char",
  4: "block",
  5: "fifo",
  7: "symlink",
};

/** An inode as a test wants to see it. */
export interface Seen extends InodeFields {
  readonly path: string;
  readonly type: string;
}

/** Everything in an image, by path (bytes as latin1), directories before what they hold. */
export function walk(image: ErofsImage): Map<string, Seen> {
  const seen = new Map<string, Seen>();
  const visit = (nid: number, type: number, path: string): void => {
    const inode = emptyInode();
    image.inode(nid, inode);
    seen.set(path, { ...inode, path, type: letters[type]! });
    if (type !== 2) return;
    image.readdir(nid, 0, (name, child, childType) => {
      const text = Buffer.from(name).toString("latin1");
      const below = path === "/" ? `/${text}` : `${path}/${text}`;
      if (text !== "." && text !== "..") visit(child, childType, below);
      return true;
    });
  };
  visit(image.root, 2, "/");
  return seen;
}

/** The paths of an image but for the root, with a file's uid behind a colon; directories end in a slash. */
export function paths(layers: readonly (readonly TarEntry[])[]): string[] {
  const shown: string[] = [];
  for (const [path, { type, uid }] of walk(build(layers).image)) {
    if (path === "/") continue;
    const name = path.slice(1);
    shown.push(type === "dir" ? `${name}/` : uid === 0 ? name : `${name}:${uid}`);
  }
  return shown;
}

export const deviceOf = ({ rdev }: InodeFields): string => `${majorOf(rdev)}:${minorOf(rdev)}`;

/** A file's bytes, read from the layers' tars by way of the index. */
export function readFile(
  { image, virtual }: { readonly image: ErofsImage; readonly virtual: readonly VirtualExtent[] },
  nid: number,
  tars: readonly Uint8Array[],
): Buffer {
  const inode = emptyInode();
  image.inode(nid, inode);
  const sizes = tars.map(({ length }) => length);
  const table = new VirtualTable(encodeVirtual(virtual), sizes);
  const content = Buffer.alloc(inode.size, 0xaa);
  const copy = (to: number, length: number, device: number, at: number) => {
    if (device === 0) content.fill(0, to, to + length);
    else content.set(tars[device - 1]!.subarray(at, at + length), to);
  };
  image.extents(nid, 0, inode.size, (offset, length, device, at) => {
    if (device === 0 || device !== image.virtualDevice) copy(offset, length, device, at);
    else {
      table.resolve(at, length, (place, part, real, realAt) =>
        copy(offset + (place - at), part, real, realAt),
      );
    }
  });
  return content;
}
