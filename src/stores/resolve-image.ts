import { ClipError, isClipError } from "../errors.ts";
import type { OciDescriptor } from "../formats/oci/descriptor.ts";
import { parseConfig } from "../formats/oci/image-config.ts";
import { candidatesFor, parseIndex, platformNotFound } from "../formats/oci/image-index.ts";
import { corrupt } from "../formats/oci/json.ts";
import { documentKind, type ImageManifest, parseManifest } from "../formats/oci/manifest.ts";
import {
  hostPlatform,
  type Platform,
  parsePlatform,
  platformFit,
} from "../formats/oci/platform.ts";
import type { ImageDocument, ImageReader } from "./image-reader.ts";
import { type OriginOptions, openImageReader } from "./open-origin.ts";
import type { Descriptor, OriginSpec, ResolvedImage } from "./origin.ts";

export interface ResolveOptions extends OriginOptions {
  /** `os/arch[/variant]`; without it, Linux on this machine's architecture, or the image's own if it has but one. */
  readonly platform?: string;
  readonly signal?: AbortSignal;
}

/** A manifest with its configuration. */
interface FoundImage {
  readonly document: ImageDocument;
  readonly manifest: ImageManifest;
  readonly config: Uint8Array;
}

/** Indexes are nested once or twice; more is somebody's trap. */
const maxDepth = 8;
const maxDocuments = 64;

/**
 * Finds the image that `spec` names: follows indexes to the manifest for the platform, and verifies manifest and
 * configuration. The origin is the caller's to close.
 * @throws ClipError BAD_REFERENCE, IMAGE_NOT_FOUND, PLATFORM_NOT_FOUND, MANIFEST_CORRUPT, DIGEST_MISMATCH,
 * UNSUPPORTED; errors of HTTP and files.
 */
export async function resolveImage(
  spec: OriginSpec,
  options: ResolveOptions = {},
): Promise<ResolvedImage> {
  const { platform, signal, ...originOptions } = options;
  const wanted = platform === undefined ? hostPlatform() : parsePlatform(platform);
  const reader = openImageReader(spec, originOptions);
  try {
    const root = await reader.root(signal);
    const search = createSearch(reader, wanted, signal);
    // A single image is taken as it is, unless a platform was asked for.
    const mustFit = platform !== undefined;
    const found =
      "bytes" in root
        ? await search.inDocument(root, mustFit, 0)
        : root.length === 1
          ? await search.inEntry(root[0]!, mustFit, 0)
          : await search.amongEntries(root, reader.name, 0);
    return resolved(reader, found);
  } catch (error) {
    await reader.origin.close();
    throw error;
  }
}

function createSearch(reader: ImageReader, wanted: Platform, signal: AbortSignal | undefined) {
  let documents = 0;
  const inEntry = async (
    entry: Descriptor,
    mustFit: boolean,
    depth: number,
  ): Promise<FoundImage> => {
    if (++documents > maxDocuments || depth > maxDepth) {
      const message = `${reader.name} has too many image indexes inside one another`;
      throw new ClipError("LIMIT_EXCEEDED", message, { image: reader.name });
    }
    return inDocument(await reader.document(entry, signal), mustFit, depth);
  };

  const inDocument = async (
    document: ImageDocument,
    mustFit: boolean,
    depth: number,
  ): Promise<FoundImage> => {
    const { bytes, descriptor } = document;
    const name = depth === 0 ? reader.name : `${descriptor.digest} of ${reader.name}`;
    if (documentKind(bytes, descriptor.mediaType || undefined, name) === "index") {
      return amongEntries(parseIndex(bytes, name).manifests, name, depth);
    }
    const manifest = parseManifest(bytes, name);
    const config = await reader.config(manifest.config, signal);
    const { platform } = parseConfig(config, `of ${name}`);
    if (mustFit && platform !== undefined && platformFit(wanted, platform) === 0) {
      throw platformNotFound(reader.name, wanted, [platform]);
    }
    return { document, manifest, config };
  };

  /** What says its platform is believed, what does not is looked into. */
  const amongEntries = async (
    entries: readonly OciDescriptor[],
    name: string,
    depth: number,
  ): Promise<FoundImage> => {
    let last: unknown;
    for (const entry of candidatesFor({ manifests: entries }, wanted, name)) {
      try {
        return await inEntry(entry, entry.platform === undefined, depth + 1);
      } catch (error) {
        if (!isClipError(error, "PLATFORM_NOT_FOUND", "UNSUPPORTED")) throw error;
        last = error;
      }
    }
    throw last;
  };

  return { inEntry, inDocument, amongEntries };
}

function resolved(reader: ImageReader, { document, manifest, config }: FoundImage): ResolvedImage {
  const { bytes, descriptor } = document;
  const { diffIds } = parseConfig(config, `of ${reader.name}`);
  const { layers } = manifest;
  if (diffIds.length !== layers.length) {
    const why = `has ${layers.length} layers, but its configuration has ${diffIds.length} diffIDs`;
    throw corrupt(`the manifest ${reader.name}`, why);
  }
  return {
    origin: reader.origin,
    spec: reader.pinned(descriptor.digest),
    // Without what the place adds: one image is described the same wherever it is found.
    manifestDescriptor: {
      mediaType: manifest.mediaType,
      digest: descriptor.digest,
      size: bytes.length,
    },
    manifest: bytes,
    config,
    layers,
    diffIds,
  };
}
