import { writeU64 } from "../fields.ts";
import { formatOf, inodeExtended } from "./layout.ts";

/** What an inode says of itself. */
export interface InodeValues {
  readonly nid: number;
  /** Type and permission bits. */
  readonly mode: number;
  readonly size: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, rounded down, and nanoseconds more. */
  readonly mtime: number;
  readonly mtimeNs: number;
  /** Data layout, one of `layouts`, and what it needs: start block, chunk format or device number. */
  readonly layout: number;
  readonly detail: number;
  readonly xattrCount: number;
}

const field = inodeExtended.at;

/** Writes an inode at `at`, field by field: an image has several hundred thousand. */
export function writeInode(view: DataView, at: number, inode: InodeValues): void {
  const mtimeHigh = Math.floor(inode.mtime / 0x1_0000_0000);
  view.setUint16(at + field.format, formatOf(inode.layout), true);
  view.setUint16(at + field.xattrCount, inode.xattrCount, true);
  view.setUint16(at + field.mode, inode.mode, true);
  writeU64(view, at + field.size, inode.size);
  view.setUint32(at + field.detail, inode.detail, true);
  view.setUint32(at + field.ino, inode.nid, true);
  view.setUint32(at + field.uid, inode.uid, true);
  view.setUint32(at + field.gid, inode.gid, true);
  view.setUint32(at + field.mtime, inode.mtime - mtimeHigh * 0x1_0000_0000, true);
  view.setInt32(at + field.mtime + 4, mtimeHigh, true);
  view.setUint32(at + field.mtimeNs, inode.mtimeNs, true);
  view.setUint32(at + field.nlink, inode.nlink, true);
}
