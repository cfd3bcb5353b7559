import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Checkpoint, granuleSize } from "../../src/layers/layer-index.ts";
import { SpanTable } from "../../src/layers/spans.ts";

const window = new Uint8Array(0);
const sha256 = new Uint8Array(32);

/** A map with `gaps` (compressed bits and tar bytes) between checkpoints; reaches rise evenly. */
function mapOf(gaps: readonly { bits: number; out: number }[]) {
  const checkpoints: Checkpoint[] = [];
  const granules: { sha256: Uint8Array; reach: number }[] = [];
  let bit = 0;
  let out = 0;
  for (const gap of gaps) {
    checkpoints.push({ kind: "block", bit, out, window });
    const from = Math.floor(bit / 8);
    const to = Math.ceil((bit + gap.bits) / 8);
    const count = Math.ceil((to - from) / granuleSize);
    for (let i = 1; i <= count; i++) {
      granules.push({ sha256, reach: out + Math.floor((gap.out * i) / count) });
    }
    bit += gap.bits;
    out += gap.out;
  }
  return { checkpoints, granules, size: Math.ceil(bit / 8), tarSize: out };
}

const gaps = fc.array(
  fc.record({
    bits: fc.integer({ min: 8, max: 3_000_000 }),
    out: fc.integer({ min: 1, max: 2_000_000 }),
  }),
  { minLength: 1, maxLength: 30 },
);

test("spans and granules cover a layer", () => {
  fc.assert(
    fc.property(
      gaps,
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      (list, part) => {
        const map = mapOf(list);
        const table = new SpanTable(map);
        expect(table.length).toBe(list.length);
        expect(table.span(table.length - 1).endGranule).toBe(map.granules.length);

        const out = Math.floor(part * map.tarSize);
        const span = table.spanAt(out);
        expect(span.outFrom).toBeLessThanOrEqual(out);
        expect(span.outTo).toBeGreaterThan(out);

        const count = table.granulesUpTo(span, out + 1);
        const reaches = map.granules.slice(span.firstGranule, span.endGranule).map((g) => g.reach);
        expect(count).toBe(reaches.findIndex((reach) => reach > out) + 1);
        let at = span.from;
        for (let g = span.firstGranule; g < span.endGranule; g++) {
          const { from, to } = table.granule(span, g);
          expect(from).toBe(at);
          expect(to - from).toBeLessThanOrEqual(granuleSize);
          at = to;
        }
        expect(at).toBe(span.to);

        const over = [...table.over(out, map.tarSize)];
        expect(over.map((need) => need.span.index)).toEqual(
          Array.from({ length: table.length - span.index }, (_, i) => span.index + i),
        );
      },
    ),
  );
});

test("a map that does not add up is refused", () => {
  const good = mapOf([
    { bits: 900_001, out: 300_000 },
    { bits: 900_001, out: 300_000 },
  ]);
  const [first, second] = good.checkpoints as [Checkpoint, Checkpoint];
  const refused = expect.objectContaining({ code: "ARCHIVE_CORRUPT" });
  for (const change of [
    { granules: good.granules.slice(1) },
    { checkpoints: [] },
    { checkpoints: [second] },
    { checkpoints: [first, { ...second, out: 700_000 }] },
    { checkpoints: [first, second, { ...second, bit: 3 }] },
    { size: 50 },
  ]) {
    expect(() => new SpanTable({ ...good, ...change })).toThrow(refused);
  }
});
