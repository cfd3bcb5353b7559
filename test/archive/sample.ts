import { gzipSync, zstdCompressSync } from "node:zlib";
import { pack } from "tar-stream";
import { type Archive, readArchive } from "../../src/archive/open.ts";
import type { ArchiveContents } from "../../src/formats/clip2/contents.ts";
import { encodeArchive } from "../../src/formats/clip2/encode.ts";
import { digestOf } from "../../src/formats/oci/digest.ts";
import { mediaTypes } from "../../src/formats/oci/media-types.ts";
import type { TarEntry } from "../../src/formats/tar/entry.ts";
import { createTarScanner } from "../../src/formats/tar/scanner.ts";
import { indexLayer } from "../../src/layers/indexer.ts";
import type { LayerIndex } from "../../src/layers/layer-index.ts";
import { createTree } from "../../src/tree/tree.ts";
import { writeIndex } from "../../src/tree/write-index.ts";
import { sampleBytes } from "../layers/samples.ts";
import { imageOfLayers } from "../support/memory-image.ts";
import { entry } from "../tree/entries.ts";

/** An image of three layers (gzip with checkpoints, zstd of several frames, plain tar), indexed. */
export interface SampleImage {
  readonly contents: ArchiveContents;
  /** Layer blobs by digest. */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

function tarOf(files: Readonly<Record<string, Uint8Array>>): Promise<Uint8Array> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) {
    tar.entry({ name, mtime: new Date(0) }, Buffer.from(content));
  }
  tar.finalize();
  return new Response(tar as unknown as ReadableStream).bytes();
}

function zstdFrames(raw: Uint8Array): Uint8Array {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < raw.length; at += 200_000) {
    frames.push(zstdCompressSync(raw.subarray(at, at + 200_000)));
  }
  return Buffer.concat(frames);
}

/** Data that is not aligned where it lies, so that the index needs its virtual device. */
const unaligned = entry("file", "unaligned", {
  size: 1000,
  extents: [
    { offset: 0, length: 300, at: 700 },
    { offset: 400, length: 600, at: 1500 },
  ],
});

/** A layer to make: its files, and how its tar is compressed. */
export interface LayerRecipe {
  readonly codec: "tar" | "gzip" | "zstd";
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly compress: (tar: Uint8Array) => Uint8Array;
}

const types = {
  tar: mediaTypes.ociLayerTar,
  gzip: mediaTypes.ociLayerGzip,
  zstd: mediaTypes.ociLayerZstd,
};

/** Makes an image and indexes it, as building an archive does. The last layer has data that is not aligned. */
export async function describeImage(
  recipes: readonly LayerRecipe[],
  checkpointBytes: number,
): Promise<SampleImage> {
  const described = await Promise.all(
    recipes.map(async ({ codec, files, compress }) => {
      const tar = await tarOf(files);
      return {
        bytes: new Uint8Array(compress(tar)),
        mediaType: types[codec],
        diffId: digestOf(tar),
      };
    }),
  );
  const image = imageOfLayers(described, { os: "linux", architecture: "amd64" }, "v1");
  const tree = createTree();
  const layers: LayerIndex[] = [];
  for (const [i, { bytes, mediaType, diffId }] of described.entries()) {
    const entries: TarEntry[] = i + 1 === described.length ? [unaligned] : [];
    const scanner = createTarScanner((found) => entries.push(found), { name: `layer ${i}` });
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    const onTar = (piece: Uint8Array) => scanner.push(piece);
    layers.push(await indexLayer(once(bytes), { descriptor, diffId, checkpointBytes, onTar }));
    scanner.end();
    tree.beginLayer(i);
    for (const found of entries) tree.add(found);
    tree.endLayer();
  }
  const written = writeIndex(
    tree.finish(),
    layers.map(({ tarSize }) => tarSize),
  );
  const manifestBytes = image.blobs.get(image.tags.get("v1")!)!;
  const manifest = { mediaType: mediaTypes.ociManifest, digest: digestOf(manifestBytes) };
  return {
    contents: {
      origin: { kind: "registry", reference: `example.com/app@${manifest.digest}` },
      manifest: { ...manifest, size: manifestBytes.length },
      indexer: "clip test",
      checkpointBytes,
      manifestBytes,
      config: image.blobs.get(JSON.parse(Buffer.from(manifestBytes).toString()).config.digest)!,
      layers,
      index: written.image,
      virtual: written.virtual,
    },
    blobs: image.blobs,
  };
}

/** The sample with another distance between checkpoints. */
export const sampleWith = (checkpointBytes: number): Promise<SampleImage> =>
  describeImage(
    [
      {
        codec: "gzip",
        files: { "usr/text": sampleBytes(700_000, 3), "usr/more": sampleBytes(300_000, 4) },
        compress: (tar) => gzipSync(tar, { level: 6 }),
      },
      {
        codec: "zstd",
        files: { "opt/frames": sampleBytes(600_000, 5) },
        compress: zstdFrames,
      },
      {
        codec: "tar",
        files: { "etc/hosts": Buffer.from("127.0.0.1 localhost\n"), "etc/motd": Buffer.from("") },
        compress: (tar) => tar,
      },
    ],
    checkpointBytes,
  );

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

let made: Promise<SampleImage> | undefined;

/** The sample with checkpoints every 128 KiB of tar, made once. */
export function sampleImage(): Promise<SampleImage> {
  made ??= sampleWith(128 * 1024);
  return made;
}

/** An archive's bytes as one. */
export const archiveBytes = (contents: ArchiveContents): Uint8Array =>
  new Uint8Array(Buffer.concat(encodeArchive(contents)));

/** Opens an archive that lies in memory. Reading beyond its end is a fault of the reader, and no ClipError. */
export function openBytes(bytes: Uint8Array): Promise<Archive> {
  return readArchive({
    name: "memory.clip",
    size: bytes.length,
    async read(offset, length) {
      if (offset < 0 || offset + length > bytes.length) throw new RangeError("read past the end");
      return bytes.slice(offset, offset + length);
    },
    async close() {},
  });
}
