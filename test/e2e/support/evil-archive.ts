import { openArchive } from "../../../src/archive/open.ts";
import { type ArchiveContents, encodeArchive } from "../../../src/formats/clip2/encode.ts";
import { checkpointKinds } from "../../../src/layers/layer-map.ts";

/** What is in an archive without a virtual device, as the encoder takes it. */
export async function contentsOf(path: string): Promise<ArchiveContents> {
  const archive = await openArchive(path);
  try {
    const layers = archive.layers.map(async (layer) => ({
      ...layer,
      checkpoints: await Promise.all(
        Array.from(layer.out, async (out, i) => ({
          kind: checkpointKinds[layer.kind[i]!]!,
          out,
          bit: layer.bit[i]!,
          window: await layer.window(i),
        })),
      ),
      granules: Array.from(layer.granuleReach, (reach, i) => ({
        sha256: layer.granuleSha256.slice(i * 32, i * 32 + 32),
        reach,
      })),
    }));
    const { origin, manifest, manifestBytes, indexer, checkpointBytes, configBytes } = archive;
    return {
      ...{ origin, manifest, manifestBytes, indexer, checkpointBytes, config: configBytes },
      layers: await Promise.all(layers),
      index: await archive.index(),
      virtual: [],
    };
  } finally {
    await archive.close();
  }
}

/** Writes contents of any kind as an archive whose own digests are all right. */
export async function writeContents(path: string, contents: ArchiveContents): Promise<void> {
  await Bun.write(path, Buffer.concat(encodeArchive(contents)));
}
