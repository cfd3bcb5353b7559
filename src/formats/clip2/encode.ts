import { ClipError } from "../../errors.ts";
import type { LayerIndex } from "../../layers/layer-index.ts";
import { encodeVirtual, type VirtualExtent } from "../erofs/virtual.ts";
import { viewOf } from "../fields.ts";
import { encodeHead, type Section, sha256Of } from "./head.ts";
import {
  checkpointKinds,
  head,
  layerCodecs,
  layerRow,
  requiredSections,
  type SectionName,
  sectionKinds,
  tableEntry,
} from "./layout.ts";
import { encodeOriginSection, type OriginSection } from "./origin-section.ts";
import { packSection } from "./section-data.ts";
import { checkpointTable, granuleTable } from "./tables.ts";

/** Everything that an archive holds. */
export interface ArchiveContents extends OriginSection {
  readonly manifestBytes: Uint8Array;
  readonly config: Uint8Array;
  readonly layers: readonly LayerIndex[];
  /** The EROFS image, and the table of its virtual device. */
  readonly index: Uint8Array;
  readonly virtual: readonly VirtualExtent[];
}

/** The archive's bytes, in pieces. The same contents give the same bytes. */
export function encodeArchive(contents: ArchiveContents): Uint8Array[] {
  const { origin, manifest, indexer, checkpointBytes } = contents;
  const raw: Record<(typeof requiredSections)[number], Uint8Array> = {
    origin: encodeOriginSection({ origin, manifest, indexer, checkpointBytes }),
    manifest: contents.manifestBytes,
    config: contents.config,
    layers: encodeLayers(contents.layers),
    checkpoints: encodeCheckpoints(contents.layers),
    granules: encodeGranules(contents.layers),
    virtual: encodeVirtual(contents.virtual),
    index: contents.index,
    // Each window is compressed by itself, so that it can be fetched by itself.
    windows: Buffer.concat(
      contents.layers.flatMap((layer) => layer.checkpoints.map(({ window }) => window)),
    ),
  };
  let offset = head.size + requiredSections.length * tableEntry.size;
  const pieces: Uint8Array[] = [];
  const sections = requiredSections.map((name: SectionName & keyof typeof raw): Section => {
    const { codec, stored } = packSection(raw[name], name !== "windows");
    const section: Section = {
      name,
      kind: sectionKinds[name],
      codec,
      flags: 0,
      offset,
      storedSize: stored.length,
      rawSize: raw[name].length,
      sha256: sha256Of(stored),
    };
    offset += stored.length;
    pieces.push(stored);
    return section;
  });
  return [encodeHead(sections), ...pieces];
}

function encodeLayers(layers: readonly LayerIndex[]): Uint8Array {
  const bytes = new Uint8Array(layers.length * layerRow.size);
  layers.forEach((layer, i) => {
    layerRow.write(viewOf(bytes), i * layerRow.size, {
      digest: rawSha256(layer.digest),
      diffId: rawSha256(layer.diffId),
      size: layer.size,
      tarSize: layer.tarSize,
      checkpoints: layer.checkpoints.length,
      granules: layer.granules.length,
      frames: layer.frames,
      codec: layerCodecs.indexOf(layer.codec),
    });
  });
  return bytes;
}

function encodeCheckpoints(layers: readonly LayerIndex[]): Uint8Array {
  const all = layers.flatMap(({ checkpoints }) => checkpoints);
  return checkpointTable.encode(
    {
      out: Float64Array.from(all, ({ out }) => out),
      bit: Float64Array.from(all, ({ bit }) => bit),
      windowSize: Float64Array.from(all, ({ window }) => window.length),
      kind: Float64Array.from(all, ({ kind }) => checkpointKinds.indexOf(kind)),
      windowSha256: Buffer.concat(all.map(({ window }) => sha256Of(window))),
    },
    all.length,
  );
}

function encodeGranules(layers: readonly LayerIndex[]): Uint8Array {
  const all = layers.flatMap(({ granules }) => granules);
  return granuleTable.encode(
    {
      reach: Float64Array.from(all, ({ reach }) => reach),
      sha256: Buffer.concat(all.map(({ sha256 }) => sha256)),
    },
    all.length,
  );
}

function rawSha256(digest: string): Uint8Array {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
  if (hex === undefined) {
    throw new ClipError(
      "UNSUPPORTED",
      `${digest} is not a sha256 digest, the only kind that a .clip archive holds; push the image with sha256 digests`,
    );
  }
  return Buffer.from(hex, "hex");
}
