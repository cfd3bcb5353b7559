import { expect, test } from "bun:test";
import fc from "fast-check";
import { type GranuleWanted, verifiedGranules } from "../../src/content/granule-stream.ts";
import type { Blob } from "../../src/stores/origin.ts";
import { text } from "./layers.ts";

const stored = text(2, 300_000);
const sha256 = (bytes: Uint8Array) =>
  new Uint8Array(new Bun.CryptoHasher("sha256").update(bytes).digest());

/** Granules of the given lengths, each beginning where the one before ended, or at its last byte. */
function granulesOf(lengths: readonly { length: number; shared: boolean }[]): GranuleWanted[] {
  const wanted: GranuleWanted[] = [];
  let at = 100;
  for (const { length, shared } of lengths) {
    const from = shared && wanted.length > 0 ? at - 1 : at;
    at = from + length;
    const digest = sha256(stored.subarray(from, at));
    wanted.push({ granule: wanted.length, from, to: at, sha256: digest });
  }
  return wanted;
}

/** A blob that sends pieces of `step` bytes; the first `lies` of its answers begin with a wrong byte. */
const blobOf = (step: number, lies = 0): Blob => ({
  digest: "sha256:00",
  size: stored.length,
  async *read(offset, length) {
    const lie = lies-- > 0 ? 1 : 0;
    for (let at = offset; at < offset + length; at += step) {
      const piece = stored.slice(at, Math.min(at + step, offset + length));
      if (at === offset) piece[0]! ^= lie;
      yield piece;
    }
  },
});

const silent = { onBytes: () => {}, onMismatch: () => {} };

test("granules come out whole, however the blob is cut, and also after a wrong answer", async () => {
  const lengths = fc.array(
    fc.record({
      length: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 30_000 })),
      shared: fc.boolean(),
    }),
    { minLength: 1, maxLength: 9 },
  );
  await fc.assert(
    fc.asyncProperty(
      lengths,
      fc.integer({ min: 1, max: 70_000 }),
      fc.nat(1),
      async (sizes, step, lies) => {
        const wanted = granulesOf(sizes);
        const seen: number[] = [];
        // Byte by byte is slow for large ones.
        const blob = blobOf(Math.max(step, Math.ceil(wanted.at(-1)!.to / 2000)), lies);
        for await (const { granule, bytes } of verifiedGranules(blob, wanted, silent)) {
          expect(Buffer.compare(bytes, stored.subarray(granule.from, granule.to))).toBe(0);
          seen.push(granule.granule);
        }
        expect(seen).toEqual(wanted.map(({ granule }) => granule));
      },
    ),
    { numRuns: 60 },
  );
});

test("what is wrong twice is an error that says which bytes of which layer", async () => {
  const wanted = granulesOf([{ length: 10, shared: false }]);
  const read = async () => {
    for await (const _ of verifiedGranules(blobOf(7, 2), wanted, silent));
  };
  await expect(read()).rejects.toMatchObject({
    code: "DIGEST_MISMATCH",
    data: { digest: "sha256:00", from: 100, to: 110 },
  });
});

test("a blob that ends early is an error", async () => {
  const wanted = granulesOf([{ length: 10, shared: false }]);
  const short: Blob = {
    digest: "sha256:00",
    size: 200,
    async *read() {
      yield stored.subarray(100, 105);
    },
  };
  const read = async () => {
    for await (const _ of verifiedGranules(short, wanted, silent));
  };
  await expect(read()).rejects.toMatchObject({ code: "SIZE_MISMATCH" });
});
