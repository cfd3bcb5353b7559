import { GzipSpanDecoder } from "./gzip-span-decoder.ts";
import type { Codec } from "./layer-index.ts";
import type { ResumePoint } from "./resume-point.ts";
import { TarSpanDecoder } from "./tar-span-decoder.ts";
import { ZstdSpanDecoder } from "./zstd-span-decoder.ts";

/** Takes decoded bytes: `bytes` lie at tar offset `out`. They are valid during the call only. */
export type SpanSink = (out: number, bytes: Uint8Array) => void;

export interface SpanDecoderOptions {
  /** Decoding ends at this tar offset, or up to some hundred KiB after it where it cannot stop sooner (zstd). */
  readonly stopAt?: number;
}

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

/** A decoder that goes on at `resume`. Throws LAYER_CORRUPT where the point cannot be resumed. */
export function createSpanDecoder(
  codec: Codec,
  resume: ResumePoint,
  sink: SpanSink,
  { stopAt = Number.POSITIVE_INFINITY }: SpanDecoderOptions = {},
): SpanDecoder {
  const decoder =
    codec === "gzip"
      ? new GzipSpanDecoder(resume, sink, stopAt)
      : codec === "zstd"
        ? new ZstdSpanDecoder(resume, sink, stopAt)
        : new TarSpanDecoder(resume, sink, stopAt);
  if (resume.tail !== undefined) decoder.push(resume.tail);
  return decoder;
}
