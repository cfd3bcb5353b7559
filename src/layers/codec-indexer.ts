import type { Checkpoint, Granule } from "./layer-index.ts";

/** What is found while a layer streams by. */
export interface CodecIndex {
  readonly checkpoints: readonly Checkpoint[];
  readonly granules: readonly Granule[];
  /** Gzip members, zstd frames without skippable ones; 1 for a tar. */
  readonly frames: number;
}

/** Takes the compressed bytes of a layer in pieces of any size; gives out the tar on the way. */
export interface CodecIndexer {
  /** Throws LAYER_CORRUPT, UNSUPPORTED. */
  push(bytes: Uint8Array): void;
  /** After the last byte. Throws LAYER_CORRUPT where the data is not complete. */
  finish(): CodecIndex;
  /** Frees what the indexer holds, also in the middle; to be called once. */
  close(): void;
}

/** Takes bytes of the tar, in order; they are valid during the call only. */
export type TarSink = (bytes: Uint8Array) => void;

const nothing = new Uint8Array(0);

/** A checkpoint that needs nothing but its offsets. `at` is a byte offset. */
export const startCheckpoint = (at: number, out: number): Checkpoint => ({
  kind: "start",
  out,
  bit: at * 8,
  window: nothing,
});
