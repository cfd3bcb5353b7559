import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isClipError } from "../../../src/errors.ts";
import type { LayerContents } from "../../../src/formats/clip2/contents.ts";
import {
  encodeCheckpoints,
  encodeGranules,
  encodeLayers,
  encodeWindows,
} from "../../../src/formats/clip2/encode-layers.ts";
import { sha256Of } from "../../../src/formats/clip2/head.ts";
import { decodeLayerTables } from "../../../src/formats/clip2/layer-tables.ts";
import { granuleSize, limits } from "../../../src/formats/clip2/layout.ts";
import type { ImageManifest } from "../../../src/formats/oci/manifest.ts";
import { granuleSize as layersGranuleSize } from "../../../src/layers/layer-index.ts";
import { indexNamed } from "../../layers/indexing.ts";

const digest = (text: string) =>
  `sha256:${Buffer.from(sha256Of(Buffer.from(text))).toString("hex")}`;
const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";

const manifestOf = (layers: readonly LayerContents[]): ImageManifest => ({
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: digest("c"), size: 2 },
  layers,
});

const decode = (layers: readonly LayerContents[]) =>
  decodeLayerTables(
    {
      layers: encodeLayers(layers),
      checkpoints: encodeCheckpoints(layers),
      granules: encodeGranules(layers),
      windowsSize: encodeWindows(layers).length,
    },
    manifestOf(layers),
  );

/** What the tables of a layer come to when they are put together again. */
function contentsOf(tables: ReturnType<typeof decode>, windows: Uint8Array): LayerContents[] {
  return tables.map((table) => ({
    ...{ digest: table.digest, diffId: table.diffId, mediaType: table.mediaType },
    ...{ codec: table.codec, size: table.size, tarSize: table.tarSize, frames: table.frames },
    checkpoints: Array.from(table.out, (out, i) => {
      const at = table.windowAt[i]!;
      const window = windows.subarray(at, at + table.windowSize[i]!);
      expect(table.windowSha256.subarray(i * 32, i * 32 + 32)).toEqual(sha256Of(window));
      const kind = (["start", "block", "inside"] as const)[table.kind[i]!]!;
      return { kind, out, bit: table.bit[i]!, window: Uint8Array.from(window) };
    }),
    granules: Array.from(table.granuleReach, (reach, i) => {
      return { sha256: table.granuleSha256.slice(i * 32, i * 32 + 32), reach };
    }),
  }));
}

const spans = fc.array(
  fc.record({
    bits: fc.integer({ min: 8, max: 8 * 300_000 }),
    out: fc.integer({ min: 1, max: 2 ** 33 }),
    window: fc.uint8Array({ minLength: 1, maxLength: 50 }),
    kind: fc.constantFrom("start" as const, "block" as const, "inside" as const),
    reaches: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 6, maxLength: 6 }),
  }),
  { minLength: 1, maxLength: 12 },
);

/** A layer that could be: spans of any length, and granules that reach as far as granules do. */
const gzipLayer = spans.map((steps): LayerContents => {
  const checkpoints: LayerContents["checkpoints"][number][] = [];
  const granules: LayerContents["granules"][number][] = [];
  let [bit, out] = [0, 0];
  steps.forEach((step, i) => {
    const kind = i === 0 ? "start" : step.kind;
    const isLast = i + 1 === steps.length;
    if (kind === "start") bit = Math.ceil(bit / 8) * 8;
    const window = kind === "start" ? new Uint8Array(0) : step.window;
    checkpoints.push({ kind, out, bit, window });
    let end = bit + step.bits;
    if (isLast || steps[i + 1]!.kind === "start") end = Math.ceil(end / 8) * 8;
    const count = Math.ceil((Math.ceil(end / 8) - Math.floor(bit / 8)) / granuleSize);
    const reaches = step.reaches.slice(0, count - 1).sort((a, b) => a - b);
    for (const share of [...reaches, 1]) {
      const reach = out + Math.floor(share * step.out);
      granules.push({ sha256: sha256Of(Buffer.from(`${granules.length}`)), reach });
    }
    bit = end;
    out += step.out;
  });
  const facts = { digest: digest("blob"), diffId: digest("tar"), mediaType, frames: steps.length };
  return { ...facts, codec: "gzip", size: bit / 8, tarSize: out, checkpoints, granules };
});

test("the size of a granule is the layers'", () => expect(granuleSize).toBe(layersGranuleSize));

test("what goes in comes out, for any layers", () => {
  fc.assert(
    fc.property(fc.array(gzipLayer, { maxLength: 4 }), (layers) => {
      expect(contentsOf(decode(layers), encodeWindows(layers))).toEqual(layers);
    }),
    { numRuns: 200 },
  );
});

test.each([
  "gzip members of 700 bytes",
  "gzip with zeros at the end",
  "zeros, blocks of 8 MB",
  "thousands of empty blocks",
  "zstd, frames of 2 KB",
  "tar",
])("the index of a real layer fits: %s", async (name) => {
  const layers = [await indexNamed(name), await indexNamed("tar")];
  const windows = encodeWindows(layers);
  expect(contentsOf(decode(layers), windows)).toEqual(layers);
});

test("an empty layer fits", () => {
  const facts = { digest: digest(""), diffId: digest(""), mediaType, codec: "tar" as const };
  const start = { kind: "start" as const, out: 0, bit: 0, window: new Uint8Array(0) };
  const layer = { ...facts, size: 0, tarSize: 0, frames: 1, checkpoints: [start], granules: [] };
  expect(decode([layer])[0]!.granuleReach).toHaveLength(0);
});

describe("a layer that cannot be is refused", () => {
  const window = Uint8Array.of(1, 2, 3);
  const nothing = new Uint8Array(0);
  const good: LayerContents = {
    ...{ digest: digest("b"), diffId: digest("t"), mediaType, codec: "gzip", frames: 1 },
    ...{ size: 260_000, tarSize: 900_000 },
    checkpoints: [
      { kind: "start", out: 0, bit: 0, window: nothing },
      { kind: "block", out: 300_000, bit: 480_003, window },
      { kind: "inside", out: 600_000, bit: 1_120_005, window },
    ],
    granules: [300_000, 500_000, 600_000, 700_000, 900_000].map((reach) => {
      return { reach, sha256: sha256Of(window) };
    }),
  };
  const checkpoint = (i: number, change: Partial<LayerContents["checkpoints"][number]>) => ({
    ...good,
    checkpoints: good.checkpoints.map((one, at) => (at === i ? { ...one, ...change } : one)),
  });
  const reach = (i: number, value: number) => ({
    ...good,
    granules: good.granules.map((one, at) => (at === i ? { ...one, reach: value } : one)),
  });

  test("but this one can", () => expect(decode([good])).toHaveLength(1));

  const wrong: Record<string, LayerContents> = {
    "no checkpoint": { ...good, checkpoints: [] },
    "a first checkpoint that is not at the start": checkpoint(0, { out: 5 }),
    "a first checkpoint that begins with a bit": checkpoint(0, { kind: "block", bit: 3 }),
    "a start with a window": checkpoint(0, { window }),
    "a start inside a byte": checkpoint(1, { kind: "start", window: nothing }),
    "an inside without a header": checkpoint(2, { window: nothing }),
    "a window that is too long": checkpoint(1, { window: new Uint8Array(limits.windowSize + 1) }),
    "two checkpoints at one tar offset": checkpoint(1, { out: 0 }),
    "tar offsets that fall": checkpoint(1, { out: 600_001 }),
    "bit offsets that fall": checkpoint(1, { bit: 1_120_005 }),
    "a checkpoint behind the tar's end": checkpoint(2, { out: 900_001 }),
    "a checkpoint at the layer's end": checkpoint(2, { bit: 2_080_000 }),
    "too few granules": { ...good, granules: good.granules.slice(1) },
    "too many granules": { ...good, granules: [...good.granules, good.granules[4]!] },
    "a granule that reaches less than the one before": reach(3, 599_000),
    "a granule that reaches behind the tar's end": reach(4, 900_001),
    "a span that does not reach the next": reach(0, 299_999),
    "a granule that reaches into the next span": reach(0, 300_001),
    "a layer that does not reach its end": reach(4, 899_999),
    "a tar of 2 TiB": { ...good, tarSize: 2 ** 41 },
    "a zstd layer with a window": { ...good, codec: "zstd" },
    "a plain tar with checkpoints": { ...good, codec: "tar" },
    "a plain tar of two lengths": {
      ...good,
      ...{ codec: "tar", size: 10, tarSize: 11, checkpoints: [good.checkpoints[0]!] },
      granules: [{ reach: 11, sha256: sha256Of(window) }],
    },
  };
  test.each(Object.entries(wrong))("%s", (_, layer) => {
    expect(() => decode([layer])).toThrow("cannot be");
  });
});

test("any bytes are tables, or ARCHIVE_CORRUPT", () => {
  const bytes = fc.uint8Array({ maxLength: 400 });
  fc.assert(
    fc.property(bytes, bytes, bytes, fc.nat(), (layers, checkpoints, granules, windowsSize) => {
      try {
        decodeLayerTables({ layers, checkpoints, granules, windowsSize }, manifestOf([]));
      } catch (error) {
        expect(isClipError(error, "ARCHIVE_CORRUPT")).toBe(true);
      }
    }),
  );
});
