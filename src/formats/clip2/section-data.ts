import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { ClipError } from "../../errors.ts";
import { corruptArchive } from "./corrupt.ts";
import { longestRaw, type Section, sameBytes, sha256Of } from "./head.ts";
import { limits, type RequiredSection, type SectionCodec } from "./layout.ts";

/** Archives are written once and read often; above this size the highest levels take longer than indexing did. */
const thoroughBytes = 4 * 1024 * 1024;
const levels = { thorough: 19, quick: 12 };

/**
 * A section's bytes as they are stored, with the codec that was worth it. Windows are compressed one by one already.
 * @throws ClipError LIMIT_EXCEEDED where a reader would refuse the section.
 */
export function packSection(
  name: RequiredSection,
  raw: Uint8Array,
): { codec: SectionCodec; stored: Uint8Array } {
  if (raw.length > limits.rawSize[name]) {
    throw new ClipError(
      "LIMIT_EXCEEDED",
      `the image is too large for an archive: its section "${name}" would take ${raw.length} bytes, at most ${limits.rawSize[name]} are possible`,
      { section: name, size: raw.length },
    );
  }
  if (name === "windows" || raw.length === 0) return { codec: "stored", stored: raw };
  const level = raw.length <= thoroughBytes ? levels.thorough : levels.quick;
  const stored = zstdCompressSync(raw, { params: { [constants.ZSTD_c_compressionLevel]: level } });
  return stored.length < raw.length && raw.length <= longestRaw(stored.length)
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
  const raw = inflate(stored, section.rawSize);
  if (raw === undefined) throw corruptArchive(`${what} that cannot be decompressed`);
  if (raw.length !== section.rawSize) {
    throw corruptArchive(`${what} of another length than it says`);
  }
  return new Uint8Array(raw.buffer, raw.byteOffset, raw.length);
}

/** Never more than `size` bytes, in one buffer of that size; undefined where there would be more, or for no zstd. */
function inflate(stored: Uint8Array, size: number): Uint8Array | undefined {
  try {
    return zstdDecompressSync(stored, {
      maxOutputLength: Math.max(1, size),
      chunkSize: Math.max(64, size),
    });
  } catch {
    return undefined;
  }
}
