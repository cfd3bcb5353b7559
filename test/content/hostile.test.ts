import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { type ContentOptions, openContent } from "../../src/content/content.ts";
import { Spans } from "../../src/content/spans.ts";
import { isClipError } from "../../src/errors.ts";
import type { LayerMap } from "../../src/layers/layer-map.ts";
import { layerOf, TestBlob, text, wholeLayers } from "./layers.ts";

let folder = "";
let mounted = false;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "clip-hostile-"));
});
afterEach(() => {
  if (mounted) Bun.spawnSync(["umount", "-l", folder]);
  mounted = false;
  rmSync(folder, { recursive: true });
});

const isRoot = process.geteuid!() === 0;
const tarSize = 1_500_000;
const tar = text(9, tarSize);
const layer = await layerOf("gzip", tar, 128 * 1024);

const contentOf = (map: LayerMap, options: Partial<ContentOptions> = {}) =>
  openContent({
    ...{ index: wholeLayers([layer]), layers: [map], blobs: [new TestBlob(layer)] },
    ...{ cacheDirectory: folder },
    ...options,
  });

const same = (a: Uint8Array, b: Uint8Array) => expect(Buffer.compare(a, b)).toBe(0);

test("an archive that lies about a layer has a cache of its own", async () => {
  const lie = { ...layer.map, out: layer.map.out.map((out, i) => (i === 1 ? out - 512 : out)) };
  const liar = contentOf(lie);
  const honest = contentOf(layer.map);
  await liar.read(1, 0, tarSize).catch(() => {});
  expect(liar.shapes[0]!.key).not.toBe(honest.shapes[0]!.key);
  same(await honest.read(1, 0, tarSize), tar);
  await liar.close();
  await honest.close();
});

test("every table that verifies the layer is in the key, and nothing else is", () => {
  const key = (change: Partial<LayerMap>) => new Spans({ ...layer.map, ...change }).shape().key;
  const changed = <T extends Uint8Array | Float64Array>(array: T): T => {
    const copy = array.slice() as T;
    copy[copy.length - 1]! -= 1;
    return copy;
  };
  const keys = [
    key({}),
    key({ digest: "sha256:00" }),
    key({ diffId: "sha256:00" }),
    key({ out: changed(layer.map.out) }),
    key({ bit: changed(layer.map.bit) }),
    key({ kind: changed(layer.map.kind) }),
    key({ windowSha256: changed(layer.map.windowSha256) }),
    key({ granuleSha256: changed(layer.map.granuleSha256) }),
    key({ granuleReach: changed(layer.map.granuleReach) }),
  ];
  expect(new Set(keys).size).toBe(keys.length);
  expect(key({ mediaType: "other" })).toBe(key({}));
});

test("tables that do not fit each other are refused", () => {
  const refused = (change: Partial<LayerMap>) => {
    try {
      new Spans({ ...layer.map, ...change });
    } catch (error) {
      return isClipError(error, "ARCHIVE_CORRUPT");
    }
    return false;
  };
  const { map } = layer;
  expect(refused({})).toBe(false);
  expect(refused({ out: map.out.subarray(1) })).toBe(true);
  expect(refused({ out: map.out.toReversed() })).toBe(true);
  expect(refused({ bit: map.bit.map(() => Number.NaN) })).toBe(true);
  expect(refused({ tarSize: 5 })).toBe(true);
  expect(refused({ size: 1e15 })).toBe(true);
  expect(refused({ granuleReach: new Float64Array(0), granuleSha256: new Uint8Array(0) })).toBe(
    true,
  );
  expect(refused({ granuleReach: new Float64Array(9e6), granuleSha256: new Uint8Array(0) })).toBe(
    true,
  );
  expect(refused({ codec: "tar" })).toBe(true);
  expect(refused({ out: new Float64Array(0), bit: new Float64Array(0) })).toBe(true);
});

test("whatever the archive says its granules give, reads are right or fail", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(2 * tarSize), { minLength: 50, maxLength: 50 }),
      fc.nat(tarSize - 1),
      fc.nat(100_000),
      async (reach, offset, length) => {
        const granuleReach = layer.map.granuleReach.map((_, i) => reach[i % reach.length]!);
        const content = contentOf({ ...layer.map, granuleReach }, { cacheDirectory: undefined });
        same(await content.read(1, offset, length), tar.subarray(offset, offset + length));
        await content.close();
      },
    ),
    { numRuns: 30 },
  );
});

test("a span that gives less than it promises fails its reads, and only those beyond", async () => {
  const out = layer.map.out.slice();
  const granuleReach = layer.map.granuleReach.slice();
  const map = { ...layer.map, out, granuleReach, tarSize: tarSize + 10_000 };
  const content = contentOf(map, {
    index: { virtualDevice: 0, extents: (_nid, at, length, visit) => visit(at, length, 1, at) },
  });
  await expect(content.read(1, tarSize + 5000, 10)).rejects.toMatchObject({
    code: "LAYER_CORRUPT",
  });
  same(await content.read(1, tarSize - 50_000, 1000), tar.subarray(-50_000, -49_000));
  await content.close();
});

test("a window that is not one fails reads from its checkpoint, and says so", async () => {
  const content = contentOf({ ...layer.map, window: async () => Uint8Array.of(1, 2, 3) });
  const block = layer.map.kind.indexOf(1);
  const at = layer.map.out[block]!;
  await expect(content.read(1, at, 10)).rejects.toMatchObject({ code: "ARCHIVE_CORRUPT" });
  same(await content.read(1, 0, 10), tar.subarray(0, 10));
  await content.close();
});

test.if(isRoot)(
  "with a full disk everything can be read all the same, and it is said once",
  async () => {
    expect(
      Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", folder]).exitCode,
    ).toBe(0);
    mounted = true;
    const said: unknown[] = [];
    const content = contentOf(layer.map, { onCacheFailure: (error) => said.push(error) });
    for (let at = 0; at < tarSize; at += 50_000) {
      same(await content.read(1, at, 50_000), tar.subarray(at, at + 50_000));
    }
    same(await content.read(1, 0, tarSize), tar);
    expect(said).toHaveLength(1);
    await content.close();
  },
);

test.if(isRoot)("a read-only cache is used as far as it goes", async () => {
  expect(Bun.spawnSync(["mount", "-t", "tmpfs", "tmpfs", folder]).exitCode).toBe(0);
  mounted = true;
  const filler = contentOf(layer.map);
  same(await filler.read(1, 0, 300_000), tar.subarray(0, 300_000));
  await filler.close();
  Bun.spawnSync(["mount", "-o", "remount,ro", folder]);
  const blob = new TestBlob(layer);
  const content = contentOf(layer.map, { blobs: [blob] });
  same(await content.read(1, 0, 300_000), tar.subarray(0, 300_000));
  expect(blob.bytes).toBe(0);
  same(await content.read(1, 0, tarSize), tar);
  await content.close();
});
