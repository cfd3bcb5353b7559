import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { corruptArchive } from "./corrupt.ts";
import { type Section, sameBytes, sha256Of } from "./head.ts";
import type { SectionCodec } from "./layout.ts";

/** Archives are written once and read often; above this size the highest levels take longer than indexing did. */
const thoroughBytes = 4 * 1024 * 1024;
const levels = { thorough: 19, quick: 12 };

/** A section's bytes as they are stored, with the codec that was worth it. */
export function packSection(
  raw: Uint8Array,
  compress: boolean,
): { codec: SectionCodec; stored: Uint8Array } {
  if (!compress || raw.length === 0) return { codec: "stored", stored: raw };
  const level = raw.length <= thoroughBytes ? levels.thorough : levels.quick;
  const stored = zstdCompressSync(raw, { params: { [constants.ZSTD_c_compressionLevel]: level } });
  return stored.length < raw.length
    ? { codec: "zstd", stored: new Uint8Array(stored) }
    : { codec: "stored", stored: raw };
}

/** Verifies a section's stored bytes and unpacks them. @throws ClipError ARCHIVE_CORRUPT. */
export function unpackSection(section: Section, stored: Uint8Array): Uint8Array {
  const what = `has a section "${section.name ?? section.kind}"`;
  if (stored.length !== section.storedSize || !sameBytes(sha256Of(stored), section.sha256)) {
    throw corruptArchive(`${what} that was altered`);
  }
  if (section.codec === "stored") return stored;
  let raw: Uint8Array;
  try {
    raw = zstdDecompressSync(stored, { maxOutputLength: Math.max(1, section.rawSize) });
  } catch {
    throw corruptArchive(`${what} that cannot be decompressed`);
  }
  if (raw.length !== section.rawSize)
    throw corruptArchive(`${what} of another length than it says`);
  return new Uint8Array(raw.buffer, raw.byteOffset, raw.length);
}
