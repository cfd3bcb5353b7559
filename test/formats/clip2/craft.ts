import { zstdCompressSync } from "node:zlib";
import { decodeHead, sha256Of } from "../../../src/formats/clip2/head.ts";
import {
  clipVersion,
  formatVersion,
  head,
  magic,
  tableEntry,
} from "../../../src/formats/clip2/layout.ts";
import { unpackSection } from "../../../src/formats/clip2/section-data.ts";
import { viewOf } from "../../../src/formats/fields.ts";

/** Archives put together by hand, right in every digest and wrong in what a test asks for. */

type EntryValues = Parameters<typeof tableEntry.write>[2];
type HeadValues = Parameters<typeof head.write>[2];

export interface CraftedSection {
  readonly kind: number;
  readonly stored: Uint8Array;
  /** What the table says instead of the truth. */
  readonly entry?: EntryValues;
}

const codecs = { stored: 0, zstd: 1 };

/** A section that is compressed, like most. */
export const zstdSection = (kind: number, raw: Uint8Array, entry: EntryValues = {}) => ({
  kind,
  stored: new Uint8Array(zstdCompressSync(raw)),
  entry: { codec: codecs.zstd, rawSize: raw.length, ...entry },
});

export const storedSection = (
  kind: number,
  stored: Uint8Array,
  entry: EntryValues = {},
): CraftedSection => ({ kind, stored, entry });

/** A file of these sections; table and head are right unless told otherwise. */
export function craft(sections: readonly CraftedSection[], headValues: HeadValues = {}) {
  const table = new Uint8Array(sections.length * tableEntry.size);
  let offset = head.size + table.length;
  sections.forEach(({ kind, stored, entry }, i) => {
    tableEntry.write(viewOf(table), i * tableEntry.size, {
      ...{ kind, offset, storedSize: stored.length, rawSize: stored.length },
      sha256: sha256Of(stored),
      ...entry,
    });
    offset += stored.length;
  });
  const start = new Uint8Array(head.size);
  head.write(viewOf(start), 0, {
    ...{ magic, formatVersion, clipVersion },
    ...{ sectionCount: sections.length, fileSize: offset, tableSha256: sha256Of(table) },
    ...headValues,
  });
  const bytes = Buffer.concat([start, table, ...sections.map(({ stored }) => stored)]);
  return new Uint8Array(bytes);
}

/** The sections of a good archive, each as it would be crafted. */
export function sectionsOf(archive: Uint8Array): CraftedSection[] {
  return decodeHead(archive, archive.length).map(
    ({ kind, codec, offset, storedSize, rawSize }) => ({
      kind,
      stored: archive.slice(offset, offset + storedSize),
      entry: { codec: codecs[codec], rawSize },
    }),
  );
}

/** The raw bytes of a section of a good archive. */
export function rawOf(archive: Uint8Array, kind: number): Uint8Array {
  const section = decodeHead(archive, archive.length).find((one) => one.kind === kind)!;
  const { offset, storedSize } = section;
  return Uint8Array.from(unpackSection(section, archive.subarray(offset, offset + storedSize)));
}

/** A good archive with the raw bytes of one section changed, and every digest made right again. */
export function withRaw(
  archive: Uint8Array,
  kind: number,
  change: (raw: Uint8Array) => Uint8Array | undefined,
): Uint8Array {
  const raw = rawOf(archive, kind);
  const changed = change(raw) ?? raw;
  return craft(
    sectionsOf(archive).map((section) =>
      section.kind === kind ? storedSection(kind, changed) : section,
    ),
  );
}
