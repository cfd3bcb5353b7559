import { expect, test } from "bun:test";
import fc from "fast-check";
import { bucketCount, bucketOf, bucketStart, quantileOf } from "../../src/stats/histogram.ts";

test("a bucket starts at or below its values, the next one above them, a quarter wide at most", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 41 - 1 }), (value) => {
      const bucket = bucketOf(value);
      expect(bucketStart(bucket)).toBeLessThanOrEqual(value);
      expect(bucketStart(bucket + 1)).toBeGreaterThan(value);
      if (bucket >= 4) {
        expect(bucketStart(bucket + 1) / bucketStart(bucket)).toBeLessThanOrEqual(1.25);
      }
    }),
  );
});

test("what is out of range goes to the first and last bucket", () => {
  expect([bucketOf(-5), bucketOf(0)]).toEqual([0, 0]);
  expect(bucketOf(2 ** 52)).toBe(bucketCount - 1);
  expect(bucketOf(2 ** 41 - 1)).toBe(bucketCount - 1);
});

test("quantiles lie in the bucket that holds them", () => {
  const buckets = new Array<number>(bucketCount).fill(0);
  expect(quantileOf(buckets, 0.5)).toBe(0);
  for (let value = 1; value <= 1000; value++) buckets[bucketOf(value * 1000)]!++;
  expect(quantileOf(buckets, 0.5) / 500_000).toBeCloseTo(1, 1);
  expect(quantileOf(buckets, 0.99) / 990_000).toBeCloseTo(1, 1);
});
