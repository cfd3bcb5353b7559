import type { VirtualExtent } from "../erofs/virtual.ts";
import type { OriginSection } from "./origin-section.ts";

/** What goes into an archive, as plain data, and a layer's part of it as it comes out. */

export type LayerCodec = "tar" | "gzip" | "zstd";

interface LayerFacts {
  /** "sha256:…" of the blob as it is stored, and of its tar. */
  readonly digest: string;
  readonly diffId: string;
  readonly mediaType: string;
  readonly codec: LayerCodec;
  /** Bytes of the blob and of its tar. */
  readonly size: number;
  readonly tarSize: number;
  /** Gzip members or zstd frames; 1 for a tar. */
  readonly frames: number;
}

/** A layer as indexing gives it. */
export interface LayerContents extends LayerFacts {
  readonly checkpoints: readonly {
    readonly kind: "start" | "block" | "inside";
    readonly out: number;
    readonly bit: number;
    readonly window: Uint8Array;
  }[];
  readonly granules: readonly { readonly sha256: Uint8Array; readonly reach: number }[];
}

/** A layer's tables in columns: entry i is that of checkpoint i, or of granule i. */
export interface LayerTables extends LayerFacts {
  readonly out: Float64Array;
  readonly bit: Float64Array;
  /** Index into `checkpointKinds`. */
  readonly kind: Uint8Array;
  /** Where the window lies in the windows section. */
  readonly windowAt: Float64Array;
  readonly windowSize: Float64Array;
  /** sha256 of each stored window, 32 bytes each. */
  readonly windowSha256: Uint8Array;
  readonly granuleReach: Float64Array;
  /** sha256 of each granule, 32 bytes each. */
  readonly granuleSha256: Uint8Array;
}

/** Everything that an archive holds. The digest of the index is not given but made. */
export interface ArchiveContents extends Omit<OriginSection, "indexDigest"> {
  readonly manifestBytes: Uint8Array;
  readonly config: Uint8Array;
  readonly layers: readonly LayerContents[];
  /** The EROFS image, and the table of its virtual device. */
  readonly index: Uint8Array;
  readonly virtual: readonly VirtualExtent[];
}
