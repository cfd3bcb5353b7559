import { ClipError } from "../../errors.ts";
import { descriptorAt, mediaTypeAt, type OciDescriptor, shown } from "./descriptor.ts";
import { arrayAt, corrupt, type JsonObject, maxDocumentLength, parseJsonObject } from "./json.ts";
import {
  isForeignLayerType,
  isIndexType,
  isManifestType,
  isSchema1Type,
  mediaTypes,
} from "./media-types.ts";

/** An image manifest: OCI (manifest.md) or Docker V2 schema 2. Layers are in order, the base first. */
export interface ImageManifest {
  readonly mediaType: string;
  readonly config: OciDescriptor;
  readonly layers: readonly OciDescriptor[];
}

/** overlayfs and Docker stop at 128 or less; this only bounds what a hostile manifest can ask for. */
export const maxLayers = 1000;

const configTypes: readonly string[] = [mediaTypes.ociConfig, mediaTypes.dockerConfig];

/**
 * What a document is: told by its own mediaType, else by the Content-Type or descriptor that came with it, else by its
 * fields. `what` names it in messages.
 * @throws ClipError MANIFEST_CORRUPT; UNSUPPORTED for Docker's schema 1 and for what is no image.
 */
export function documentKind(
  bytes: Uint8Array,
  given: string | undefined,
  what: string,
): "index" | "manifest" {
  const where = `the manifest ${what}`;
  const object = parseJsonObject(bytes, where);
  const own = mediaTypeAt(object.mediaType, where);
  const known = (type: string | undefined): boolean =>
    type !== undefined && (isIndexType(type) || isManifestType(type) || isSchema1Type(type));
  const mediaType = own ?? (known(given) ? given! : (inferredType(object) ?? given ?? "unknown"));
  if (isSchema1Type(mediaType) || object.schemaVersion === 1) throw schema1(what);
  if (own !== undefined && known(given) && own !== given) {
    throw corrupt(where, `was announced as ${shown(given)} and says that it is ${shown(own)}`);
  }
  if (isIndexType(mediaType)) return "index";
  if (isManifestType(mediaType)) return "manifest";
  throw new ClipError(
    "UNSUPPORTED",
    `${what} is ${shown(mediaType)}, neither an image manifest nor an image index`,
    { mediaType },
  );
}

const inferredType = (object: JsonObject): string | undefined => {
  if (Array.isArray(object.manifests)) return mediaTypes.ociIndex;
  return object.config !== undefined ? mediaTypes.ociManifest : undefined;
};

const schema1 = (what: string): ClipError =>
  new ClipError(
    "UNSUPPORTED",
    `${what} is a Docker image of manifest schema 1, which was retired; ` +
      "pull and push it again with a current Docker, or convert it with `skopeo copy`",
  );

/**
 * Reads an image manifest. `what` names it in messages.
 * @throws ClipError MANIFEST_CORRUPT; UNSUPPORTED for artifacts that are no images and for foreign layers.
 */
export function parseManifest(bytes: Uint8Array, what: string): ImageManifest {
  const where = `the manifest ${what}`;
  const object = parseJsonObject(bytes, where);
  if (object.schemaVersion === 1) throw schema1(what);
  if (object.schemaVersion !== 2) {
    throw corrupt(where, `has schemaVersion ${shown(object.schemaVersion)} instead of 2`);
  }
  const mediaType = mediaTypeAt(object.mediaType, where) ?? mediaTypes.ociManifest;
  if (!isManifestType(mediaType)) throw corrupt(where, `says that it is ${shown(mediaType)}`);
  // The reverse of the check in parseIndex (CVE-2021-41190).
  if (object.manifests !== undefined) throw corrupt(where, "is a manifest and an index at once");
  const config = descriptorAt(object.config, `${where}: config`);
  if (!configTypes.includes(config.mediaType)) {
    throw new ClipError(
      "UNSUPPORTED",
      `${what} is an artifact of type ${shown(config.mediaType)}, not a container image`,
      { mediaType: config.mediaType },
    );
  }
  if (config.size > maxDocumentLength) {
    throw corrupt(
      `${where}: config`,
      `is ${config.size} bytes long, more than ${maxDocumentLength}`,
    );
  }
  const layers = arrayAt(object.layers, `${where}: layers`, maxLayers).map((item, i) =>
    layerAt(item, `${where}: layers[${i}]`, what),
  );
  return { mediaType, config, layers };
}

function layerAt(value: unknown, where: string, what: string): OciDescriptor {
  const layer = descriptorAt(value, where);
  if (isForeignLayerType(layer.mediaType)) {
    throw new ClipError(
      "UNSUPPORTED",
      `the layer ${layer.digest} of ${what} is a foreign layer, which registries do not hold; ` +
        "such images (of Windows) are not supported",
      { layer: layer.digest, mediaType: layer.mediaType },
    );
  }
  return layer;
}
