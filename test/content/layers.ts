import { createHash } from "node:crypto";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { ContentIndex } from "../../src/content/segments.ts";
import { indexLayer } from "../../src/layers/indexer.ts";
import { type LayerMap, layerMapOf } from "../../src/layers/layer-map.ts";
import type { Blob, ReadOptions } from "../../src/stores/origin.ts";

/** Bytes that compress like program files do: words in random order. */
export function text(seed: number, length: number): Uint8Array {
  const words = Array.from({ length: 4096 }, (_, i) => `${(i * 2654435761) % 99991} `);
  const parts: string[] = [];
  let state = seed;
  for (let size = 0; size < length; size += parts.at(-1)!.length) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    parts.push(words[state >>> 20]!);
  }
  return new Uint8Array(Buffer.from(parts.join("")).subarray(0, length));
}

export interface TestLayer {
  readonly tar: Uint8Array;
  readonly stored: Uint8Array;
  readonly map: LayerMap;
}

export const codecs = {
  tar: (tar: Uint8Array) => tar,
  gzip: (tar: Uint8Array) => gzipSync(tar),
  members: (tar: Uint8Array) => Buffer.concat(pieces(tar, 300_001).map((part) => gzipSync(part))),
  zstd: (tar: Uint8Array) => zstdCompressSync(tar),
  frames: (tar: Uint8Array) =>
    Buffer.concat(pieces(tar, 300_001).map((part) => zstdCompressSync(part))),
} as const;

export type CodecName = keyof typeof codecs;

/** Compresses a made-up tar and indexes it. */
export async function layerOf(codec: CodecName, tar: Uint8Array, checkpointBytes = 256 * 1024) {
  const stored = new Uint8Array(codecs[codec](tar));
  const digest = `sha256:${createHash("sha256").update(stored).digest("hex")}`;
  const descriptor = { digest, size: stored.length, mediaType: "application/octet-stream" };
  const index = await indexLayer(
    (async function* () {
      yield stored;
    })(),
    { descriptor, checkpointBytes, onTar: () => {} },
  );
  return { tar, stored, map: layerMapOf(index) } satisfies TestLayer;
}

function pieces(bytes: Uint8Array, size: number): Uint8Array[] {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

/** A blob in memory that counts what is asked of it, and can be made to fail, to wait and to lie. */
export class TestBlob implements Blob {
  readonly digest: string;
  readonly size: number;
  readonly ranges: [number, number][] = [];
  bytes = 0;
  failure: Error | undefined;
  /** Waited for before each piece is sent. */
  pace: () => Promise<unknown> = async () => {};
  /** Changes a piece that starts at `at`. */
  tamper: (bytes: Uint8Array, at: number) => Uint8Array = (bytes) => bytes;

  constructor(readonly layer: TestLayer) {
    this.digest = layer.map.digest;
    this.size = layer.stored.length;
  }

  async *read(offset: number, length: number, options: ReadOptions = {}) {
    this.ranges.push([offset, length]);
    options.onRequest?.();
    for (let at = offset; at < offset + length; ) {
      await abortable(this.pace(), options.signal);
      if (this.failure) throw this.failure;
      const size = Math.min(10_000, offset + length - at);
      this.bytes += size;
      yield this.tamper(this.layer.stored.slice(at, at + size), at);
      at += size;
    }
  }
}

function abortable<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}

/** An index with one file for each layer, nid 1 and on, that is the layer's whole tar. */
export const wholeLayers = (layers: readonly TestLayer[]): ContentIndex => ({
  virtualDevice: 0,
  extents(nid, offset, length, visit) {
    const size = layers[nid - 1]!.tar.length;
    const end = Math.min(size, offset + length);
    if (offset < end) visit(offset, end - offset, nid, offset);
  },
});
