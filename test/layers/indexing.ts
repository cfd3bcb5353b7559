import { indexLayer } from "../../src/layers/indexer.ts";
import type { LayerIndex } from "../../src/layers/layer-index.ts";
import { type Sample, sampleNamed } from "./codecs.ts";
import { sha256Of } from "./samples.ts";

export async function* streamOf(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

/** Indexes a sample, checking that the tar comes out right. */
export async function indexSample(
  { raw, blob }: Sample,
  pieces: Iterable<Uint8Array> = [blob],
  checkpointBytes?: number,
): Promise<LayerIndex> {
  const tar = new Bun.CryptoHasher("sha256");
  const index = await indexLayer(streamOf(pieces), {
    descriptor: { digest: sha256Of(blob), size: blob.length, mediaType: "application/layer" },
    diffId: sha256Of(raw),
    onTar: (bytes) => tar.update(bytes),
    ...(checkpointBytes !== undefined && { checkpointBytes }),
  });
  if (`sha256:${tar.digest("hex")}` !== sha256Of(raw)) throw new Error("onTar got other bytes");
  return index;
}

const indexed = new Map<string, Promise<LayerIndex>>();

/** The index of a named sample with checkpoints every 512 KiB, made once. */
export function indexNamed(name: string): Promise<LayerIndex> {
  let index = indexed.get(name);
  if (index === undefined) {
    const sample = sampleNamed(name);
    index = indexSample(sample, [sample.blob], closeCheckpoints);
    indexed.set(name, index);
  }
  return index;
}

/** Closer than usual, so that small samples have some. */
export const closeCheckpoints = 512 * 1024;
