import { digestOf } from "../../src/formats/oci/digest.ts";
import { mediaTypes } from "../../src/formats/oci/media-types.ts";
import type { ImageBlobs } from "../../src/registry/server-blobs.ts";

/** Puts an image together in memory: layers in order, the base first. `config` is what goes beside the rootfs. */
export function imageOfLayers(
  layers: readonly {
    readonly bytes: Uint8Array;
    readonly mediaType: string;
    readonly diffId: string;
  }[],
  config: Readonly<Record<string, unknown>>,
  tag: string,
): ImageBlobs {
  const blobs = new Map<string, Uint8Array>();
  const put = (bytes: Uint8Array, mediaType: string) => {
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value), "utf8");
  const rootfs = { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) };
  const manifest = put(
    json({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: put(json({ ...config, rootfs }), mediaTypes.ociConfig),
      layers: layers.map(({ bytes, mediaType }) => put(bytes, mediaType)),
    }),
    mediaTypes.ociManifest,
  );
  return { blobs, tags: new Map([[tag, manifest.digest]]) };
}
