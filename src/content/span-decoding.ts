import type { LayerCache } from "../cache/layer-cache.ts";
import { isClipError } from "../errors.ts";
import { createSpanDecoder } from "../layers/create-span-decoder.ts";
import { granuleSize } from "../layers/layer-index.ts";
import { checkpointKinds } from "../layers/layer-map.ts";
import {
  decodeResume,
  nextByteOf,
  type ResumePoint,
  resumePointOf,
} from "../layers/resume-point.ts";
import type { SpanDecoder, SpanSink } from "../layers/span-decoder.ts";
import { windowAfter } from "../layers/window-after.ts";
import type { Piece, PieceResume } from "./planner.ts";
import type { Spans } from "./spans.ts";

const windowSize = 32 * 1024;

/** A decoder placed where a piece begins. It stops at the span's end. */
export async function openDecoder(
  spans: Spans,
  piece: Piece,
  sink: SpanSink,
): Promise<SpanDecoder> {
  const stopAt = spans.starts[piece.span + 1]!;
  const point = await pointOf(spans, piece);
  return createSpanDecoder(spans.map.codec, point, sink, { stopAt });
}

async function pointOf(spans: Spans, { span, resume }: Piece): Promise<ResumePoint> {
  if (resume === undefined) return startOf(spans, span);
  const { point, before } = resume;
  if (before.length >= windowSize) return { ...point, window: before };
  return { ...point, window: windowAfter(await startOf(spans, span), before) };
}

async function startOf(spans: Spans, span: number): Promise<ResumePoint> {
  const { map } = spans;
  const out = spans.starts[span]!;
  if (map.codec === "tar") return { kind: "start", out, bit: out * 8 };
  const kind = checkpointKinds[map.kind[span]!] ?? "start";
  const window = kind === "start" ? new Uint8Array(0) : await map.window(span);
  return resumePointOf({ kind, out, bit: map.bit[span]!, window });
}

/**
 * Where the cache says that decoding of a span can go on, if no block from tar offset `before` on would be left out.
 */
export function cachedResume(
  spans: Spans,
  cache: LayerCache,
  span: number,
  before: number,
): PieceResume | undefined {
  const found = cache.loadResume(span);
  if (found === undefined || cache.blocks.floor(found.out) > before) return undefined;
  try {
    const point = decodeResume(found.record);
    const granule = (nextByteOf(point) - spans.byteStarts[span]!) / granuleSize;
    const sound =
      point.out === found.out &&
      Number.isInteger(granule) &&
      granule > 0 &&
      granule < spans.granuleCount(span);
    return sound ? { point, before: found.before, granule } : undefined;
  } catch (error) {
    // A record of another version of clip, say; the checkpoint does as well.
    if (isClipError(error, "CACHE_CORRUPT")) return undefined;
    throw error;
  }
}
