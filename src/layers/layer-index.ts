/** What indexing one layer yields. Everything here is plain data: it crosses threads and is written to archives. */

/** How a layer blob is compressed, told from its first bytes and never from its media type alone. */
export type Codec = "tar" | "gzip" | "zstd";

/** Compressed bytes of a span are fetched and verified in granules of this size, counted from the checkpoint. */
export const granuleSize = 64 * 1024;

/**
 * Where decoding starts again:
 * - `start`: at the start of a gzip member, of a zstd frame, or of the tar itself; no window, byte-aligned;
 * - `block`: at the header of a deflate block;
 * - `inside`: inside a deflate block, whose header is kept beside the window.
 */
export type CheckpointKind = "start" | "block" | "inside";

/** A point in a layer where decoding can resume (design D2). */
export interface Checkpoint {
  readonly kind: CheckpointKind;
  /** Offset in the uncompressed tar. */
  readonly out: number;
  /** Bit offset in the compressed blob (a multiple of 8 for `start`). */
  readonly bit: number;
  /**
   * zstd-compressed {@link ResumeWindow}; empty for `start` and wherever nothing before `out` is referred to and no
   * header is needed. Raw bytes: u16 header length, u8 bit phase of the header's first bit, u8 zero, header bytes, then the window.
   */
  readonly window: Uint8Array;
}

/** A piece of a span's compressed bytes. The last one of a span may be shorter than the others. */
export interface Granule {
  /** sha256 of the granule's compressed bytes, 32 bytes. */
  readonly sha256: Uint8Array;
  /** All tar bytes below this offset (and from the span's checkpoint on) can be had from the span's bytes up to this granule's end. */
  readonly reach: number;
}

/**
 * The map of a layer. Checkpoint i's span covers compressed bytes floor(bit_i / 8) up to ceil(bit_(i+1) / 8), the last
 * one up to `size`; its granules are the next ceil(length / granuleSize) of `granules`.
 */
export interface LayerIndex {
  /** "sha256:…" of the blob as it is stored, and of the uncompressed tar. */
  readonly digest: string;
  readonly diffId: string;
  readonly mediaType: string;
  readonly codec: Codec;
  /** Bytes of the blob and of the uncompressed tar. */
  readonly size: number;
  readonly tarSize: number;
  readonly checkpoints: readonly Checkpoint[];
  readonly granules: readonly Granule[];
  /** Largest compressed distance between checkpoints means whole-layer streaming: for zstd, the number of frames (skippable ones left out); gzip members; 1 for tar. */
  readonly frames: number;
}
