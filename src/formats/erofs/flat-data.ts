import { corruptIndex } from "./corrupt.ts";
import type { InodeFields } from "./inode.ts";
import { blockSize, layouts } from "./layout.ts";

/**
 * Where block `index` of a directory's or link's data lies in the image: in blocks of its own, or, for the last one
 * of an inline layout, behind the inode. It is known to lie inside the image.
 */
export function dataBlockAt(image: Uint8Array, inode: InodeFields, index: number): number {
  const from = index * blockSize;
  const length = Math.min(blockSize, inode.size - from);
  const isTail = inode.layout === layouts.inline && from + blockSize >= inode.size;
  const at = isTail ? inode.tailAt : inode.detail * blockSize + from;
  if (length <= 0 || at + length > image.length) {
    throw corruptIndex("has data outside the image", inode.nid);
  }
  return at;
}

/** The data of a symbolic link, `inode.size` bytes; a view of the image where it lies in one piece. */
export function readFlat(image: Uint8Array, inode: InodeFields): Uint8Array {
  const blocks = Math.ceil(inode.size / blockSize);
  if (blocks === 1) {
    const at = dataBlockAt(image, inode, 0);
    return image.subarray(at, at + inode.size);
  }
  const data = new Uint8Array(inode.size);
  for (let block = 0; block < blocks; block++) {
    const at = dataBlockAt(image, inode, block);
    const from = block * blockSize;
    data.set(image.subarray(at, at + Math.min(blockSize, inode.size - from)), from);
  }
  return data;
}
