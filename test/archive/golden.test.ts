import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Archive } from "../../src/archive/open.ts";
import { verifyArchive } from "../../src/archive/verify.ts";
import type { ArchiveContents } from "../../src/formats/clip2/contents.ts";
import { checkpointKinds } from "../../src/formats/clip2/layout.ts";
import { VirtualTable } from "../../src/formats/erofs/virtual.ts";
import { dumpArchive } from "../formats/clip2/dump.ts";
import { archiveBytes, openBytes } from "./sample.ts";

const folder = join(import.meta.dir, "../fixtures/clip2");
const golden = new Uint8Array(readFileSync(join(folder, "golden.clip")));

test("the golden archive is read as it always was", async () => {
  expect(dumpArchive(golden)).toBe(readFileSync(join(folder, "golden.txt"), "utf8"));
  expect((await verifyArchive(await openBytes(golden))).findings).toEqual([]);
});

test("what is read from it gives the same bytes when it is written again", async () => {
  const contents = await contentsOf(await openBytes(golden));
  expect(Buffer.compare(archiveBytes(contents), golden)).toBe(0);
});

test("the example of docs/format.md is its head", () => {
  const document = readFileSync(join(import.meta.dir, "../../docs/format.md"), "utf8");
  const lines = Array.from({ length: 8 }, (_, i) => {
    const bytes = golden.subarray(i * 16, i * 16 + 16);
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    return `    ${(i * 16).toString(16).padStart(4, "0")}  ${hex}`;
  });
  expect(document).toContain(lines.join("\n"));
});

/** All that was put into an archive. */
async function contentsOf(archive: Archive): Promise<ArchiveContents> {
  const { origin, manifest, indexer, checkpointBytes, manifestBytes, configBytes } = archive;
  const tarSizes = archive.layers.map(({ tarSize }) => tarSize);
  const virtual = new VirtualTable(archive.virtual, tarSizes);
  const layers = archive.layers.map(async (layer) => {
    const { digest, diffId, mediaType, codec, size, tarSize, frames } = layer;
    const checkpoints = Array.from(layer.out, async (out, i) => {
      const kind = checkpointKinds[layer.kind[i]!]!;
      return { kind, out, bit: layer.bit[i]!, window: await layer.window(i) };
    });
    const granules = Array.from(layer.granuleReach, (reach, i) => {
      return { reach, sha256: layer.granuleSha256.slice(i * 32, i * 32 + 32) };
    });
    const facts = { digest, diffId, mediaType, codec, size, tarSize, frames };
    return { ...facts, checkpoints: await Promise.all(checkpoints), granules };
  });
  return {
    ...{ origin, manifest, indexer, checkpointBytes, manifestBytes, config: configBytes },
    layers: await Promise.all(layers),
    index: await archive.index(),
    virtual: Array.from({ length: virtual.count }, (_, i) => virtual.entry(i)),
  };
}
