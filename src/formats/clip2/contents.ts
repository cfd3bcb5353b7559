import type { VirtualExtent } from "../erofs/virtual.ts";

/** What goes into an archive and comes out of it, as plain data. The codec knows no files and no origins. */

/** A descriptor of the image's manifest. */
export interface ManifestDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Section `origin`: where the layers are, and how the archive was made. */
export interface About {
  /** Plain JSON; the archive's owner knows its shape. */
  readonly origin: Readonly<Record<string, unknown>>;
  readonly manifestDescriptor: ManifestDescriptor;
  /** Greatest distance between checkpoints that was asked for, in bytes of tar. */
  readonly checkpointBytes: number;
  /** Program and version that made the index. */
  readonly indexer: string;
}

/** The map of a layer, as src/layers/layer-index.ts describes it. */
export interface LayerContents {
  readonly digest: string;
  readonly diffId: string;
  readonly mediaType: string;
  readonly codec: "tar" | "gzip" | "zstd";
  readonly size: number;
  readonly tarSize: number;
  readonly frames: number;
  readonly checkpoints: readonly {
    readonly kind: "start" | "block" | "inside";
    readonly out: number;
    readonly bit: number;
    readonly window: Uint8Array;
  }[];
  readonly granules: readonly { readonly sha256: Uint8Array; readonly reach: number }[];
}

export interface Contents extends About {
  /** The image's documents, byte for byte. */
  readonly manifest: Uint8Array;
  readonly config: Uint8Array;
  readonly layers: readonly LayerContents[];
  /** The EROFS image, and the table of its virtual device. */
  readonly index: Uint8Array;
  readonly virtual: readonly VirtualExtent[];
}

/** A layer's tables as they come out of an archive; entry i of a column belongs to checkpoint or granule i. */
export interface LayerTables {
  readonly digest: string;
  readonly diffId: string;
  readonly mediaType: string;
  readonly codec: "tar" | "gzip" | "zstd";
  readonly size: number;
  readonly tarSize: number;
  readonly frames: number;
  readonly out: Float64Array;
  readonly bit: Float64Array;
  /** Index into `checkpointKinds`. */
  readonly kind: Uint8Array;
  /** Offset in section `windows` of each window, and one more: the end of the last. */
  readonly windowOffsets: Float64Array;
  /** sha256 of each stored window, 32 bytes each. */
  readonly windowSha256: Uint8Array;
  readonly granuleReach: Float64Array;
  /** sha256 of each granule, 32 bytes each. */
  readonly granuleSha256: Uint8Array;
}
