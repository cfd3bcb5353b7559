import { ClipError } from "../errors.ts";
import { byteStringOf, printable } from "../formats/bytestring.ts";
import type { ErofsImage } from "../formats/erofs/image.ts";
import { emptyInode, type InodeFields } from "../formats/erofs/inode.ts";
import { fileTypes, typeMask } from "../formats/erofs/layout.ts";

const slash = 0x2f;
const maxLinks = 40;

/**
 * The nid of a path inside the image, resolved as a process chrooted into it would: absolute links start at the
 * image's root and `..` stops there. The last component's link is followed when `follow` says so.
 * @throws ClipError PATH_NOT_FOUND.
 */
export function lookupPath(image: ErofsImage, path: Uint8Array, follow: boolean): number {
  const pending = componentsOf(path).reverse();
  const mustBeDirectory = path.at(-1) === slash;
  const trail: number[] = [image.root];
  let links = 0;
  const missing = (why: string) =>
    new ClipError(
      "PATH_NOT_FOUND",
      `${printable(byteStringOf(path))}: ${why} in this archive; clip ls shows what there is`,
    );
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const here = trail.at(-1)!;
    if ((inodeOf(image, here).mode & typeMask) !== fileTypes.dir.mode)
      throw missing("a part of the path is not a directory");
    if (isDots(name, 1)) continue;
    if (isDots(name, 2)) {
      if (trail.length > 1) trail.pop();
      continue;
    }
    const nid = image.lookup(here, name);
    if (nid === 0) throw missing("there is no such entry");
    const isLink = (inodeOf(image, nid).mode & typeMask) === fileTypes.symlink.mode;
    if (!isLink || (pending.length === 0 && !follow && !mustBeDirectory)) {
      trail.push(nid);
      continue;
    }
    if (++links > maxLinks) throw missing("too many symbolic links");
    const target = image.readlink(nid);
    if (target[0] === slash) trail.length = 1;
    pending.push(...componentsOf(target).reverse());
  }
  const found = trail.at(-1)!;
  if (mustBeDirectory && (inodeOf(image, found).mode & typeMask) !== fileTypes.dir.mode)
    throw missing("it is not a directory");
  return found;
}

/** The fields of an inode, in an object of their own. */
export function inodeOf(image: ErofsImage, nid: number): InodeFields {
  const inode = emptyInode();
  image.inode(nid, inode);
  return inode;
}

function componentsOf(path: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let from = 0; from < path.length; ) {
    const end = path.indexOf(slash, from);
    const stop = end < 0 ? path.length : end;
    if (stop > from) parts.push(path.subarray(from, stop));
    from = stop + 1;
  }
  return parts;
}

const isDots = (name: Uint8Array, count: number): boolean =>
  name.length === count && name.every((byte) => byte === 0x2e);
