import type { ByteString } from "../bytestring.ts";
import { struct, viewOf } from "../fields.ts";

/** Size of a header and the unit that file data is padded to. */
export const blockSize = 512;

/** POSIX.1-1988 ustar header; v7 tars have zeros from `magic` on. */
export const ustar = struct("ustar header", blockSize, {
  name: { bytes: 100 },
  mode: { bytes: 8 },
  uid: { bytes: 8 },
  gid: { bytes: 8 },
  size: { bytes: 12 },
  mtime: { bytes: 12 },
  checksum: { bytes: 8 },
  typeflag: "u8",
  linkName: { bytes: 100 },
  magic: { bytes: 6 },
  version: { bytes: 2 },
  userName: { bytes: 32 },
  groupName: { bytes: 32 },
  devMajor: { bytes: 8 },
  devMinor: { bytes: 8 },
  prefix: { bytes: 155 },
  pad: { bytes: 12 },
});

/** What GNU tar ("old GNU format", `ustar` and two spaces) keeps where ustar has its prefix. */
export const gnu = struct("GNU header", blockSize, {
  upToDevMinor: { bytes: 345 },
  accessTime: { bytes: 12 },
  changeTime: { bytes: 12 },
  offset: { bytes: 12 },
  longNames: { bytes: 4 },
  unused: "u8",
  sparse: { bytes: 4 * 24 },
  isExtended: "u8",
  realSize: { bytes: 12 },
  pad: { bytes: 17 },
});

/** Block of further sparse entries, after a GNU header of type `S` or another such block. */
export const gnuSparseExtension = struct("GNU sparse extension", blockSize, {
  sparse: { bytes: 21 * 24 },
  isExtended: "u8",
  pad: { bytes: 7 },
});

/** Schilling's star, told by `tar` in the last four bytes: the prefix is shorter, times follow it. */
export const star = struct("star header", blockSize, {
  upToDevMinor: { bytes: 345 },
  prefix: { bytes: 131 },
  accessTime: { bytes: 12 },
  changeTime: { bytes: 12 },
  pad: { bytes: 8 },
  trailer: { bytes: 4 },
});

export type Flavour = "v7" | "ustar" | "gnu" | "star";

/** Which of the header formats the block at `at` is. */
export function flavourOf(block: Buffer, at: number): Flavour {
  const magic = textAt(block, at + ustar.at.magic, 8);
  if (magic === "ustar  ") return "gnu";
  if (!magic.startsWith("ustar")) return "v7";
  return textAt(block, at + star.at.trailer, 4) === "tar" ? "star" : "ustar";
}

/** The bytes of a text field up to the first NUL, as a ByteString. */
export function textAt(block: Buffer, at: number, length: number): ByteString {
  let end = at;
  while (end < at + length && block[end] !== 0) end++;
  return end === at ? "" : block.toString("latin1", at, end);
}

/** Whether the block at `at` holds nothing but zeros. */
export function isZeroBlock(block: Uint8Array, at: number): boolean {
  if (block[at] !== 0) return false;
  for (let i = at + 1; i < at + blockSize; i++) if (block[i] !== 0) return false;
  return true;
}

/**
 * Whether the stored checksum is that of the block: the sum of its bytes with the checksum field taken as spaces.
 * POSIX sums unsigned bytes; some old writers summed signed ones.
 */
export function checksumMatches(
  block: Uint8Array,
  at: number,
  stored: number | undefined,
): boolean {
  const from = at + ustar.at.checksum;
  const to = from + ustar.fields.checksum.bytes;
  let sum = 8 * 0x20;
  for (let i = at; i < from; i++) sum += block[i]!;
  for (let i = to; i < at + blockSize; i++) sum += block[i]!;
  if (sum === stored) return true;
  const view = viewOf(block);
  let signed = 8 * 0x20;
  for (let i = at; i < at + blockSize; i++) {
    if (i < from || i >= to) signed += view.getInt8(i);
  }
  return signed === stored;
}
