import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, openSync, readdirSync, readSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { blockSize, type LayerShape } from "../../src/cache/block-map.ts";
import { LayerCache } from "../../src/cache/layer-cache.ts";
import { SpanWriter } from "../../src/cache/span-writer.ts";
import { fillSpan, pattern, shapeOf } from "./pattern.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "clip-cache-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const shape = shapeOf("a", [0, 10_000, 10_001, 10_001, 50_000], 123_456);

const readAll = (cache: LayerCache, from: number, to: number) => {
  const into = new Uint8Array(to - from);
  return cache.tryRead(from, to - from, into, 0) ? into : undefined;
};

/** Flips one bit of a byte in a file. */
function flip(path: string, offset: number): void {
  const fd = openSync(path, "r+");
  const byte = new Uint8Array(1);
  readSync(fd, byte, 0, 1, offset);
  writeSync(fd, Uint8Array.of(byte[0]! ^ 4), 0, 1, offset);
}

test("what one object stored another one reads, from any offset", () => {
  const [a, b] = [new LayerCache(folder, shape), new LayerCache(folder, shape)];
  for (let span = 0; span < shape.spanStarts.length; span++) fillSpan(a, span, 1000);
  fc.assert(
    fc.property(fc.nat(shape.tarSize), fc.nat(shape.tarSize), (x, y) => {
      const [from, to] = [Math.min(x, y), Math.max(x, y)];
      expect(readAll(b, from, to)).toEqual(pattern(from, to));
    }),
  );
  expect(readdirSync(folder).toSorted()).toEqual([`${shape.key}.data`, `${shape.key}.side`]);
  for (const name of readdirSync(folder)) {
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  }
  a.close();
  b.close();
});

test("only whole blocks are present, and what is absent is said block by block", () => {
  const cache = new LayerCache(folder, shape);
  const writer = new SpanWriter(cache, 4, 50_000);
  writer.push(pattern(50_000, 50_000 + blockSize + 100));
  expect(readAll(cache, 50_000, 50_000 + blockSize)).toBeDefined();
  expect(readAll(cache, 50_000, 50_000 + blockSize + 1)).toBeUndefined();
  expect(cache.missing(49_999, 50_001 + 3 * blockSize)).toEqual([
    { from: 10_001 + 9 * blockSize, to: 50_000 },
    { from: 50_000 + blockSize, to: 50_000 + 4 * blockSize },
  ]);
  expect(writer.tail).toEqual(pattern(50_000 + blockSize, 50_100 + blockSize));
  cache.close();
});

test("spans of any size, filled in pieces of any size, give all bytes back", () => {
  const sizes = fc.array(fc.oneof(fc.nat(20), fc.nat(3 * blockSize)), { minLength: 1 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 9000 }), (spans, step) => {
      const starts: number[] = [];
      let tarSize = 0;
      for (const size of spans) {
        starts.push(tarSize);
        tarSize += size;
      }
      const cache = new LayerCache(undefined, shapeOf("c", starts, tarSize));
      for (let span = 0; span < spans.length; span++) fillSpan(cache, span, step);
      expect(cache.missing(0, tarSize)).toEqual([]);
      expect(readAll(cache, 0, tarSize)).toEqual(pattern(0, tarSize));
    }),
    { numRuns: 30 },
  );
});

test("a flipped bit in the data or in a checksum is never served, and the block can be stored again", () => {
  const failures: number[] = [];
  const writer = new LayerCache(folder, shape);
  fillSpan(writer, 4, 70_000);
  const cache = new LayerCache(folder, shape, {
    onChecksumFailure: (block) => failures.push(block),
  });
  flip(join(folder, `${shape.key}.data`), 60_000);
  expect(readAll(cache, 50_000, 100_000)).toBeUndefined();
  expect(readAll(cache, 59_900, 60_100)).toBeUndefined();
  expect(failures).toHaveLength(1);
  expect(cache.missing(50_000, 123_456)).toHaveLength(1);
  fillSpan(writer, 4, 70_000);
  expect(readAll(cache, 50_000, 123_456)).toEqual(pattern(50_000, 123_456));
  flip(join(folder, `${shape.key}.side`), 4096 + cache.blocks.blockAt(70_000) * 4);
  expect(readAll(cache, 70_000, 70_001)).toBeUndefined();
  expect(failures).toHaveLength(2);
  writer.close();
  cache.close();
});

test("the cache of another key is another cache", () => {
  const cache = new LayerCache(folder, shape);
  fillSpan(cache, 4, 70_000);
  const other = new LayerCache(folder, { ...shape, key: "f".repeat(64) });
  expect(other.missing(50_000, 123_456)).toEqual([{ from: 50_000, to: 123_456 }]);
  cache.close();
  other.close();
});

test("a side file of something else is replaced, not believed", () => {
  const cache = new LayerCache(folder, shape);
  fillSpan(cache, 4, 70_000);
  cache.close();
  flip(join(folder, `${shape.key}.side`), 9);
  const again = new LayerCache(folder, shape);
  expect(readAll(again, 50_000, 50_001)).toBeUndefined();
  fillSpan(again, 4, 70_000);
  expect(readAll(again, 50_000, 50_001)).toBeDefined();
  again.close();
});

test("a resume place comes back with the bytes before it, unless something of it does not verify", () => {
  const resumable: LayerShape = { ...shape, resumable: true };
  const cache = new LayerCache(folder, resumable);
  expect(cache.loadResume(4)).toBeUndefined();
  const writer = new SpanWriter(cache, 4, 50_000);
  writer.push(pattern(50_000, 100_123));
  const record = Uint8Array.of(1, 2, 3);
  cache.saveResume(4, writer.position, record, writer.tail);
  const before = pattern(100_123 - 32_768, 100_123);
  expect(cache.loadResume(4)).toEqual({ out: 100_123, record, before });
  const rest = new SpanWriter(cache, 4, 100_123, before.subarray(-writer.tail.length));
  rest.push(pattern(100_123, 123_456));
  expect(readAll(cache, 50_000, 123_456)).toEqual(pattern(50_000, 123_456));
  flip(join(folder, `${shape.key}.data`), 90_000);
  expect(cache.loadResume(4)).toBeUndefined();
  cache.saveResume(3, 20_000, record, pattern(18_193, 20_000));
  expect(cache.loadResume(3)).toBeUndefined();
  cache.close();
});

test("a file that is not this user's is left alone", () => {
  const degraded: unknown[] = [];
  Bun.spawnSync(["ln", "-s", "/dev/null", join(folder, `${shape.key}.data`)]);
  const cache = new LayerCache(folder, shape, { onDegraded: (error) => degraded.push(error) });
  expect(degraded).toHaveLength(1);
  expect(cache.durable).toBe(false);
  fillSpan(cache, 4, 70_000);
  expect(readAll(cache, 50_000, 123_456)).toEqual(pattern(50_000, 123_456));
});
