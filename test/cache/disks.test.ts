import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LayerCache } from "../../src/cache/layer-cache.ts";
import { MemoryBlocks } from "../../src/cache/memory-blocks.ts";
import { fillSpan, pattern, shapeOf } from "./pattern.ts";

let folder = "";
let mounted = false;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "clip-disks-"));
});
afterEach(() => {
  if (mounted) Bun.spawnSync(["umount", "-l", folder]);
  mounted = false;
  rmSync(folder, { recursive: true });
});

const isRoot = process.geteuid!() === 0;
const mount = (...args: string[]) => {
  const { exitCode } = Bun.spawnSync(["mount", ...args, folder]);
  expect(exitCode).toBe(0);
  mounted = true;
};
const size = 4 * 1024 * 1024;
const shape = shapeOf("d", [0, size / 2], size);

test.if(isRoot)("a full disk is said, and what it would not take is kept in bounded memory", () => {
  mount("-t", "tmpfs", "-o", "size=1m", "tmpfs");
  const said: unknown[] = [];
  const memory = new MemoryBlocks(1024 * 1024);
  const cache = new LayerCache(folder, shape, { memory, onDegraded: (error) => said.push(error) });
  expect(cache.durable).toBe(true);
  fillSpan(cache, 0, 64 * 1024);
  expect(cache.durable).toBe(false);
  expect(said).toHaveLength(1);
  expect(said[0]).toMatchObject({ code: "ENOSPC" });
  expect(memory.bytes).toBe(1024 * 1024);
  const into = new Uint8Array(512 * 1024);
  expect(cache.tryRead(0, into.length, into, 0)).toBe(true);
  expect(into).toEqual(pattern(0, into.length));
  expect(cache.tryRead(size / 2 - into.length, into.length, into, 0)).toBe(true);
  expect(into).toEqual(pattern(size / 2 - into.length, size / 2));
  expect(cache.missing(0, size / 2).length).toBe(1);
  cache.close();
});

test.if(isRoot)("a directory that is read-only now serves what it has, and takes nothing", () => {
  mount("-t", "tmpfs", "-o", "size=16m", "tmpfs");
  const before = new LayerCache(folder, shape);
  fillSpan(before, 0, 64 * 1024);
  before.close();
  mount("-o", "remount,ro");
  const failures: number[] = [];
  const cache = new LayerCache(folder, shape, {
    onChecksumFailure: (block) => failures.push(block),
  });
  const into = new Uint8Array(10_000);
  expect(cache.tryRead(100, into.length, into, 0)).toBe(true);
  expect(into).toEqual(pattern(100, 10_100));
  expect(cache.durable).toBe(false);
  expect(cache.tryLockSpan(0)).toBe(true);
  fillSpan(cache, 1, 64 * 1024);
  expect(cache.tryRead(size / 2 - 5000, into.length, into, 0)).toBe(true);
  expect(into).toEqual(pattern(size / 2 - 5000, size / 2 + 5000));
  expect(failures).toEqual([]);
  cache.close();
  const empty = new LayerCache(folder, { ...shape, key: "e".repeat(64) });
  expect(empty.missing(0, 1)).toHaveLength(1);
  empty.close();
});

test("a writer killed in the middle leaves blocks that verify, or none", async () => {
  const modules = JSON.stringify(join(import.meta.dir, "pattern.ts"));
  const cacheModule = JSON.stringify(join(import.meta.dir, "../../src/cache/layer-cache.ts"));
  const script = `import { fillSpan, shapeOf } from ${modules}; import { LayerCache } from ${cacheModule};
    const cache = new LayerCache(${JSON.stringify(folder)}, shapeOf("d", [0, ${size / 2}], ${size}));
    cache.tryLockSpan(1); console.log("ready");
    for (;;) { fillSpan(cache, 0, 5000); fillSpan(cache, 1, 777); }`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  await child.stdout.getReader().read();
  const failures: number[] = [];
  const cache = new LayerCache(folder, shape, {
    onChecksumFailure: (block) => failures.push(block),
  });
  expect(cache.tryLockSpan(1)).toBe(false);
  while (cache.missing(0, 100_000).length > 0) await Bun.sleep(1);
  child.kill("SIGKILL");
  await child.exited;
  expect(cache.tryLockSpan(1)).toBe(true);
  let present = 0;
  const into = new Uint8Array(size);
  cache.visitStored((from, to) => {
    expect(cache.tryRead(from, to - from, into, 0)).toBe(true);
    expect(Buffer.compare(into.subarray(0, to - from), pattern(from, to))).toBe(0);
    present += to - from;
  });
  expect(present).toBeGreaterThan(100_000);
  expect(failures).toEqual([]);
  cache.close();
});
