import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CachedContent } from "../../src/content/cached-content.ts";
import { openContent } from "../../src/content/content.ts";
import { layerOf, TestBlob, text, wholeLayers } from "./layers.ts";

const [seed, tarSize] = [5, 2_000_000];
const tar = text(seed, tarSize);
const layer = await layerOf("gzip", tar);

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "clip-processes-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Serves the layer by ranges, in pieces that come as `pace` lets them. */
function serve(pace: () => Promise<unknown>) {
  const sent = { bytes: 0, requests: 0 };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.get("range")!)!;
      const body = layer.stored.slice(Number(from), Number(to) + 1);
      sent.requests++;
      const stream = async function* () {
        for (let at = 0; at < body.length; at += 32_768) {
          await pace();
          const piece = body.subarray(at, at + 32_768);
          sent.bytes += piece.length;
          yield piece;
        }
      };
      return new Response(stream() as unknown as ReadableStream, { status: 206 });
    },
  });
  return { sent, url: server.url.href, stop: () => server.stop(true) };
}

async function startReader(url: string, offset: number, length: number) {
  const task = JSON.stringify({ url, cacheDirectory: folder, offset, length, tarSize, seed });
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "reader-process.ts"), task], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = child.stdout.getReader();
  await output.read();
  return {
    child,
    go: () => child.stdin.end(),
    answer: async () => {
      const { value } = await output.read();
      return Buffer.from(value ?? []).toString();
    },
  };
}

const digestOf = (from: number, length: number) =>
  new Bun.CryptoHasher("sha256").update(tar.subarray(from, from + length)).digest("hex");

test("two processes that read the same cold bytes at once fetch them once", async () => {
  const { sent, url, stop } = serve(() => Bun.sleep(20));
  try {
    const readers = await Promise.all([1, 2].map(() => startReader(url, 700_000, 600_000)));
    for (const reader of readers) reader.go();
    const answers = await Promise.all(readers.map((reader) => reader.answer()));
    expect(answers).toEqual([digestOf(700_000, 600_000), digestOf(700_000, 600_000)]);
    const alone = new TestBlob(layer);
    const content = openContent({
      ...{ index: wholeLayers([layer]), layers: [layer.map], blobs: [alone] },
      cacheDirectory: undefined,
    });
    await content.read(1, 700_000, 600_000);
    await content.close();
    expect(sent.bytes).toBe(alone.bytes);
  } finally {
    stop();
  }
});

test("a process killed while it fetches does not hold up the next one, nor spoil its cache", async () => {
  let pieces = 0;
  const { url, stop } = serve(async () => {
    if (pieces++ === 5) await Bun.sleep(60_000);
  });
  try {
    const reader = await startReader(url, 700_000, 600_000);
    reader.go();
    while (pieces < 6) await Bun.sleep(5);
    const blob = new TestBlob(layer);
    const content = openContent({
      ...{ index: wholeLayers([layer]), layers: [layer.map], blobs: [blob] },
      cacheDirectory: folder,
    });
    const read = content.read(1, 700_000, 600_000);
    await Bun.sleep(30);
    reader.child.kill("SIGKILL");
    await reader.child.exited;
    const bytes = await read;
    expect(Buffer.compare(bytes, tar.subarray(700_000, 1_300_000))).toBe(0);
    await content.close();
  } finally {
    stop();
  }
});

test("a process that holds its lock for long is not waited for", async () => {
  const blob = new TestBlob(layer);
  const index = wholeLayers([layer]);
  const content = openContent({
    ...{ index, layers: [layer.map], blobs: [blob], cacheDirectory: folder },
    limits: { otherProcessMs: 50 },
  });
  // Another open of the same file excludes this one's, as another process would.
  const other = new CachedContent({ index, shapes: content.shapes, cacheDirectory: folder });
  for (let span = 0; span < layer.map.out.length; span++) other.cache(0).tryLockSpan(span);
  const bytes = await content.read(1, 0, tarSize);
  expect(Buffer.compare(bytes, tar)).toBe(0);
  other.close();
  await content.close();
});
