import { readFileSync } from "node:fs";
import { join } from "node:path";
import { toClipError } from "../errors.ts";
import { parseDigest } from "../formats/oci/digest.ts";
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
export function createSource(layout: string | ImageBlobs): ServerSource {
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
  const tags = tagsOf(layout);
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
function tagsOf(layout: string): ReadonlyMap<string, string> {
  const path = join(layout, "index.json");
  const { manifests } = parseIndex(indexBytes(path), path);
  const tags = new Map<string, string>();
  for (const { digest, annotations } of manifests) {
    const tag = annotations?.["org.opencontainers.image.ref.name"];
    if (tag !== undefined) tags.set(tag, digest);
  }
  const [only] = manifests;
  if (only && manifests.length === 1 && !tags.has("latest")) tags.set("latest", only.digest);
  return tags;
}

function indexBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw toClipError(error, `serving an OCI layout: ${path}`);
  }
}
