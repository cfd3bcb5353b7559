import { objectAt, parseJsonObject, stringAt } from "../oci/json.ts";
import { descriptorAt } from "../oci/descriptor.ts";
import type { About } from "./contents.ts";
import { corrupt } from "./failures.ts";

/** Section `origin`: JSON with sorted keys and no spaces, so that equal values are equal bytes. */

const where = "section origin";

export interface OriginSection extends About {
  /** Digest of the raw index: a decompressed copy in a cache is verified by it. */
  readonly indexDigest: string;
}

export function encodeOrigin(about: OriginSection): Uint8Array {
  const { origin, manifestDescriptor, checkpointBytes, indexer, indexDigest } = about;
  const { mediaType, digest, size } = manifestDescriptor;
  const manifest = { mediaType, digest, size };
  return Buffer.from(canonical({ origin, manifest, checkpointBytes, indexer, index: indexDigest }));
}

/** @throws ClipError ARCHIVE_CORRUPT. */
export function decodeOrigin(bytes: Uint8Array): OriginSection {
  try {
    const object = parseJsonObject(bytes, where);
    const { mediaType, digest, size } = descriptorAt(object.manifest, `${where}: manifest`);
    const checkpointBytes = object.checkpointBytes;
    if (typeof checkpointBytes !== "number" || !(checkpointBytes > 0)) {
      throw corrupt("its checkpoint distance is no length");
    }
    return {
      origin: objectAt(object.origin, `${where}: origin`),
      manifestDescriptor: { mediaType, digest, size },
      checkpointBytes,
      indexer: stringAt(object.indexer, `${where}: indexer`),
      indexDigest: stringAt(object.index, `${where}: index`),
    };
  } catch (error) {
    throw corrupt(error instanceof Error ? error.message : "section origin cannot be read", error);
  }
}

/** JSON with the keys of every object in the order of their UTF-16 units (as RFC 8785 has it). */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`);
  return `{${members.join(",")}}`;
}
