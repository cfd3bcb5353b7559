import type { InodeFields } from "../formats/erofs/inode.ts";
import { fileTypes, typeMask } from "../formats/erofs/layout.ts";
import { writeU64 } from "../formats/fields.ts";
import { forever, pageSize } from "./limits.ts";
import { type MetadataIndex, nodeOfNid } from "./metadata.ts";
import { attr, attrOut, entryOut } from "./wire.ts";

/** Writes fuse_entry_out: node, validity, attributes. The inode's nid is its node for ever, so generations are 0. */
export function writeEntry(view: DataView, at: number, index: MetadataIndex, inode: InodeFields) {
  writeU64(view, at + entryOut.at.node, nodeOfNid(index, inode.nid));
  writeU64(view, at + entryOut.at.generation, 0);
  writeU64(view, at + entryOut.at.entryValid, forever);
  writeU64(view, at + entryOut.at.attrValid, forever);
  view.setUint32(at + entryOut.at.entryValidNs, 0, true);
  view.setUint32(at + entryOut.at.attrValidNs, 0, true);
  writeAttributes(view, at + entryOut.at.ino, index, inode);
}

/** Writes a fuse_entry_out for "there is no such name, and there never will be". */
export function writeNegativeEntry(bytes: Uint8Array, view: DataView, at: number): void {
  bytes.fill(0, at, at + entryOut.size);
  writeU64(view, at + entryOut.at.entryValid, forever);
}

/** Writes fuse_attr_out. */
export function writeAttrOut(view: DataView, at: number, index: MetadataIndex, inode: InodeFields) {
  writeU64(view, at + attrOut.at.attrValid, forever);
  view.setUint32(at + attrOut.at.attrValidNs, 0, true);
  view.setUint32(at + attrOut.at.padding, 0, true);
  writeAttributes(view, at + attrOut.at.ino, index, inode);
}

function writeAttributes(view: DataView, at: number, index: MetadataIndex, inode: InodeFields) {
  writeU64(view, at + attr.at.ino, inode.nid);
  writeU64(view, at + attr.at.size, inode.size);
  writeU64(view, at + attr.at.blocks, blocksOf(index, inode));
  // An image keeps one time; the others are given as it.
  for (const time of [attr.at.atime, attr.at.mtime, attr.at.ctime]) {
    writeSeconds(view, at + time, inode.mtime);
  }
  for (const time of [attr.at.atimeNs, attr.at.mtimeNs, attr.at.ctimeNs]) {
    view.setUint32(at + time, inode.mtimeNs, true);
  }
  view.setUint32(at + attr.at.mode, inode.mode, true);
  view.setUint32(at + attr.at.nlink, inode.nlink, true);
  view.setUint32(at + attr.at.uid, inode.uid, true);
  view.setUint32(at + attr.at.gid, inode.gid, true);
  view.setUint32(at + attr.at.rdev, inode.rdev, true);
  view.setUint32(at + attr.at.blockSize, pageSize, true);
  view.setUint32(at + attr.at.flags, 0, true);
}

function blocksOf(index: MetadataIndex, inode: InodeFields): number {
  const type = inode.mode & typeMask;
  if (type === fileTypes.file.mode) return index.allocatedBlocks(inode.nid);
  return type === fileTypes.dir.mode ? Math.ceil(inode.size / 512) : 0;
}

/** Seconds since 1970, negative before it, as a signed 64-bit number. */
function writeSeconds(view: DataView, at: number, seconds: number): void {
  const high = Math.floor(seconds / 0x1_0000_0000);
  view.setUint32(at, seconds - high * 0x1_0000_0000, true);
  view.setInt32(at + 4, high, true);
}
