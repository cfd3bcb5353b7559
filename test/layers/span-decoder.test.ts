import { describe, expect, test } from "bun:test";
import { isClipError } from "../../src/errors.ts";
import { createSpanDecoder } from "../../src/layers/create-span-decoder.ts";
import type { LayerIndex } from "../../src/layers/layer-index.ts";
import {
  decodeResume,
  encodeResume,
  nextByteOf,
  type ResumePoint,
  resumePointOf,
} from "../../src/layers/resume-point.ts";
import { SpanTable } from "../../src/layers/spans.ts";
import { windowAfter } from "../../src/layers/window-after.ts";
import { type Sample, sampleNamed, sampleNames } from "./codecs.ts";
import { indexNamed } from "./indexing.ts";
import { piecesOf, randomFrom } from "./samples.ts";

const windowSize = 32 * 1024;

/** A decoder whose output is compared with the tar as it comes. */
function checkedDecoder({ raw }: Sample, index: LayerIndex, point: ResumePoint, stopAt?: number) {
  const seen = { until: point.out };
  const decoder = createSpanDecoder(
    index.codec,
    point,
    (out, bytes) => {
      const same = Buffer.compare(bytes, raw.subarray(out, out + bytes.length)) === 0;
      if (out !== seen.until || !same) throw new Error(`wrong bytes at ${out}`);
      seen.until += bytes.length;
    },
    stopAt === undefined ? {} : { stopAt },
  );
  return { decoder, seen };
}

describe.each(sampleNames)("decoding %s", (name) => {
  test("goes on from a checkpoint to the end", async () => {
    const sample = sampleNamed(name);
    const index = await indexNamed(name);
    for (const i of [0, index.checkpoints.length >> 1]) {
      const point = resumePointOf(index.checkpoints[i]!);
      const { decoder, seen } = checkedDecoder(sample, index, point);
      for (const piece of piecesOf(sample.blob.subarray(nextByteOf(point)), 9000)) {
        decoder.push(piece);
      }
      decoder.close();
      expect(seen.until).toBe(sample.raw.length);
    }
  });

  test("goes on after any number of suspensions", async () => {
    const sample = sampleNamed(name);
    const index = await indexNamed(name);
    for (const largest of [90_000, 3000, 40]) {
      // Small pieces are tried on a part in the middle only.
      const from = Math.floor(index.checkpoints.length / 2);
      let point = resumePointOf(index.checkpoints[largest === 90_000 ? 0 : from]!);
      let { decoder, seen } = checkedDecoder(sample, index, point);
      let suspensions = 0;
      const rest = sample.blob.subarray(nextByteOf(point), nextByteOf(point) + largest * 700);
      for (const piece of piecesOf(rest, largest, largest)) {
        decoder.push(piece);
        const suspended = decoder.suspend();
        if (suspended === undefined) continue;
        suspensions++;
        decoder.close();
        expect(suspended.out).toBe(seen.until);
        const before = point;
        point = decodeResume(encodeResume(suspended));
        expect(point).toEqual(suspended);
        expect(nextByteOf(point)).toBe(piece.byteOffset + piece.length - sample.blob.byteOffset);
        // The tar bytes that a cache would hold: what came out since the point before.
        const since = sample.raw.subarray(before.out, point.out);
        point = { ...point, window: windowAfter(before, since) };
        ({ decoder, seen } = checkedDecoder(sample, index, point));
      }
      decoder.close();
      if (index.codec !== "zstd") expect(suspensions).toBeGreaterThan(0);
      if (largest === 90_000) expect(seen.until).toBe(sample.raw.length);
    }
  });

  test("stops where it is told to", async () => {
    const sample = sampleNamed(name);
    const index = await indexNamed(name);
    const random = randomFrom(3);
    const table = new SpanTable(index);
    for (let n = 0; n < 12; n++) {
      const out = Math.floor(random() * sample.raw.length);
      const stopAt = Math.min(sample.raw.length, out + 1 + Math.floor(random() * 200_000));
      const point = resumePointOf(index.checkpoints[table.spanAt(out).index]!);
      const { decoder, seen } = checkedDecoder(sample, index, point, stopAt);
      let at = nextByteOf(point);
      for (const { span, granules } of table.over(out, stopAt)) {
        for (let g = span.firstGranule; g < span.firstGranule + granules; g++) {
          const { to } = table.granule(span, g);
          decoder.push(sample.blob.subarray(at, to));
          at = to;
        }
      }
      decoder.close();
      expect(decoder.stopped).toBe(true);
      expect(seen.until).toBeGreaterThanOrEqual(stopAt);
      if (index.codec === "gzip") expect(seen.until).toBeLessThan(stopAt + 258);
    }
  });
});

describe("damage", () => {
  test("in a span is a ClipError or other bytes, never anything else", async () => {
    const random = randomFrom(8);
    for (const name of [
      "gzip -6",
      "gzip members of 700 bytes",
      "zstd, frames of 300 KB and skippable ones",
    ]) {
      const sample = sampleNamed(name);
      const index = await indexNamed(name);
      for (let n = 0; n < 40; n++) {
        const checkpoint = index.checkpoints[Math.floor(random() * index.checkpoints.length)]!;
        const point = resumePointOf(checkpoint);
        const bytes = sample.blob.slice(nextByteOf(point), nextByteOf(point) + 60_000);
        bytes[Math.floor(random() ** 2 * bytes.length)]! ^= 1 << (random() * 8);
        const decoder = createSpanDecoder(index.codec, point, () => {});
        try {
          decoder.push(bytes);
        } catch (error) {
          if (!isClipError(error, "LAYER_CORRUPT", "UNSUPPORTED")) throw error;
        } finally {
          decoder.close();
        }
      }
    }
  });

  test("in what a sparse window left out does not matter", async () => {
    const sample = sampleNamed("gzip -6");
    const index = await indexNamed("gzip -6");
    const checkpoint = index.checkpoints.find(({ kind }) => kind === "block")!;
    const point = resumePointOf(checkpoint);
    const zeros = point.window!.reduce((sum, byte) => sum + (byte === 0 ? 1 : 0), 0);
    expect(zeros).toBeGreaterThan(windowSize / 10);
    const { decoder, seen } = checkedDecoder(sample, index, point);
    decoder.push(sample.blob.subarray(nextByteOf(point), nextByteOf(point) + 200_000));
    expect(seen.until).toBeGreaterThan(point.out + windowSize);
  });
});
