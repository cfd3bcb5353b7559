import { expect, test } from "bun:test";
import { groupWants, planPieces, splitBySpan } from "../../src/content/planner.ts";
import { Spans } from "../../src/content/spans.ts";
import { granuleSize } from "../../src/layers/layer-index.ts";
import type { LayerMap } from "../../src/layers/layer-map.ts";

/** Spans of 4, 2 and 3 granules; every granule gives 100,000 bytes, and neighbouring spans share a byte. */
const granules = [4, 2, 3];
const starts = [0, 400_000, 600_000];
const total = granules.reduce((sum, count) => sum + count, 0);
const map: LayerMap = {
  ...{ digest: "sha256:00", diffId: "sha256:11", mediaType: "", codec: "gzip" },
  ...{ size: total * granuleSize - 2, tarSize: 900_000 },
  out: Float64Array.from(starts),
  bit: Float64Array.from([0, 4 * granuleSize * 8 - 3, (6 * granuleSize - 1) * 8 - 3]),
  kind: Uint8Array.of(0, 1, 1),
  windowSha256: new Uint8Array(96),
  window: async () => new Uint8Array(0),
  granuleSha256: new Uint8Array(total * 32),
  granuleReach: Float64Array.from({ length: total }, (_, i) => (i + 1) * 100_000),
};
const spans = new Spans(map);

const plan = (from: number, to: number, options: Partial<Parameters<typeof planPieces>[2]> = {}) =>
  planPieces(spans, splitBySpan(spans, from, to), {
    ...{ resumeOf: () => undefined, wholeSpans: false, minBytes: 0, mayTake: () => true },
    ...options,
  }).map(({ span, fromGranule, toGranule }) => [span, fromGranule, toGranule]);

test("spans that share a byte", () => {
  expect(Array.from(spans.byteStarts)).toEqual([0, 4 * granuleSize - 1, 6 * granuleSize - 2]);
  expect(Array.from(spans.byteEnds)).toEqual([4 * granuleSize, 6 * granuleSize - 1, map.size]);
  expect(spans.granuleStart(1, 1)).toBe(5 * granuleSize - 1);
});

test("from the checkpoint to the last granule needed", () => {
  expect(plan(50_000, 60_000)).toEqual([[0, 0, 1]]);
  expect(plan(150_000, 200_000)).toEqual([[0, 0, 2]]);
  expect(plan(150_000, 200_001)).toEqual([[0, 0, 3]]);
  expect(plan(400_000, 400_001)).toEqual([[1, 0, 1]]);
});

test("over the borders of spans in one request", () => {
  expect(plan(390_000, 650_000)).toEqual([
    [0, 0, 4],
    [1, 0, 2],
    [2, 0, 1],
  ]);
});

test("from where decoding stopped before", () => {
  const resume = {
    point: { kind: "block", out: 210_000, bit: 0 },
    before: new Uint8Array(0),
  } as const;
  expect(plan(250_000, 260_000, { resumeOf: () => ({ ...resume, granule: 2 }) })).toEqual([
    [0, 2, 3],
  ]);
});

test("to the end of a span that cannot be resumed inside", () => {
  expect(plan(650_000, 660_000, { wholeSpans: true })).toEqual([[2, 0, 3]]);
});

test("beyond what is asked, as far as others leave it", () => {
  expect(plan(50_000, 60_000, { minBytes: 2 * granuleSize })).toEqual([[0, 0, 2]]);
  expect(plan(50_000, 60_000, { minBytes: 5 * granuleSize })).toEqual([
    [0, 0, 4],
    [1, 0, 2],
  ]);
  expect(plan(50_000, 60_000, { minBytes: 1e9 })).toEqual([
    [0, 0, 4],
    [1, 0, 2],
    [2, 0, 3],
  ]);
  const mayTake = (span: number) => span !== 2;
  expect(plan(50_000, 60_000, { minBytes: 1e9, mayTake })).toEqual([
    [0, 0, 4],
    [1, 0, 2],
  ]);
});

test("wants go into one request where next to nothing lies between", () => {
  const near = [
    { span: 0, from: 250_000, to: 260_000 },
    { span: 1, from: 400_000, to: 410_000 },
  ];
  const far = [{ span: 0, from: 50_000, to: 60_000 }, near[1]!];
  expect(groupWants(spans, near)).toEqual([near]);
  expect(groupWants(spans, far)).toEqual([[far[0]!], [far[1]!]]);
  expect(groupWants(spans, [near[0]!, { span: 2, from: 600_000, to: 600_001 }])).toHaveLength(2);
});
