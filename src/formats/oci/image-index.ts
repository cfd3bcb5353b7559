import { ClipError } from "../../errors.ts";
import { descriptorAt, mediaTypeAt, type OciDescriptor, shown } from "./descriptor.ts";
import { arrayAt, corrupt, parseJsonObject } from "./json.ts";
import { isIndexType, isManifestType } from "./media-types.ts";
import { formatPlatform, type Platform, platformFit } from "./platform.ts";

/** An image index (image-index.md) or a Docker manifest list. */
export interface ImageIndex {
  readonly manifests: readonly OciDescriptor[];
}

const maxManifests = 10_000;

/**
 * Reads an index. `what` names it in messages.
 * @throws ClipError MANIFEST_CORRUPT.
 */
export function parseIndex(bytes: Uint8Array, what: string): ImageIndex {
  const where = `the image index ${what}`;
  const object = parseJsonObject(bytes, where);
  if (object.schemaVersion !== 2) {
    throw corrupt(where, `has schemaVersion ${shown(object.schemaVersion)} instead of 2`);
  }
  const mediaType = mediaTypeAt(object.mediaType, where);
  if (mediaType !== undefined && !isIndexType(mediaType)) {
    throw corrupt(where, `says that it is ${shown(mediaType)}`);
  }
  // A document that reads as index and as manifest shows different images to different readers (CVE-2021-41190).
  if (object.layers !== undefined || object.config !== undefined) {
    throw corrupt(where, "is an index and a manifest at once");
  }
  const manifests = arrayAt(object.manifests, `${where}: manifests`, maxManifests);
  return { manifests: manifests.map((item, i) => descriptorAt(item, `${where}: manifests[${i}]`)) };
}

/** Whether an entry describes an image; attestations hang on `unknown/unknown` (buildkit's attestation storage). */
const isImage = ({ mediaType, platform, annotations }: OciDescriptor): boolean =>
  (isManifestType(mediaType) || isIndexType(mediaType)) &&
  !(platform?.os === "unknown" && platform.architecture === "unknown") &&
  annotations?.["vnd.docker.reference.type"] !== "attestation-manifest";

/**
 * The entries of an index to try for `wanted`, best first: the image for that platform (the first of equals, as the
 * image spec asks), then what does not say its platform and has to be looked into. `what` names the index.
 * @throws ClipError PLATFORM_NOT_FOUND, listing what there is.
 */
export function candidatesFor(
  index: ImageIndex,
  wanted: Platform,
  what: string,
): readonly OciDescriptor[] {
  const images = index.manifests.filter(isImage);
  const fitting = images
    .map((descriptor) => ({ descriptor, fit: fitOf(descriptor, wanted) }))
    .filter(({ fit }) => fit > 0)
    .sort((a, b) => b.fit - a.fit)
    .map(({ descriptor }) => descriptor);
  if (fitting.length > 0) return fitting;
  throw platformNotFound(
    what,
    wanted,
    images.flatMap(({ platform }) => (platform ? [platform] : [])),
  );
}

/** An entry without a platform may turn out to fit, so it comes after all that surely fit. */
const fitOf = ({ platform }: OciDescriptor, wanted: Platform): number =>
  platform === undefined ? 1 : platformFit(wanted, platform);

/** The error for an image that is not there for a platform. */
export function platformNotFound(
  what: string,
  wanted: Platform,
  offered: readonly Platform[],
): ClipError {
  const names = [...new Set(offered.map(formatPlatform))];
  const list = names.length > 30 ? [...names.slice(0, 30), "…"] : names;
  const there =
    list.length === 0 ? "no image at all" : `${list.join(", ")}; choose one with --platform`;
  return new ClipError(
    "PLATFORM_NOT_FOUND",
    `${what} has no image for ${formatPlatform(wanted)}; it has ${there}`,
    { platform: formatPlatform(wanted), offered: list.join(",") },
  );
}
