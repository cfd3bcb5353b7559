import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { ArchiveContents } from "../../src/formats/clip2/encode.ts";
import { type ClipMount, dropKernelCaches, finish, sha256Of, whyNotReal } from "./support/clip.ts";
import { contentsOf, writeContents } from "./support/evil-archive.ts";
import { blobTraffic, type RegistryImage, serveImage } from "./support/registry-image.ts";

setDefaultTimeout(120_000);

const reason = whyNotReal();
/** Of the middle layer. */
const victim = "usr/lib/x86_64-linux-gnu/libgfortran.so.5.0.0";
const victimLayer = 1;
const isData = (name: string): boolean => name.endsWith(".data");
const isSide = (name: string): boolean => name.endsWith(".side");

describe.skipIf(reason !== undefined)(`tampering${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let image: RegistryImage;
  let truth: string;
  beforeAll(async () => {
    image = await serveImage("a");
    const mounted = await image.clip.mount(image.archive, "--cache-dir", image.clip.newCache());
    truth = await read(mounted);
    expect(truth).toHaveLength(64);
    await image.clip.umount(mounted);
  });
  afterAll(() => image?.release());

  const read = async ({ directory }: ClipMount): Promise<string> => {
    await dropKernelCaches();
    return sha256Of(join(directory, victim));
  };

  /** Each strikes one file of the cache. */
  const damages: readonly (readonly [string, (name: string) => boolean, (path: string) => void])[] =
    [
      ["flipped bytes in cached data", isData, (path) => flip(path, 0)],
      ["cached data cut short", isData, (path) => truncateSync(path, 4096)],
      ["flipped checksums and resume points", isSide, (path) => flip(path, 4096, 1)],
      ["a side file with another header", isSide, (path) => flip(path, 0, 1, 128)],
      ["a side file cut short", isSide, (path) => truncateSync(path, 5000)],
      ["an empty side file", isSide, (path) => truncateSync(path, 0)],
    ];
  for (const [name, strikes, damage] of damages) {
    test(`${name}: fetched again, never served`, async () => {
      const cache = image.clip.newCache();
      const first = await image.clip.mount(image.archive, "--cache-dir", cache);
      expect(await read(first)).toBe(truth);
      await image.clip.umount(first);
      const struck = readdirSync(cache).filter(strikes);
      expect(struck.length).toBeGreaterThan(0);
      for (const file of struck) damage(join(cache, file));

      image.proxy.reset();
      const second = await image.clip.mount(image.archive, "--cache-dir", cache);
      expect(await read(second)).toBe(truth);
      expect(blobTraffic(image.proxy).bytes).toBeGreaterThan(0);
      image.proxy.reset();
      expect(await read(second)).toBe(truth);
      expect(blobTraffic(image.proxy).bytes).toBe(0);
      await image.clip.umount(second);
    });
  }

  test("data that is altered under a live mount is fetched again", async () => {
    const cache = image.clip.newCache();
    const mounted = await image.clip.mount(image.archive, "--cache-dir", cache);
    expect(await read(mounted)).toBe(truth);
    for (const file of readdirSync(cache).filter(isData)) flip(join(cache, file), 0);
    image.proxy.reset();
    expect(await read(mounted)).toBe(truth);
    expect(blobTraffic(image.proxy).bytes).toBeGreaterThan(0);
    await image.clip.umount(mounted);
  });

  test("an index that was altered in the cache is unpacked again", async () => {
    const cache = image.clip.newCache();
    await image.clip.umount(await image.clip.mount(image.archive, "--cache-dir", cache));
    const index = join(cache, "index");
    for (const file of readdirSync(index)) flip(join(index, file), 0);
    const mounted = await image.clip.mount(image.archive, "--cache-dir", cache);
    expect(await read(mounted)).toBe(truth);
    await image.clip.umount(mounted);
  });

  test("a symbolic link in the cache's place is not followed", async () => {
    const cache = image.clip.newCache();
    const first = await image.clip.mount(image.archive, "--cache-dir", cache);
    await read(first);
    await image.clip.umount(first);
    const target = join(image.clip.directory, "target");
    await Bun.write(target, "not yours");
    for (const file of readdirSync(cache).filter(isData)) {
      rmSync(join(cache, file));
      symlinkSync(target, join(cache, file));
    }
    const mounted = await image.clip.mount(image.archive, "--cache-dir", cache);
    expect(await read(mounted)).toBe(truth);
    expect(readFileSync(target, "utf8")).toBe("not yours");
    await image.clip.umount(mounted);
  });

  /** What a hostile archive says of the victim's layer. */
  type Layer = ArchiveContents["layers"][number];
  const lies: readonly (readonly [string, (layer: Layer, layers: readonly Layer[]) => Layer])[] = [
    ["the diffID of another layer", (layer, layers) => ({ ...layer, diffId: layers[0]!.diffId })],
    [
      "checkpoints at other places",
      (layer) => ({
        ...layer,
        checkpoints: layer.checkpoints.map((one, i) =>
          i === 0 ? one : { ...one, out: one.out + 512 },
        ),
        granules: layer.granules.map((one) => ({
          ...one,
          reach: Math.min(one.reach + 512, layer.tarSize),
        })),
      }),
    ],
    [
      "other digests of granules",
      (layer) => ({
        ...layer,
        granules: layer.granules.map((one) => ({ ...one, sha256: one.sha256.toReversed() })),
      }),
    ],
    [
      "windows of other checkpoints",
      (layer) => ({
        ...layer,
        checkpoints: layer.checkpoints.map((one, i, all) => ({
          ...one,
          window:
            all.findLast((other, at) => at < i && other.kind === one.kind)?.window ?? one.window,
        })),
      }),
    ],
  ];
  for (const [name, lie] of lies) {
    test(`an archive that claims ${name} spoils no other mount`, async () => {
      const cache = image.clip.newCache();
      const contents = await contentsOf(image.archive);
      const path = join(image.clip.directory, "evil.clip");
      const layers = contents.layers.map((layer, i) =>
        i === victimLayer ? lie(layer, contents.layers) : layer,
      );
      await writeContents(path, { ...contents, layers });
      const evil = await image.clip.mount(path, "--cache-dir", cache).catch(() => undefined);
      const seen = evil === undefined ? "refused" : await read(evil);
      console.log(`${name}: ${seen === truth ? "right bytes" : seen || "an error"}`);
      const honest = await image.clip.mount(image.archive, "--cache-dir", cache);
      expect(await read(honest)).toBe(truth);
      // And the other way round: what the honest one has cached, while the other reads on.
      if (evil !== undefined) expect(await read(evil)).toBe(seen);
      expect(await read(honest)).toBe(truth);
      if (evil !== undefined) await image.clip.umount(evil);
      await image.clip.umount(honest);
    });
  }

  test("the archive that is written again without a lie is the same", async () => {
    const path = join(image.clip.directory, "again.clip");
    await writeContents(path, await contentsOf(image.archive));
    expect(await sha256Of(path)).toBe(await sha256Of(image.archive));
  });

  const breakages: readonly (readonly [string, string, (path: string) => void])[] = [
    ["other bytes", "DIGEST_MISMATCH", (path) => flip(path, 0)],
    ["a blob cut short", "SIZE_MISMATCH", (path) => truncateSync(path, 1_000_000)],
  ];
  for (const [name, code, damage] of breakages) {
    test(`a registry with ${name}: EIO, a message in the log that ps names, and no remount after its repair`, async () => {
      const blob = image.blobFile(image.layers[victimLayer]!.digest);
      const good = readFileSync(blob);
      const mounted = await image.clip.mount(image.archive, "--cache-dir", image.clip.newCache());
      const path = join(mounted.directory, victim);
      try {
        damage(blob);
        const { stdout, stderr } = await finish(["cat", path]);
        expect({ stdout, stderr }).toEqual({
          stdout: "",
          stderr: `cat: ${path}: Input/output error\n`,
        });
        const listed = (await image.clip.run("ps", "--json")).stdout.trim().split("\n");
        const { log } = listed
          .map((line) => JSON.parse(line))
          .find(({ pid }) => pid === mounted.pid);
        expect(readFileSync(log, "utf8")).toContain(code);
        expect(readFileSync(log, "utf8")).toContain(image.layers[victimLayer]!.digest);
      } finally {
        await Bun.write(blob, good);
      }
      expect(await read(mounted)).toBe(truth);
      await image.clip.umount(mounted);
    });
  }
});

/** Changes a byte of every `step` bytes from `from` on; holes of a sparse file stay holes. */
function flip(path: string, from: number, step = 4096, to = Number.POSITIVE_INFINITY): void {
  const bytes = readFileSync(path);
  const fd = openSync(path, "r+");
  try {
    for (let at = from; at < Math.min(bytes.length, to); at += 4096) {
      const page = bytes.subarray(at, Math.min(at + 4096, to));
      if (page.every((byte) => byte === 0)) continue;
      for (let i = 0; i < page.length; i += step) page[i] = page[i]! ^ 0xa5;
      writeSync(fd, page, 0, page.length, at);
    }
  } finally {
    closeSync(fd);
  }
}
