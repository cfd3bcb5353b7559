import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CachedContent } from "../../src/content/cached-content.ts";
import { type Content, type ContentOptions, openContent } from "../../src/content/content.ts";
import { ClipError } from "../../src/errors.ts";
import { granuleSize } from "../../src/layers/layer-index.ts";
import { createCounters } from "../../src/stats/counters.ts";
import { snapshot } from "../../src/stats/snapshot.ts";
import {
  type CodecName,
  codecs,
  layerOf,
  TestBlob,
  type TestLayer,
  text,
  wholeLayers,
} from "./layers.ts";

let folder = "";
const open: Content[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "clip-content-"));
});
afterEach(async () => {
  for (const content of open.splice(0)) await content.close();
  rmSync(folder, { recursive: true });
});

const tarSize = 3_000_123;
const tar = text(1, tarSize);
const layers = Object.fromEntries(
  await Promise.all(
    Object.keys(codecs).map(async (codec) => [codec, await layerOf(codec as CodecName, tar)]),
  ),
) as Record<CodecName, TestLayer>;

function mounted(layer: TestLayer, options: Partial<ContentOptions> = {}) {
  const blob = new TestBlob(layer);
  const counters = createCounters(undefined, {
    layers: [{ digest: blob.digest, tarSize, checkpoints: layer.map.out.length }],
  });
  const content = openContent({
    ...{ index: wholeLayers([layer]), layers: [layer.map], blobs: [blob] },
    ...{ cacheDirectory: folder, counters },
    ...options,
  });
  open.push(content);
  return { blob, content, counted: () => snapshot(counters, { eventsFrom: 0 }) };
}

const expected = (from: number, length: number) => tar.subarray(from, from + length);
const same = (a: Uint8Array, b: Uint8Array) => expect(Buffer.compare(a, b)).toBe(0);

describe.each(Object.keys(codecs) as CodecName[])("%s", (codec) => {
  const layer = layers[codec];

  test("reads anywhere give the right bytes, cold and warm, and nothing is fetched twice", async () => {
    const { blob, content, counted } = mounted(layer);
    const places = [0, 1_500_000, 2_999_000, 700_001, 1_490_000, 262_143, 0];
    for (const at of places) same(await content.read(1, at, 20_000), expected(at, 20_000));
    same(await content.read(1, 0, tarSize), tar);
    // Granules at the edges of spans, and where something went on in the middle of a zstd frame, may come again.
    expect(blob.bytes).toBeLessThan(layer.stored.length * 1.25 + places.length * granuleSize);
    const fetched = blob.bytes;
    same(await content.read(1, 0, tarSize), tar);
    expect(blob.bytes).toBe(fetched);
    const { counters } = counted();
    expect(counters).toMatchObject({ fetchedBytes: fetched, requestsInFlight: 0, readErrors: 0 });
    expect(counters.reads).toBe(places.length + 2);
    expect(counters.localHits + counters.localMisses).toBe(counters.reads);
    expect(counters.storedBytes).toBe(tarSize);
    expect(counted().layers[0]!.residentBytes).toBe(tarSize);
  });

  test("a second mount fetches nothing, also through a worker's view of the cache", async () => {
    const first = mounted(layer);
    same(await first.content.read(1, 1_000_000, 100_000), expected(1_000_000, 100_000));
    await first.content.close();
    const { blob, content } = mounted(layer);
    same(await content.read(1, 1_000_000, 100_000), expected(1_000_000, 100_000));
    expect(blob.ranges).toEqual([]);
    const worker = new CachedContent({
      ...{ index: wholeLayers([layer]), shapes: structuredClone(content.shapes) },
      cacheDirectory: folder,
    });
    const into = new Uint8Array(100_010).fill(7);
    expect(worker.tryRead(1, 1_000_000, 100_000, into, 10)).toBe(100_000);
    same(into.subarray(10), expected(1_000_000, 100_000));
    expect(into.subarray(0, 10)).toEqual(new Uint8Array(10).fill(7));
    const cold = codec === "zstd" ? undefined : worker.tryRead(1, 2_500_000, 10, into, 0);
    if (cold !== undefined) expect(cold).toBe(-1);
    worker.close();
  });

  test("many readers of the same cold bytes fetch them once", async () => {
    const { blob, content } = mounted(layer);
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) => content.read(1, 1_000_000 + i * 1000, 131_072)),
    );
    for (const [i, answer] of answers.entries())
      same(answer, expected(1_000_000 + i * 1000, 131_072));
    const fetched = new Set<number>();
    for (const [from, length] of blob.ranges) {
      for (let at = from; at < from + length; at++) fetched.add(at);
    }
    // Neighbouring spans share a byte.
    expect(blob.bytes - fetched.size).toBeLessThanOrEqual(
      blob.ranges.length + layer.map.out.length,
    );
  });

  test("wrong bytes are asked for once more, and never served nor cached", async () => {
    const { blob, content, counted } = mounted(layer);
    const flip = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 5000 ? byte ^ 1 : byte));
    let lies = 1;
    blob.tamper = (bytes) => (lies-- > 0 ? flip(bytes) : bytes);
    same(await content.read(1, 0, 50_000), expected(0, 50_000));
    expect(counted().counters.granuleMismatches).toBe(1);
    blob.tamper = flip;
    const at = codec === "zstd" || codec === "frames" ? tarSize - 10_000 : 2_000_000;
    if (codec !== "zstd") {
      await expect(content.read(1, at, 10_000)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    }
    const present = new CachedContent({
      ...{ index: wholeLayers([layer]), shapes: content.shapes },
      cacheDirectory: folder,
    });
    present.cache(0).visitStored((from, to) => {
      const into = new Uint8Array(to - from);
      expect(present.cache(0).tryRead(from, to - from, into, 0)).toBe(true);
      same(into, tar.subarray(from, to));
    });
    present.close();
    blob.tamper = (bytes) => bytes;
    same(await content.read(1, at, 10_000), expected(at, 10_000));
  });

  test("without a cache directory everything can be read all the same", async () => {
    const { content, blob } = mounted(layer, { cacheDirectory: undefined });
    for (let at = 0; at < tarSize; at += 65_536) {
      same(await content.read(1, at, 65_536), expected(at, 65_536));
    }
    expect(readdirSync(folder)).toEqual([]);
    if (codec !== "zstd") expect(blob.bytes).toBeLessThan(layer.stored.length * 1.5);
  });
});

test("a small read fetches from its checkpoint to the last granule it needs", async () => {
  const layer = layers.gzip;
  const { blob, content } = mounted(layer);
  await content.read(1, 1_234_567, 10);
  expect(blob.ranges).toHaveLength(1);
  expect(blob.bytes).toBeLessThan(256 * 1024);
  expect(Array.from(layer.map.bit, (bit) => Math.floor(bit / 8))).toContain(blob.ranges[0]![0]);
});

test("reading on goes on where decoding stopped", async () => {
  const layer = await layerOf("gzip", tar, tarSize * 2);
  const { blob, content, counted } = mounted(layer);
  const start = layer.map.out.findLast((out) => out < 100_000)!;
  for (let at = start; at < tarSize; at += 50_000) {
    same(await content.read(1, at, 50_000), expected(at, 50_000));
  }
  expect(counted().counters.resumedSpans).toBeGreaterThan(0);
  expect(blob.bytes).toBeLessThanOrEqual(layer.stored.length + layer.map.out.length);
});

test("a reader in order makes fewer and larger requests as it goes", async () => {
  const { blob, content } = mounted(layers.tar);
  for (let at = 0; at < tarSize; at += 50_000) await content.read(1, at, 50_000);
  expect(blob.ranges.length).toBeLessThan(15);
  expect(blob.bytes).toBe(tarSize);
});

test("a failed fetch fails its own readers only; the next read tries anew", async () => {
  const { blob, content, counted } = mounted(layers.gzip);
  same(await content.read(1, 0, 1000), expected(0, 1000));
  blob.failure = new ClipError("UNREACHABLE", "the origin is away");
  const reads = [2_000_000, 2_000_100].map((at) => content.read(1, at, 100));
  for (const ended of await Promise.allSettled(reads)) {
    expect(ended).toMatchObject({ status: "rejected", reason: { code: "UNREACHABLE" } });
  }
  same(await content.read(1, 0, 1000), expected(0, 1000));
  blob.failure = undefined;
  same(await content.read(1, 2_000_000, 100), expected(2_000_000, 100));
  expect(counted().counters.readErrors).toBe(2);
  expect(counted().events.map(({ outcome }) => outcome)).toEqual([
    "origin",
    "error",
    "error",
    "local",
    "origin",
  ]);
});

test("an origin that sends nothing ends a read in bounded time", async () => {
  const { blob, content } = mounted(layers.gzip, { limits: { stallMs: 50 } });
  blob.pace = () => new Promise(() => {});
  const read = content.read(1, 0, 10);
  await expect(read).rejects.toMatchObject({ code: "TIMEOUT" });
  blob.pace = async () => {};
  same(await content.read(1, 0, 10), expected(0, 10));
});

test("an interrupted reader is answered at once, and the fetch goes on", async () => {
  const { blob, content, counted } = mounted(layers.gzip);
  const { promise, resolve } = Promise.withResolvers<void>();
  blob.pace = () => promise;
  const abort = new AbortController();
  const read = content.read(1, 0, 1000, { signal: abort.signal, pid: 77 });
  const patient = content.read(1, 0, 1000);
  abort.abort();
  await expect(read).rejects.toMatchObject({ code: "INTERRUPTED" });
  resolve();
  same(await patient, expected(0, 1000));
  expect(blob.ranges).toHaveLength(1);
  expect(counted().events[0]).toMatchObject({ pid: 77, nid: 1, outcome: "interrupted" });
});

test("closing ends what is under way", async () => {
  const { blob, content } = mounted(layers.gzip);
  blob.pace = () => new Promise(() => {});
  const read = content.read(1, 0, 1000);
  const ended = read.catch((error) => error);
  await Bun.sleep(0);
  await content.close();
  expect(await ended).toMatchObject({ code: "INTERRUPTED" });
});

test("zeros, the virtual device and the end of the file", async () => {
  const layer = layers.gzip;
  const index = {
    virtualDevice: 2,
    extents(
      _: number,
      offset: number,
      length: number,
      visit: (...run: [number, number, number, number]) => void,
    ) {
      // 1000 bytes of hole, 1000 of the layer from 5000 on, 1000 of the virtual device from 100 on.
      const runs = [
        [0, 1000, 0, 0],
        [1000, 1000, 1, 5000],
        [2000, 1000, 2, 100],
      ] as const;
      for (const [place, size, device, at] of runs) {
        const from = Math.max(place, offset);
        const to = Math.min(place + size, offset + length);
        if (from < to) visit(from, to - from, device, device === 0 ? 0 : at + from - place);
      }
    },
  };
  const virtual = {
    // Only bytes 300 to 500 of the virtual device are somewhere: in the layer from 77 on.
    resolve(
      offset: number,
      length: number,
      visit: (...run: [number, number, number, number]) => void,
    ) {
      const from = Math.max(300, offset);
      const to = Math.min(500, offset + length);
      if (from < to) visit(from, to - from, 1, 77 + from - 300);
    },
  };
  const file = new Uint8Array(3000);
  file.set(expected(5000, 1000), 1000);
  file.set(expected(77, 200), 2200);
  const { content } = mounted(layer, { index, virtual });
  for (const [at, length] of [
    [0, 5000],
    [1500, 1000],
    [900, 2050],
    [2999, 10],
    [3000, 10],
  ] as const) {
    same(await content.read(1, at, length), file.subarray(at, at + length));
    const into = new Uint8Array(length).fill(9);
    const count = content.tryRead(1, at, length, into, 0);
    expect(count).toBe(Math.max(0, Math.min(3000 - at, length)));
    same(into.subarray(0, count), file.subarray(at, at + count));
  }
});

test("an index that points outside its layer is refused", async () => {
  const { content } = mounted(layers.gzip, {
    index: {
      virtualDevice: 0,
      extents: (_n, _o, length, visit) => visit(0, length, 1, tarSize - 5),
    },
  });
  await expect(content.read(1, 0, 10)).rejects.toMatchObject({ code: "ARCHIVE_CORRUPT" });
});
