import { describe, expect, test } from "bun:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { createSpanDecoder } from "../../src/layers/create-span-decoder.ts";
import { indexLayer } from "../../src/layers/indexer.ts";
import { granuleSize } from "../../src/layers/layer-index.ts";
import { resumePointOf } from "../../src/layers/resume-point.ts";
import { SpanTable } from "../../src/layers/spans.ts";
import { sampleNamed, sampleNames } from "./codecs.ts";
import { closeCheckpoints, indexNamed, indexSample, streamOf } from "./indexing.ts";
import { piecesOf, sampleBytes, sha256Of } from "./samples.ts";

describe.each(sampleNames)("indexing %s", (name) => {
  test("does not depend on how the stream is cut", async () => {
    const sample = sampleNamed(name);
    const whole = await indexNamed(name);
    expect(whole.tarSize).toBe(sample.raw.length);
    for (const largest of [100_000, 2000]) {
      const pieces = piecesOf(sample.blob, largest, largest);
      expect(await indexSample(sample, pieces, closeCheckpoints)).toEqual(whole);
    }
  });

  test("gives granules with the right digest, each reaching what it says", async () => {
    const { raw, blob } = sampleNamed(name);
    const index = await indexNamed(name);
    const table = new SpanTable(index);
    for (let i = 0; i < table.length; i++) {
      const span = table.span(i);
      let until = span.outFrom;
      const decoder = createSpanDecoder(
        index.codec,
        resumePointOf(index.checkpoints[i]!),
        (out, bytes) => {
          expect(out).toBe(until);
          until += bytes.length;
          if (Buffer.compare(bytes, raw.subarray(out, until)) !== 0) {
            throw new Error(`span ${i} decodes to other bytes at ${out}`);
          }
        },
      );
      for (let g = span.firstGranule; g < span.endGranule; g++) {
        const { from, to } = table.granule(span, g);
        const bytes = blob.subarray(from, to);
        const { sha256, reach } = index.granules[g]!;
        expect(bytes.length).toBeGreaterThan(0);
        expect(sha256Of(bytes)).toBe(`sha256:${Buffer.from(sha256).toString("hex")}`);
        for (const piece of piecesOf(bytes, 20_000, g)) decoder.push(piece);
        expect(until).toBeGreaterThanOrEqual(reach);
        expect(reach).toBeLessThanOrEqual(span.outTo);
      }
      expect(index.granules[span.endGranule - 1]!.reach).toBe(span.outTo);
      decoder.close();
    }
  });

  test("puts checkpoints in order, not further apart than asked for where that is possible", async () => {
    const index = await indexNamed(name);
    const table = new SpanTable(index);
    for (let i = 0; i < table.length; i++) {
      const { outFrom, outTo, from, to } = table.span(i);
      expect(outTo).toBeGreaterThan(outFrom);
      expect(to).toBeGreaterThan(from);
      if (index.codec === "gzip") {
        expect(outTo - outFrom).toBeLessThanOrEqual(closeCheckpoints + 33 * 1024);
      }
    }
  });
});

describe("checkpoints", () => {
  test("lie inside blocks that are too long", async () => {
    const index = await indexSample(sampleNamed("zeros, blocks of 8 MB"));
    expect(index.checkpoints.map(({ kind }) => kind)).toContain("inside");
    expect(index.checkpoints.length).toBe(6);
  });

  test("are starts of members and frames where these are close", async () => {
    for (const name of [
      "gzip members of 700 bytes",
      "zstd, frames of 2 KB",
      "zstd, frames of 300 KB and skippable ones",
    ]) {
      const { checkpoints, frames } = await indexSample(sampleNamed(name));
      expect(checkpoints.length).toBeGreaterThan(3);
      expect(frames).toBeGreaterThan(checkpoints.length);
      expect(new Set(checkpoints.map(({ kind }) => kind))).toEqual(new Set(["start"]));
    }
  });

  test("cost a small part of the layer", async () => {
    const { raw, blob } = sampleNamed("gzip -6");
    const { checkpoints } = await indexSample({ raw, blob });
    const windows = checkpoints.reduce((sum, { window }) => sum + window.length, 0);
    expect(windows / blob.length).toBeLessThan(0.008);
  });

  test("of a tar is the beginning alone", async () => {
    const { checkpoints, granules, size } = await indexSample(sampleNamed("tar"));
    expect(checkpoints).toHaveLength(1);
    expect(granules.map(({ reach }) => reach).slice(0, 2)).toEqual([granuleSize, 2 * granuleSize]);
    expect(granules.at(-1)!.reach).toBe(size);
  });
});

describe("a layer that is not what it should be", () => {
  const raw = sampleBytes(400_000, 9);
  const good = gzipSync(raw);
  const run = (
    blob: Uint8Array,
    changes: { digest?: string; size?: number; diffId?: string } = {},
  ) =>
    indexLayer(streamOf(piecesOf(blob, 30_000)), {
      descriptor: { digest: sha256Of(blob), size: blob.length, mediaType: "", ...changes },
      onTar: () => {},
      ...(changes.diffId && { diffId: changes.diffId }),
    });
  const named = (code: string, digest: string) =>
    expect.objectContaining({ code, message: expect.stringContaining(digest) });
  const other = sha256Of(new Uint8Array(3));

  test("by digest, size or diffID", async () => {
    await expect(run(good, { digest: other })).rejects.toThrow(named("DIGEST_MISMATCH", other));
    for (const size of [good.length - 1, good.length + 1]) {
      await expect(run(good, { size })).rejects.toThrow(named("SIZE_MISMATCH", sha256Of(good)));
    }
    await expect(run(good, { diffId: other })).rejects.toThrow(
      named("DIFFID_MISMATCH", sha256Of(good)),
    );
  });

  test("is corrupt when its digest is right, and mistaken when it is not", async () => {
    for (const bytes of [good, zstdCompressSync(raw)]) {
      const bad = new Uint8Array(bytes);
      bad[bytes.length >> 1]! ^= 0xff;
      bad[(bytes.length >> 1) + 1]! ^= 0xff;
      await expect(run(bad)).rejects.toThrow(named("LAYER_CORRUPT", sha256Of(bad)));
      await expect(run(bad, { digest: sha256Of(bytes) })).rejects.toThrow(
        named("DIGEST_MISMATCH", sha256Of(bytes)),
      );
      await expect(run(bytes.subarray(0, -9))).rejects.toThrow(
        named("LAYER_CORRUPT", sha256Of(bytes.subarray(0, -9))),
      );
    }
  });

  test("and an interrupted one ends with INTERRUPTED", async () => {
    const signal = AbortSignal.abort();
    const options = { digest: sha256Of(good), size: good.length, mediaType: "" };
    const running = indexLayer(streamOf([good]), { descriptor: options, onTar: () => {}, signal });
    await expect(running).rejects.toThrow(expect.objectContaining({ code: "INTERRUPTED" }));
  });

  test("what onTar throws passes through", async () => {
    const options = { digest: sha256Of(good), size: good.length, mediaType: "" };
    const onTar = () => {
      throw new Error("mine");
    };
    await expect(indexLayer(streamOf([good]), { descriptor: options, onTar })).rejects.toThrow(
      "mine",
    );
  });

  test("a short layer is taken for a tar", async () => {
    const tiny = Uint8Array.of(1, 2);
    expect(await indexSample({ raw: tiny, blob: tiny })).toMatchObject({
      codec: "tar",
      tarSize: 2,
    });
    const none = new Uint8Array(0);
    expect(await indexSample({ raw: none, blob: none })).toMatchObject({
      codec: "tar",
      granules: [],
    });
  });
});
