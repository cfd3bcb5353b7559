import { GzipSpanDecoder } from "./gzip-span-decoder.ts";
import type { Codec } from "./layer-index.ts";
import type { ResumePoint } from "./resume-point.ts";
import type { SpanDecoder, SpanSink } from "./span-decoder.ts";
import { TarSpanDecoder } from "./tar-span-decoder.ts";
import { ZstdSpanDecoder } from "./zstd-span-decoder.ts";

export interface SpanDecoderOptions {
  /** Decoding ends at this tar offset, or up to some hundred KiB after it where it cannot stop sooner (zstd). */
  readonly stopAt?: number;
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
