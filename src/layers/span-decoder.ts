import type { ResumePoint } from "./resume-point.ts";

/** Takes decoded bytes: `bytes` lie at tar offset `out`. They are valid during the call only. */
export type SpanSink = (out: number, bytes: Uint8Array) => void;

/** Decodes a layer from one point on, over the ends of gzip members and zstd frames. */
export interface SpanDecoder {
  /** Offset of the next tar byte that will come out. */
  readonly out: number;
  /** Whether `stopAt` was reached; what is pushed then is ignored. */
  readonly stopped: boolean;
  /**
   * Decodes what the next compressed bytes allow; all of it has gone to the sink when this returns. The first byte pushed is the
   * one at {@link nextByteOf} of the point, later ones follow without a gap and without repeating any (neighbouring spans may share a byte).
   * Throws LAYER_CORRUPT, UNSUPPORTED.
   */
  push(compressed: Uint8Array): void;
  /**
   * A point from which decoding can go on without any byte pushed so far. Undefined where there is none: inside a zstd
   * frame, inside a very long gzip header, or once stopped before all that was pushed was used.
   */
  suspend(): ResumePoint | undefined;
  /** Frees what the decoder holds; it cannot be used any more. */
  close(): void;
}
