import type { LayerShape } from "../../src/cache/block-map.ts";
import type { LayerCache } from "../../src/cache/layer-cache.ts";
import { SpanWriter } from "../../src/cache/span-writer.ts";

/** Bytes that differ from offset to offset: a made-up tar's. */
export function pattern(from: number, to: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(to - from);
  for (let i = 0; i < bytes.length; i++) bytes[i] = ((from + i) * 2654435761) >>> 24;
  return bytes;
}

export const shapeOf = (digit: string, spanStarts: number[], tarSize: number): LayerShape => ({
  key: digit.repeat(64),
  tarSize,
  spanStarts: Float64Array.from(spanStarts),
  resumable: false,
});

/** Stores a whole span of the pattern, in pieces of `step` bytes. */
export function fillSpan(cache: LayerCache, span: number, step: number): void {
  const start = cache.blocks.spanStarts[span]!;
  const end = cache.blocks.spanEnd(span);
  const writer = new SpanWriter(cache, span, start);
  for (let at = start; at < end; at += step) writer.push(pattern(at, Math.min(at + step, end)));
}
