import { describeEntry, type ListedEntry } from "../archive/list.ts";
import { inodeOf, lookupPath } from "../archive/lookup.ts";
import type { Archive } from "../archive/open.ts";
import { byteStringOf, printable } from "../formats/bytestring.ts";
import type { ErofsImage } from "../formats/erofs/image.ts";
import { fileTypes, typeMask } from "../formats/erofs/layout.ts";
import { granuleSize } from "../layers/layer-index.ts";
import { checkpointKinds } from "../layers/layer-map.ts";
import type { OriginSpec } from "../stores/origin.ts";
import { virtualTableOf } from "./open-image.ts";
import { Segments } from "./segments.ts";
import { Spans } from "./spans.ts";

/** What an archive is, for people and programs. */
export interface ArchiveFacts {
  readonly archive: string;
  readonly size: number;
  readonly id: string;
  readonly clipVersion: 2;
  readonly containerFormat: 2;
  readonly indexer: string;
  readonly checkpointBytes: number;
  readonly origin: OriginSpec;
  readonly manifest: { readonly digest: string; readonly mediaType: string; readonly size: number };
  /** The image configuration, as the image has it. */
  readonly config: unknown;
  readonly layers: readonly LayerFacts[];
  readonly sections: readonly SectionFacts[];
  readonly totals: {
    readonly compressedBytes: number;
    readonly tarBytes: number;
    readonly checkpoints: number;
    readonly windowBytes: number;
    readonly granules: number;
    readonly inodes: number;
  };
}

export interface LayerFacts {
  readonly digest: string;
  readonly diffId: string;
  readonly mediaType: string;
  readonly codec: string;
  readonly size: number;
  readonly tarSize: number;
  readonly checkpoints: number;
  readonly granules: number;
  readonly windowBytes: number;
  readonly frames: number;
  /** Greatest distance between two checkpoints, bytes of output: what the farthest read has to decode. */
  readonly longestSpan: number;
  /** What a reader of this layer should know. */
  readonly note?: string;
}

export interface SectionFacts {
  readonly name: string;
  readonly codec: string;
  readonly offset: number;
  readonly storedSize: number;
  readonly rawSize: number;
}

export function inspectArchive(archive: Archive, image: ErofsImage): ArchiveFacts {
  const layers = archive.layers.map((layer): LayerFacts => {
    const { digest, diffId, mediaType, codec, size, tarSize, frames } = layer;
    const ends = [...layer.out.slice(1), tarSize];
    const longestSpan = Math.max(0, ...ends.map((end, i) => end - layer.out[i]!));
    const note = noteOn(codec, frames, tarSize);
    return {
      ...{ digest, diffId, mediaType, codec, size, tarSize, frames, longestSpan },
      checkpoints: layer.out.length,
      granules: layer.granuleReach.length,
      windowBytes: sum(layer.windowSize),
      ...(note === undefined ? {} : { note }),
    };
  });
  return {
    archive: archive.name,
    size: archive.size,
    id: archive.id,
    clipVersion: 2,
    containerFormat: 2,
    indexer: archive.indexer,
    checkpointBytes: archive.checkpointBytes,
    origin: archive.origin,
    manifest: archive.manifest,
    config: JSON.parse(Buffer.from(archive.configBytes).toString("utf8")),
    layers,
    sections: archive.sections.map(({ name, kind, codec, offset, storedSize, rawSize }) => ({
      name: name ?? `kind ${kind}`,
      ...{ codec, offset, storedSize, rawSize },
    })),
    totals: {
      compressedBytes: sum(layers.map(({ size }) => size)),
      tarBytes: sum(layers.map(({ tarSize }) => tarSize)),
      checkpoints: sum(layers.map(({ checkpoints }) => checkpoints)),
      windowBytes: sum(layers.map(({ windowBytes }) => windowBytes)),
      granules: sum(layers.map(({ granules }) => granules)),
      inodes: image.inodes,
    },
  };
}

const mebi = 1024 * 1024;

function noteOn(codec: string, frames: number, tarSize: number): string | undefined {
  if (codec !== "zstd" || frames > 1 || tarSize <= mebi) return undefined;
  return "one zstd frame: a read streams the layer from its start; compress with zstd:chunked or in several frames for random access";
}

const sum = (values: Iterable<number>): number => {
  let total = 0;
  for (const value of values) total += value;
  return total;
};

/** One entry, and where its bytes lie. */
export interface EntryFacts extends ListedEntry {
  /** Bytes that are no holes. */
  readonly allocated: number;
  readonly xattrs: readonly { readonly name: string; readonly hex: string }[];
  readonly data: readonly DataRun[];
}

/** Bytes of a file that lie together in one layer. */
export interface DataRun {
  /** Place in the file, and length. */
  readonly offset: number;
  readonly length: number;
  readonly layer: number;
  readonly digest: string;
  /** Byte of the layer's tar. */
  readonly tarOffset: number;
  /** Where decoding starts for the first byte. */
  readonly checkpoint: {
    readonly number: number;
    readonly kind: string;
    readonly tarOffset: number;
    readonly bit: number;
  };
  /** Compressed bytes that are fetched for all of it on an empty machine, and the granules that verify them. */
  readonly fetch: { readonly from: number; readonly to: number; readonly granules: number };
}

/** @throws ClipError PATH_NOT_FOUND. */
export function inspectEntry(archive: Archive, image: ErofsImage, path: Uint8Array): EntryFacts {
  const nid = lookupPath(image, path, false);
  const { mode, size } = inodeOf(image, nid);
  const isFile = (mode & typeMask) === fileTypes.file.mode;
  const spans = archive.layers.map((layer) => new Spans(layer));
  const virtual = virtualTableOf(archive.virtual, archive.layers);
  const segments = new Segments(
    image,
    virtual,
    spans.map((of) => of.shape()),
  );
  const found = isFile ? segments.find(nid, 0, size).segments : [];
  return {
    ...describeEntry(image, nid, path),
    allocated: isFile ? image.allocatedBlocks(nid) * 512 : 0,
    xattrs: [...image.xattrs(nid)].map(([name, value]) => ({
      name: printable(byteStringOf(name)),
      hex: Buffer.from(value).toString("hex"),
    })),
    data: found.map(({ layer, from, length, place }): DataRun => {
      const of = spans[layer]!;
      const map = archive.layers[layer]!;
      const first = of.spanAt(from);
      const last = of.spanAt(from + length - 1);
      const number = of.checkpointOf(first);
      const to = endOfFetch(of, last, from + length);
      const fetchFrom = of.byteStarts[first]!;
      return {
        ...{ offset: place, length, layer, digest: map.digest, tarOffset: from },
        checkpoint: {
          ...{ number, tarOffset: map.out[number]!, bit: map.bit[number]! },
          kind: checkpointKinds[map.kind[number]!]!,
        },
        fetch: {
          ...{ from: fetchFrom, to },
          granules:
            of.firstGranules[last]! -
            of.firstGranules[first]! +
            Math.ceil((to - of.byteStarts[last]!) / granuleSize),
        },
      };
    }),
  };
}

/** The compressed byte after the last granule that is needed for tar bytes up to `until` of a span. */
function endOfFetch(spans: Spans, span: number, until: number): number {
  const firstGranule = spans.firstGranules[span]!;
  let granule = firstGranule;
  while (granule + 1 < spans.firstGranules[span + 1]! && spans.map.granuleReach[granule]! < until)
    granule++;
  const end = spans.byteStarts[span]! + (granule - firstGranule + 1) * granuleSize;
  return Math.min(end, spans.byteEnds[span]!);
}
