import { join } from "node:path";
import { ClipError } from "../errors.ts";
import { digestOf, parseDigest } from "../formats/oci/digest.ts";
import { parseIndex } from "../formats/oci/image-index.ts";
import { mediaTypes } from "../formats/oci/media-types.ts";

/** Images in memory. */
export interface ImageBlobs {
  /** Bytes by digest: layers, configurations, manifests, indexes. */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
  /** Digests of manifests by tag. */
  readonly tags: ReadonlyMap<string, string>;
}

/** Where the registry server finds what it serves. */
export interface ServerSource {
  /** The digest that a tag, or a digest, stands for. */
  digestOf(reference: string): string | undefined;
  blob(digest: string): Promise<Blob | undefined>;
  /** The media type of a manifest or index, out of its JSON. */
  mediaTypeOf(manifest: Blob): Promise<string>;
}

const mediaTypeOf = async (manifest: Blob): Promise<string> => {
  const { mediaType, manifests } = await manifest.json();
  return mediaType ?? (manifests ? mediaTypes.ociIndex : mediaTypes.ociManifest);
};

/** Reads a layout's index once; its blobs when they are asked for. */
export async function createSource(layout: string | ImageBlobs): Promise<ServerSource> {
  if (typeof layout !== "string") {
    return {
      digestOf: (reference) => (parseDigest(reference) ? reference : layout.tags.get(reference)),
      blob: async (digest) => {
        const bytes = layout.blobs.get(digest);
        return bytes && new Blob([bytes as Uint8Array<ArrayBuffer>]);
      },
      mediaTypeOf,
    };
  }
  const tags = await tagsOf(layout);
  return {
    digestOf: (reference) => (parseDigest(reference) ? reference : tags.get(reference)),
    async blob(digest) {
      const parsed = parseDigest(digest);
      if (parsed === undefined) return undefined;
      const file = Bun.file(join(layout, "blobs", parsed.algorithm, parsed.hex));
      return (await file.exists()) ? file : undefined;
    },
    mediaTypeOf,
  };
}

/** The tags of a layout; an image without one is "latest" when it is the only one. */
async function tagsOf(layout: string): Promise<ReadonlyMap<string, string>> {
  const path = join(layout, "index.json");
  const file = Bun.file(path);
  if (!(await file.exists())) {
    throw new ClipError("FILE_NOT_FOUND", `${path} does not exist: ${layout} is no OCI layout`);
  }
  const { manifests } = parseIndex(new Uint8Array(await file.arrayBuffer()), path);
  const tags = new Map<string, string>();
  for (const { digest, annotations } of manifests) {
    const tag = annotations?.["org.opencontainers.image.ref.name"];
    if (tag !== undefined) tags.set(tag, digest);
  }
  const [only] = manifests;
  if (only && manifests.length === 1 && !tags.has("latest")) tags.set("latest", only.digest);
  return tags;
}

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
