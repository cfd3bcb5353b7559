import { crc32 } from "node:zlib";
import { viewOf } from "../fields.ts";
import { corrupt } from "./corrupt.ts";

/** The first two bytes of a gzip member (RFC 1952, 2.3.1). */
export const gzipMagic = [0x1f, 0x8b] as const;

/** CRC-32 and length of the output, after the deflate stream. */
export const gzipTrailerSize = 8;

/** Longer headers (extra field, name and comment together) are refused. */
export const maxGzipHeader = 128 * 1024;

const flagHeaderCrc = 2;
const flagExtra = 4;
const flagName = 8;
const flagComment = 16;
const flagsReserved = 0xe0;

/**
 * The length of the gzip member header at the start of `bytes`, or undefined while it is not wholly there.
 * `at` is its byte offset in the blob, for messages. Throws LAYER_CORRUPT where it is not a header.
 */
export function gzipHeaderLength(bytes: Uint8Array, at: number): number | undefined {
  for (let i = 0; i < gzipMagic.length && i < bytes.length; i++) {
    if (bytes[i] !== gzipMagic[i]) throw corrupt("this is not the start of a gzip member", at);
  }
  if (bytes.length >= 3 && bytes[2] !== 8) throw corrupt("a gzip member is not deflated", at);
  const flags = bytes[3] ?? 0;
  if (flags & flagsReserved) throw corrupt("a gzip header has reserved flags set", at);
  const end = bytes.length < 10 ? undefined : skipFields(bytes, flags);
  if (end === undefined && bytes.length > maxGzipHeader) {
    throw corrupt("a gzip header is longer than 128 KiB", at);
  }
  if (end === undefined || (flags & flagHeaderCrc) === 0) return end;
  if (bytes.length < end + 2) return undefined;
  if ((crc32(bytes.subarray(0, end)) & 0xffff) !== viewOf(bytes).getUint16(end, true)) {
    throw corrupt("the checksum of a gzip header is wrong", at);
  }
  return end + 2;
}

/** Where the optional fields before the header's checksum end. */
function skipFields(bytes: Uint8Array, flags: number): number | undefined {
  let end = 10;
  if (flags & flagExtra) {
    if (bytes.length < end + 2) return undefined;
    end += 2 + viewOf(bytes).getUint16(end, true);
  }
  for (const flag of [flagName, flagComment]) {
    if ((flags & flag) === 0) continue;
    const zero = bytes.indexOf(0, end);
    if (zero < 0) return undefined;
    end = zero + 1;
  }
  return end <= bytes.length ? end : undefined;
}
