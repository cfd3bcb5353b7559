import { readU64 } from "../fields.ts";
import { corruptIndex } from "./corrupt.ts";
import {
  entryTypeOfMode,
  fileTypes,
  inodeExtended,
  layouts,
  slotSize,
  typeMask,
  xattrHeader,
} from "./layout.ts";

/** An inode's fields. One object is filled again and again, so that walking makes no garbage. */
export interface InodeFields {
  nid: number;
  /** Type and permission bits, as in `st_mode`. */
  mode: number;
  /** Bytes of a file, a directory's blocks or a link's target. */
  size: number;
  nlink: number;
  uid: number;
  gid: number;
  /** Seconds since 1970, rounded down, and nanoseconds more. */
  mtime: number;
  mtimeNs: number;
  /** Linux's 32-bit device number of a device node; 0 for everything else. */
  rdev: number;
  /** Data layout, one of `layouts`. */
  layout: number;
  /** Start block of flat data, or the chunk format. */
  detail: number;
  /** Bytes of extended attributes, and their offset in the image. */
  xattrSize: number;
  xattrAt: number;
  /** Offset in the image of what lies behind inode and attributes. */
  tailAt: number;
}

/** An object to fill with `ErofsImage.inode`. */
export const emptyInode = (): InodeFields => ({
  nid: 0,
  mode: 0,
  size: 0,
  nlink: 0,
  uid: 0,
  gid: 0,
  mtime: 0,
  mtimeNs: 0,
  rdev: 0,
  layout: 0,
  detail: 0,
  xattrSize: 0,
  xattrAt: 0,
  tailAt: 0,
});

const field = inodeExtended.at;

/** Reads the inode `nid` of an image whose metadata area starts at byte `metaAt`. */
export function readInode(view: DataView, metaAt: number, nid: number, into: InodeFields): void {
  const at = metaAt + nid * slotSize;
  if (!(nid >= 2 && Number.isInteger(nid)) || at + inodeExtended.size > view.byteLength) {
    throw corruptIndex("lies outside the image", nid);
  }
  const format = view.getUint16(at + field.format, true);
  const layout = format >> 1;
  const isKnown =
    layout === layouts.plain || layout === layouts.inline || layout === layouts.chunks;
  if ((format & 1) === 0 || !isKnown) throw corruptIndex(`has the unknown format ${format}`, nid);
  const mode = view.getUint16(at + field.mode, true);
  if (entryTypeOfMode[mode >> 12] === 0) throw corruptIndex(`has the mode ${mode}`, nid);
  const type = mode & typeMask;
  if ((layout === layouts.chunks) !== (type === fileTypes.file.mode && layout !== layouts.plain)) {
    throw corruptIndex("has a data layout that its type never has", nid);
  }
  const xattrCount = view.getUint16(at + field.xattrCount, true);
  const mtimeHigh = view.getInt32(at + field.mtime + 4, true);
  const detail = view.getUint32(at + field.detail, true);
  into.nid = nid;
  into.mode = mode;
  into.layout = layout;
  into.size = readU64(view, at + field.size);
  into.nlink = view.getUint32(at + field.nlink, true);
  into.uid = view.getUint32(at + field.uid, true);
  into.gid = view.getUint32(at + field.gid, true);
  into.mtime = mtimeHigh * 0x1_0000_0000 + view.getUint32(at + field.mtime, true);
  into.mtimeNs = view.getUint32(at + field.mtimeNs, true);
  into.detail = detail;
  into.rdev = type === fileTypes.char.mode || type === fileTypes.block.mode ? detail : 0;
  into.xattrSize = xattrCount === 0 ? 0 : xattrHeader.size + 4 * (xattrCount - 1);
  into.xattrAt = at + inodeExtended.size;
  into.tailAt = into.xattrAt + into.xattrSize;
  if (
    into.tailAt > view.byteLength ||
    into.mtimeNs > 999_999_999 ||
    !Number.isSafeInteger(into.mtime) ||
    !Number.isSafeInteger(into.size)
  ) {
    throw corruptIndex("has fields that are out of range", nid);
  }
  if (type === fileTypes.file.mode && layout === layouts.plain && into.size > 0) {
    throw corruptIndex("has data in the index", nid);
  }
}
