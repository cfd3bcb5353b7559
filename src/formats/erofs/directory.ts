import type { ByteString } from "../bytestring.ts";
import { writeU64 } from "../fields.ts";
import { blockSize, dirent } from "./layout.ts";

/**
 * Directories: blocks of 512 bytes, each with its entries first and their names behind them, all sorted by the
 * names' bytes, `.` and `..` among them. A name never crosses a block.
 */

/** Bytes that a directory with these names (sorted, `.` and `..` among them) takes. */
export function directorySize(names: readonly ByteString[]): number {
  let blocks = 0;
  let used = 0;
  for (const name of names) {
    const wanted = dirent.size + name.length;
    if (used + wanted > blockSize) {
      blocks++;
      used = 0;
    }
    used += wanted;
  }
  return blocks * blockSize + used;
}

/** An entry to be written: the inode's nid and its type (FT_*). */
export interface DirectoryTarget {
  readonly nid: number;
  readonly type: number;
}

/**
 * Writes a directory. Block i goes to `placeOf(i)` of `image`, which must hold zeros; only the last one may be
 * shorter than a block.
 */
export function writeDirectory(
  image: Buffer,
  view: DataView,
  names: readonly ByteString[],
  targetOf: (name: ByteString) => DirectoryTarget,
  placeOf: (block: number) => number,
): void {
  let block = 0;
  for (let first = 0; first < names.length; block++) {
    let end = first;
    let used = 0;
    while (end < names.length && used + dirent.size + names[end]!.length <= blockSize) {
      used += dirent.size + names[end]!.length;
      end++;
    }
    const place = placeOf(block);
    let nameOffset = (end - first) * dirent.size;
    for (let i = first; i < end; i++) {
      const name = names[i]!;
      const { nid, type } = targetOf(name);
      const at = place + (i - first) * dirent.size;
      writeU64(view, at + dirent.at.nid, nid);
      view.setUint16(at + dirent.at.nameOffset, nameOffset, true);
      view.setUint8(at + dirent.at.type, type);
      image.write(name, place + nameOffset, "latin1");
      nameOffset += name.length;
    }
    first = end;
  }
}
