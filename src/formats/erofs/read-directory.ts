import { corruptIndex } from "./corrupt.ts";
import { dataBlockAt } from "./flat-data.ts";
import type { InodeFields } from "./inode.ts";
import { blockSize, dirent } from "./layout.ts";

/** How entries of a block are counted in cookies: more than fit one (512 / 12). */
const entriesPerBlock = 64;

/**
 * Is given an entry: its name (a view of the image), nid, type (FT_*) and the cookie to go on with after it. Returns
 * false to stop.
 */
export type VisitEntry = (
  name: Uint8Array,
  nid: number,
  type: number,
  nextCookie: number,
) => boolean;

/** Finds `name` in a directory: the nid, or 0 where it has no such entry. */
export function findEntry(
  image: Uint8Array,
  view: DataView,
  dir: InodeFields,
  name: Uint8Array,
): number {
  let low = 0;
  let high = Math.ceil(dir.size / blockSize) - 1;
  let candidate = -1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const at = dataBlockAt(image, dir, middle);
    const order = compareEntry(image, view, dir, at, blockLength(dir, middle), 0, name);
    if (order === 0) return nidAt(view, at, 0);
    if (order > 0) {
      candidate = middle;
      low = middle + 1;
    } else high = middle - 1;
  }
  if (candidate < 0) return 0;
  const at = dataBlockAt(image, dir, candidate);
  const length = blockLength(dir, candidate);
  low = 1;
  high = entryCount(view, dir, at, length) - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const order = compareEntry(image, view, dir, at, length, middle, name);
    if (order === 0) return nidAt(view, at, middle);
    if (order > 0) low = middle + 1;
    else high = middle - 1;
  }
  return 0;
}

/** Visits a directory's entries in order, `.` and `..` among them, from `cookie` (0: from the first). */
export function visitEntries(
  image: Uint8Array,
  view: DataView,
  dir: Readonly<InodeFields>,
  cookie: number,
  visit: VisitEntry,
): void {
  const blocks = Math.ceil(dir.size / blockSize);
  let first = cookie % entriesPerBlock;
  for (let block = Math.floor(cookie / entriesPerBlock); block < blocks; block++) {
    const at = dataBlockAt(image, dir, block);
    const length = blockLength(dir, block);
    const count = entryCount(view, dir, at, length);
    for (let i = first; i < count; i++) {
      const start = nameStart(view, dir, at, length, count, i);
      const end = nameEnd(image, view, dir, at, length, count, i);
      const type = view.getUint8(at + i * dirent.size + dirent.at.type);
      const next = block * entriesPerBlock + i + 1;
      if (!visit(image.subarray(at + start, at + end), nidAt(view, at, i), type, next)) return;
    }
    first = 0;
  }
}

const blockLength = (dir: InodeFields, block: number): number =>
  Math.min(blockSize, dir.size - block * blockSize);

/** A nid as the entry has it; more than 32 bits are out of every image and fail when the inode is read. */
const nidAt = (view: DataView, at: number, index: number): number =>
  view.getUint32(at + index * dirent.size, true) +
  view.getUint32(at + index * dirent.size + 4, true) * 0x1_0000_0000;

/** Names start behind the last entry, so the first name's offset tells how many entries there are. */
function entryCount(view: DataView, dir: InodeFields, at: number, length: number): number {
  const first = length < dirent.size ? 0 : view.getUint16(at + dirent.at.nameOffset, true);
  if (first === 0 || first % dirent.size !== 0 || first >= length) {
    throw corruptIndex("is a directory with a malformed block", dir.nid);
  }
  return first / dirent.size;
}

function nameStart(
  view: DataView,
  dir: InodeFields,
  at: number,
  length: number,
  count: number,
  index: number,
): number {
  const start = view.getUint16(at + index * dirent.size + dirent.at.nameOffset, true);
  if (start < count * dirent.size || start >= length) {
    throw corruptIndex("is a directory with a malformed block", dir.nid);
  }
  return start;
}

/** A name ends where the next one starts; the last one at the end of the block or at the zeros that fill it. */
function nameEnd(
  image: Uint8Array,
  view: DataView,
  dir: InodeFields,
  at: number,
  length: number,
  count: number,
  index: number,
): number {
  const start = nameStart(view, dir, at, length, count, index);
  let end = length;
  if (index + 1 < count) end = nameStart(view, dir, at, length, count, index + 1);
  else while (end > start && image[at + end - 1] === 0) end--;
  if (end <= start) throw corruptIndex("is a directory with an empty name", dir.nid);
  return end;
}

/** Compares `name` with that of an entry: negative, 0 or positive as it comes before, is the same, comes after. */
function compareEntry(
  image: Uint8Array,
  view: DataView,
  dir: InodeFields,
  at: number,
  length: number,
  index: number,
  name: Uint8Array,
): number {
  const count = entryCount(view, dir, at, length);
  const start = at + nameStart(view, dir, at, length, count, index);
  const entryLength = at + nameEnd(image, view, dir, at, length, count, index) - start;
  const shared = Math.min(entryLength, name.length);
  for (let i = 0; i < shared; i++) {
    const order = name[i]! - image[start + i]!;
    if (order !== 0) return order;
  }
  return name.length - entryLength;
}
