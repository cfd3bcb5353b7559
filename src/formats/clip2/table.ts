import { viewOf } from "../fields.ts";
import { sameBytes, sha256 } from "./digests.ts";
import { corrupt, newer, truncated } from "./failures.ts";
import {
  formatVersion,
  head,
  indexOnly,
  magic,
  type SectionName,
  sectionEntry,
  sectionKinds,
  sectionNames,
  skippable,
} from "./layout.ts";
import { maxSections } from "./limits.ts";
import { checkSection, type PackedSection, type Section } from "./section.ts";

export type Head = ReturnType<typeof head.read>;

/** The most that head and table take together. */
export const maxHeadLength = head.size + maxSections * sectionEntry.size;

/** Bytes of head and table together. */
export const headLength = ({ sectionCount }: Pick<Head, "sectionCount">): number =>
  head.size + sectionCount * sectionEntry.size;

const names = new Map<number, SectionName>(sectionNames.map((name) => [sectionKinds[name], name]));

/** Head and table for sections that follow in this order. */
export function encodeTable(sections: readonly PackedSection[]): Uint8Array {
  const bytes = new Uint8Array(headLength({ sectionCount: sections.length }));
  const view = viewOf(bytes);
  let offset = bytes.length;
  sections.forEach((section, i) => {
    const { kind, codec, flags, storedLength, rawLength, sha256 } = section;
    const entry = { kind, codec, flags, offset, storedLength, rawLength, sha256 };
    sectionEntry.write(view, head.size + i * sectionEntry.size, entry);
    offset += storedLength;
  });
  head.write(view, 0, {
    magic,
    formatVersion,
    clipVersion: indexOnly,
    sectionCount: sections.length,
    fileLength: offset,
    tableSha256: sha256(bytes.subarray(head.size)),
  });
  return bytes;
}

/**
 * Reads the head of a file of `size` bytes that begins with the magic. `bytes` is its beginning.
 * @throws ClipError ARCHIVE_TRUNCATED, ARCHIVE_VERSION, ARCHIVE_CORRUPT.
 */
export function readHead(bytes: Uint8Array, size: number): Head {
  if (bytes.length < head.size) throw truncated(size, head.size);
  const values = head.read(viewOf(bytes));
  if (values.formatVersion !== formatVersion) {
    throw newer(`is of format version ${values.formatVersion}, this version reads ${formatVersion}`);
  }
  if (values.clipVersion !== indexOnly) {
    throw newer(`is of clip version ${values.clipVersion}, this version reads ${indexOnly}`);
  }
  if (values.reserved !== 0) throw corrupt("a reserved field of its head is not zero");
  if (values.sectionCount > maxSections || headLength(values) > values.fileLength) {
    throw corrupt(`its head says that it has ${values.sectionCount} sections`);
  }
  if (size < values.fileLength) throw truncated(size, values.fileLength);
  if (size > values.fileLength) throw corrupt(`${size - values.fileLength} bytes follow its end`);
  return values;
}

/**
 * Reads the section table; `bytes` are head and table. Every known section is there once, and sections follow each
 * other without gaps up to the end of the file.
 * @throws ClipError ARCHIVE_CORRUPT, ARCHIVE_VERSION.
 */
export function readTable(values: Head, bytes: Uint8Array): Section[] {
  const table = bytes.subarray(head.size, headLength(values));
  if (!sameBytes(sha256(table), values.tableSha256)) {
    throw corrupt("its section table does not have the digest that the head says");
  }
  const sections: Section[] = [];
  let offset = headLength(values);
  for (let at = 0; at < table.length; at += sectionEntry.size) {
    const entry = sectionEntry.read(viewOf(table), at);
    const section = { ...entry, sha256: entry.sha256.slice(), name: names.get(entry.kind) };
    if (section.kind <= (sections.at(-1)?.kind ?? 0)) throw corrupt("its sections are not in order");
    if (section.offset !== offset) throw corrupt("its sections do not follow each other");
    offset += section.storedLength;
    if (offset > values.fileLength) throw corrupt("a section passes the end of the file");
    checkFlags(section);
    checkSection(section);
    sections.push(section);
  }
  if (offset !== values.fileLength) throw corrupt("its sections end before the file does");
  const missing = sectionNames.find((name) => !sections.some((section) => section.name === name));
  if (missing !== undefined) throw corrupt(`section ${missing} is missing`);
  return sections;
}

function checkFlags({ kind, name, flags }: Section): void {
  const known = name === undefined ? skippable : 0;
  if ((flags & ~known) !== 0) throw newer(`has a section with flags that this version does not know`);
  if (name === undefined && flags !== skippable) {
    throw newer(`has a section of kind ${kind}, which this version does not know and may not skip`);
  }
}
