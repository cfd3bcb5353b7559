import { expect, test } from "bun:test";
import { verifyArchive, verifyDeep, verifyOrigin } from "../../src/archive/verify.ts";
import { ClipError } from "../../src/errors.ts";
import type { ArchiveContents, LayerContents } from "../../src/formats/clip2/contents.ts";
import { sha256Of } from "../../src/formats/clip2/head.ts";
import type { Progress } from "../../src/progress.ts";
import type { Origin } from "../../src/stores/origin.ts";
import { createTree } from "../../src/tree/tree.ts";
import { writeIndex } from "../../src/tree/write-index.ts";
import { piecesOf } from "../layers/samples.ts";
import { entry } from "../tree/entries.ts";
import { archiveBytes, openBytes, sampleImage, sampleWith } from "./sample.ts";

const { contents, blobs } = await sampleImage();
const layer = (i: number) => contents.layers[i]!;

/** An origin in memory that counts how many of its streams are still open. */
class MemoryOrigin implements Origin {
  readonly name = "memory";
  open = 0;

  constructor(
    readonly blobs: ReadonlyMap<string, Uint8Array>,
    readonly largest = 100_000,
  ) {}

  blob({ digest, size }: { digest: string; size: number }) {
    return { digest, size, read: () => this.#stream(this.blobs.get(digest)!) };
  }

  async check({ digest, size }: { digest: string; size: number }): Promise<void> {
    const bytes = this.blobs.get(digest);
    if (bytes === undefined) throw new ClipError("LAYER_NOT_FOUND", `no ${digest}`);
    if (bytes.length !== size) throw new ClipError("SIZE_MISMATCH", `wrong length of ${digest}`);
  }

  async close(): Promise<void> {}

  async *#stream(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    this.open++;
    try {
      yield* piecesOf(bytes, this.largest);
    } finally {
      this.open--;
    }
  }
}

const withLayer = (i: number, change: Partial<LayerContents>): ArchiveContents => ({
  ...contents,
  layers: contents.layers.map((one, at) => (at === i ? { ...one, ...change } : one)),
});

async function deep(what: ArchiveContents, origin = new MemoryOrigin(blobs)) {
  const archive = await openBytes(archiveBytes(what));
  const { findings } = await verifyDeep(archive, origin);
  expect(origin.open).toBe(0);
  return findings.map(({ code }) => code);
}

test("an archive and its origin, whole and in pieces of any size", async () => {
  for (const largest of [1000, 65_536, 10_000_000]) {
    expect(await deep(contents, new MemoryOrigin(blobs, largest))).toEqual([]);
  }
});

test("progress goes up to every layer's end", async () => {
  const archive = await openBytes(archiveBytes(contents));
  const done = new Map<string, number>();
  const onProgress = (progress: Progress) => {
    if (progress.kind === "layer") done.set(progress.digest, progress.done);
  };
  await verifyDeep(archive, new MemoryOrigin(blobs), { onProgress });
  expect([...done]).toEqual(contents.layers.map(({ digest, size }) => [digest, size]));
});

test("an origin without a layer, or with one of another length", async () => {
  const archive = await openBytes(archiveBytes(contents));
  expect((await verifyOrigin(archive, new MemoryOrigin(blobs))).findings).toEqual([]);
  const changed = new Map(blobs);
  changed.delete(layer(0).digest);
  changed.set(layer(1).digest, new Uint8Array(5));
  const { findings } = await verifyOrigin(archive, new MemoryOrigin(changed));
  expect(findings.map(({ code }) => code)).toEqual(["LAYER_NOT_FOUND", "SIZE_MISMATCH"]);
});

test("a byte of a layer that changed at the origin", async () => {
  for (let i = 0; i < 3; i++) {
    const bytes = Uint8Array.from(blobs.get(layer(i).digest)!);
    bytes[bytes.length >> 1]! ^= 1;
    const origin = new MemoryOrigin(new Map(blobs).set(layer(i).digest, bytes));
    expect(await deep(contents, origin)).toEqual(["DIGEST_MISMATCH"]);
  }
});

/** Codes that a checkpoint which leads elsewhere may be found by. */
const misled = ["ARCHIVE_CORRUPT", "LAYER_CORRUPT", "DIFFID_MISMATCH"];

test("every checkpoint that does not lead where it says is found, each on its own", async () => {
  const { checkpoints } = layer(0);
  const changed = (i: number, change: Partial<(typeof checkpoints)[number]>) =>
    withLayer(0, {
      checkpoints: checkpoints.map((one, at) => (at === i ? { ...one, ...change } : one)),
    });
  for (let i = 1; i < checkpoints.length; i++) {
    const { window } = checkpoints[i === 1 ? 2 : i - 1]!;
    if (window.length === 0) continue;
    const swapped = checkpoints.map((one, at) => (at === i ? { ...one, window } : one));
    const [code, ...more] = await deep(withLayer(0, { checkpoints: swapped }));
    expect(more).toEqual([]);
    expect(misled).toContain(code!);
  }
  // A span that begins earlier, with its neighbour's table made to agree.
  const out = checkpoints[1]!.out - 512;
  const early = changed(1, { out }).layers[0]!;
  const granules = early.granules.map((one, at) => (at === 0 ? { ...one, reach: out } : one));
  const [code] = await deep(withLayer(0, { checkpoints: early.checkpoints, granules }));
  expect(misled).toContain(code!);
  const [moved] = await deep(changed(1, { bit: checkpoints[1]!.bit + 1 }));
  expect([...misled, "DIGEST_MISMATCH"]).toContain(moved!);
});

test("a granule with other bytes, and one that promises more than it gives", async () => {
  const wide = await sampleWith(1024 * 1024);
  const [first, ...rest] = wide.contents.layers;
  const { granules } = first!;
  const changed = (i: number, change: Partial<(typeof granules)[number]>) => {
    const lies = granules.map((one, at) => (at === i ? { ...one, ...change } : one));
    return { ...wide.contents, layers: [{ ...first!, granules: lies }, ...rest] };
  };
  expect(await deep(wide.contents)).toEqual([]);
  expect(granules[0]!.reach).toBeLessThan(granules[1]!.reach);
  expect(await deep(changed(0, { reach: granules[0]!.reach + 1 }))).toEqual(["ARCHIVE_CORRUPT"]);
  // One that promises less makes readers fetch more, and nobody read a wrong byte.
  expect(await deep(changed(0, { reach: granules[0]!.reach - 1 }))).toEqual([]);
  const sha256 = sha256Of(Buffer.from("other"));
  expect(await deep(changed(1, { sha256 }))).toEqual(["DIGEST_MISMATCH"]);
});

test("an index for other layers", async () => {
  const tarSizes = contents.layers.map(({ tarSize }) => tarSize);
  const indexOf = (sizes: readonly number[], end: number) => {
    const tree = createTree();
    for (let i = 0; i < sizes.length; i++) {
      tree.beginLayer(i);
      const extents = [{ offset: 0, length: 100, at: end - 512 }];
      tree.add(entry("file", `f${i}`, { size: 100, extents: i === 2 ? extents : [] }));
      tree.endLayer();
    }
    return { ...contents, index: writeIndex(tree.finish(), sizes).image, virtual: [] };
  };
  const faults = async (what: ArchiveContents) =>
    (await verifyArchive(await openBytes(archiveBytes(what)))).findings.map(({ text }) => text);
  expect(await faults(indexOf(tarSizes, tarSizes[2]!))).toEqual([]);
  expect(await faults(indexOf(tarSizes.slice(0, 2), 512))).toEqual([
    "the index has 2 layers, the archive 3",
  ]);
  const longer = tarSizes.map((size) => size + 512);
  const found = await faults(indexOf(longer, longer[2]!));
  expect(found).toHaveLength(4);
  expect(found[3]).toContain("outside its layer");
});

test("an abort ends it with INTERRUPTED", async () => {
  const archive = await openBytes(archiveBytes(contents));
  const origin = new MemoryOrigin(blobs);
  const signal = AbortSignal.abort();
  for (const work of [
    verifyArchive(archive, { signal }),
    verifyDeep(archive, origin, { signal }),
  ]) {
    const error = await work.then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect((error as ClipError).code).toBe("INTERRUPTED");
  }
});
