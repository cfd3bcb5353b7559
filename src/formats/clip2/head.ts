import { ClipError } from "../../errors.ts";
import { viewOf } from "../fields.ts";
import { corruptArchive } from "./corrupt.ts";
import {
  clipVersion,
  formatVersion,
  head,
  limits,
  magic,
  requiredSections,
  type SectionCodec,
  type SectionName,
  sectionCodecs,
  sectionKinds,
  skippable,
  tableEntry,
} from "./layout.ts";

/** One section as the table has it. */
export interface Section {
  readonly name: SectionName | undefined;
  readonly kind: number;
  readonly codec: SectionCodec;
  readonly flags: number;
  readonly offset: number;
  readonly storedSize: number;
  readonly rawSize: number;
  /** sha256 of the stored bytes. */
  readonly sha256: Uint8Array;
}

export const sha256Of = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(new Bun.CryptoHasher("sha256").update(bytes).digest());

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** Head and table of a file of the given sections, which must lie in order right behind them. */
export function encodeHead(sections: readonly Section[]): Uint8Array {
  const entries = new Uint8Array(sections.length * tableEntry.size);
  sections.forEach((section, i) => {
    const { kind, flags, offset, storedSize, rawSize, sha256 } = section;
    const codec = sectionCodecs.indexOf(section.codec);
    tableEntry.write(viewOf(entries), i * tableEntry.size, {
      kind,
      codec,
      flags,
      offset,
      storedSize,
      rawSize,
      sha256,
    });
  });
  const start = new Uint8Array(head.size);
  const last = sections.at(-1);
  head.write(viewOf(start), 0, {
    magic,
    formatVersion,
    clipVersion,
    sectionCount: sections.length,
    fileSize: last === undefined ? head.size : last.offset + last.storedSize,
    tableSha256: sha256Of(entries),
  });
  return Buffer.concat([start, entries]);
}

/** Bytes of head and table, told from the head alone. @throws ClipError where it is no head of a clip 2 file. */
export function headSizeOf(start: Uint8Array, fileSize: number): number {
  const { sectionCount } = checkedHead(start, fileSize);
  return head.size + sectionCount * tableEntry.size;
}

/**
 * The sections of a file of `fileSize` bytes, of which `start` has head and table.
 * @throws ClipError ARCHIVE_TRUNCATED, ARCHIVE_CORRUPT, ARCHIVE_VERSION.
 */
export function decodeHead(start: Uint8Array, fileSize: number): Section[] {
  const { sectionCount, tableSha256 } = checkedHead(start, fileSize);
  const end = head.size + sectionCount * tableEntry.size;
  if (start.length < end) throw truncated();
  const entries = start.subarray(head.size, end);
  if (!sameBytes(sha256Of(entries), tableSha256))
    throw corruptArchive("has a section table that was altered");
  const sections = Array.from({ length: sectionCount }, (_, i) =>
    sectionOf(tableEntry.read(viewOf(entries), i * tableEntry.size)),
  );
  checkPlaces(sections, end, fileSize);
  return sections;
}

/** Sections lie without gaps from `start` to `end`, none twice, all that have to be there, and those in their order. */
function checkPlaces(sections: readonly Section[], start: number, end: number): void {
  let at = start;
  const seen = new Set<number>();
  for (const section of sections) {
    if (section.offset !== at) throw corruptArchive("has sections that overlap or leave gaps");
    if (seen.has(section.kind)) throw corruptArchive(`has section ${section.kind} twice`);
    seen.add(section.kind);
    at += section.storedSize;
  }
  if (at !== end) throw corruptArchive("has bytes that belong to no section");
  const required = sections.filter(({ name }) => isRequired(name)).map(({ name }) => name);
  for (const [i, name] of requiredSections.entries()) {
    if (!required.includes(name)) throw corruptArchive(`has no section "${name}"`);
    if (required[i] !== name) throw corruptArchive("has its sections in another order");
  }
}

const isRequired = (name: SectionName | undefined): boolean =>
  requiredSections.some((required) => required === name);

function checkedHead(start: Uint8Array, fileSize: number) {
  if (start.length < head.size) throw truncated();
  const values = head.read(viewOf(start));
  if (!sameBytes(values.magic, magic)) throw notAnArchive();
  if (values.formatVersion !== formatVersion || values.clipVersion !== clipVersion) {
    throw new ClipError(
      "ARCHIVE_VERSION",
      `the archive has format version ${values.formatVersion} and clip version ${values.clipVersion}, which this version of clip cannot read; use a newer clip, or build it again`,
    );
  }
  if (values.reserved.some((byte) => byte !== 0))
    throw corruptArchive("has a head that was altered");
  if (values.fileSize > limits.fileSize || values.sectionCount > limits.sections) {
    throw corruptArchive("claims an impossible size");
  }
  if (values.fileSize > fileSize) throw truncated(fileSize, values.fileSize);
  if (values.fileSize < fileSize) throw corruptArchive("is longer than it says");
  return values;
}

function sectionOf(entry: ReturnType<typeof tableEntry.read>): Section {
  const { kind, flags, offset, storedSize, rawSize, sha256 } = entry;
  const name = nameOfKind(kind);
  const isKnown = isRequired(name) ? flags === 0 : flags === skippable;
  if (!isKnown || entry.reserved !== 0) {
    throw new ClipError(
      "ARCHIVE_VERSION",
      `the archive has a section of kind ${kind} that this version of clip does not know; use a newer clip`,
    );
  }
  const codec = sectionCodecs[entry.codec];
  if (codec === undefined)
    throw corruptArchive(`has a section with the unknown codec ${entry.codec}`);
  const limit = name === undefined ? limits.fileSize : limits.rawSize[name];
  const isPossible =
    codec === "stored" ? rawSize === storedSize : rawSize <= longestRaw(storedSize);
  if (rawSize > limit || !isPossible) {
    throw corruptArchive(`has a section of kind ${kind} with an impossible size`);
  }
  return { name, kind, codec, flags, offset, storedSize, rawSize, sha256: Uint8Array.from(sha256) };
}

/** The most that a compressed section may hold. */
export const longestRaw = (storedSize: number): number =>
  storedSize * limits.expansion + limits.expansionFree;

export const nameOfKind = (kind: number): SectionName | undefined =>
  (Object.keys(sectionKinds) as SectionName[]).find((name) => sectionKinds[name] === kind);

export const notAnArchive = (): ClipError =>
  new ClipError("NOT_AN_ARCHIVE", "this is no clip archive; clip build makes one from an image");

export const truncated = (got?: number, expected?: number): ClipError =>
  new ClipError(
    "ARCHIVE_TRUNCATED",
    got === undefined
      ? "the archive is cut short; get or build it again"
      : `the archive is cut short (${got} of ${expected} bytes); get or build it again`,
  );
