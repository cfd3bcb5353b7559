import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { sameBytes, sha256 } from "./digests.ts";
import { corrupt, newer, tooLarge } from "./failures.ts";
import { type SectionName, sectionCodecs, sectionKinds } from "./layout.ts";
import { maxRatio, maxRawLength, ratioSlack } from "./limits.ts";

/** An entry of the section table; `name` is undefined for kinds that this version does not know. */
export interface Section {
  readonly kind: number;
  readonly name: SectionName | undefined;
  readonly codec: number;
  readonly flags: number;
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly storedLength: number;
  readonly rawLength: number;
  /** Of the stored bytes. */
  readonly sha256: Uint8Array;
}

/** A section ready to be written. */
export interface PackedSection extends Omit<Section, "offset"> {
  readonly pieces: readonly Uint8Array[];
}

/**
 * Level of the sections but the index: they are small. The index is large and regular; on a Debian image level 12 gives
 * 1 % more bytes than 19 in a tenth of the time.
 */
const levels: Partial<Record<SectionName, number>> = { index: 12 };
const defaultLevel = 19;

/** Compresses a section where that makes it smaller. @throws ClipError LIMIT_EXCEEDED. */
export function packSection(name: SectionName, raw: Uint8Array): PackedSection {
  const params = { [constants.ZSTD_c_compressionLevel]: levels[name] ?? defaultLevel };
  const packed = new Uint8Array(zstdCompressSync(raw, { params }));
  const smaller = packed.length < raw.length && raw.length <= longestRaw(packed.length);
  return smaller
    ? { ...storedSection(name, [packed]), codec: sectionCodecs.zstd, rawLength: raw.length }
    : storedSection(name, [raw]);
}

/** A section that is stored as it is, given in pieces. @throws ClipError LIMIT_EXCEEDED. */
export function storedSection(name: SectionName, pieces: readonly Uint8Array[]): PackedSection {
  const hasher = new Bun.CryptoHasher("sha256");
  let length = 0;
  for (const piece of pieces) {
    hasher.update(piece);
    length += piece.length;
  }
  if (length > maxRawLength[name]) throw tooLarge(`section ${name} would be ${length} bytes long`);
  return {
    kind: sectionKinds[name],
    name,
    codec: sectionCodecs.stored,
    flags: 0,
    storedLength: length,
    rawLength: length,
    sha256: new Uint8Array(hasher.digest()),
    pieces,
  };
}

const longestRaw = (stored: number): number => stored * maxRatio + ratioSlack;

/** Checks what a table entry says about its section's bytes. @throws ClipError. */
export function checkSection({ name, codec, storedLength, rawLength }: Section): void {
  if (name === undefined) return;
  if (codec !== sectionCodecs.stored && codec !== sectionCodecs.zstd) {
    throw newer(`stores section ${name} in a way that this version does not know`);
  }
  const possible =
    codec === sectionCodecs.stored ? rawLength === storedLength : rawLength <= longestRaw(storedLength);
  if (!possible || rawLength > maxRawLength[name]) throw corrupt(`section ${name} has impossible lengths`);
  if (name === "windows" && codec !== sectionCodecs.stored) throw corrupt("its windows are compressed as one");
}

/**
 * The raw bytes of a section from its stored ones: verified, and never more of them than the table says.
 * @throws ClipError ARCHIVE_CORRUPT.
 */
export function unpackSection(section: Section, stored: Uint8Array): Uint8Array {
  if (stored.length !== section.storedLength || !sameBytes(sha256(stored), section.sha256)) {
    throw corrupt(`section ${section.name} does not have the digest that the table says`);
  }
  if (section.codec === sectionCodecs.stored) return stored;
  const raw = decompress(section, stored);
  if (raw.length !== section.rawLength) throw wrongLength(section);
  return raw;
}

function decompress(section: Section, stored: Uint8Array): Uint8Array {
  // One output buffer of the declared length; zlib stops where more would come.
  const bound = Math.max(64, section.rawLength);
  try {
    const raw = zstdDecompressSync(stored, { maxOutputLength: bound, chunkSize: bound });
    return new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
  } catch (error) {
    throw wrongLength(section, error);
  }
}

const wrongLength = (section: Section, cause?: unknown) =>
  corrupt(`section ${section.name} does not decompress to the length that the table says`, cause);
