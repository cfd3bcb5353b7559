/**
 * Log-linear buckets, four an octave: a bucket is at most a quarter wider than the value it starts at. Values are
 * whole numbers; 0 to 3 have a bucket each, everything from 2^41 on (36 minutes of nanoseconds) is in the last.
 */
/** Octaves from 4 (2^2) on, and one for the values below. */
const octaves = 40;
export const bucketCount = octaves * 4;

/** The bucket of a value. */
export function bucketOf(value: number): number {
  if (value < 4) return value > 0 ? Math.floor(value) : 0;
  const octave =
    value < 2 ** 32 ? 31 - Math.clz32(value) : 63 - Math.clz32(Math.floor(value / 2 ** 32));
  const quarter = Math.floor(value / 2 ** (octave - 2)) - 4;
  return Math.min((octave - 1) * 4 + quarter, bucketCount - 1);
}

/** The smallest value of a bucket. */
export function bucketStart(bucket: number): number {
  if (bucket < 4) return bucket;
  return (4 + (bucket % 4)) * 2 ** (Math.floor(bucket / 4) - 1);
}

/** The value below which a share `quantile` (0 to 1) of the counted ones lies, as exact as the buckets are. */
export function quantileOf(buckets: readonly number[], quantile: number): number {
  let left = buckets.reduce((sum, count) => sum + count, 0) * quantile;
  if (left === 0) return 0;
  for (let bucket = 0; bucket < buckets.length; bucket++) {
    const count = buckets[bucket]!;
    if (count > 0 && left <= count) {
      const start = bucketStart(bucket);
      return start + (bucketStart(bucket + 1) - start) * (left / count);
    }
    left -= count;
  }
  return bucketStart(buckets.length);
}
