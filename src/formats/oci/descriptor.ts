import { parseDigest } from "./digest.ts";
import { corrupt, objectAt, optionalStringAt, stringAt, stringMapAt } from "./json.ts";
import { type Platform, platformAt } from "./platform.ts";

/** A descriptor of the OCI image spec (descriptor.md), with what an index adds to it (image-index.md). */
export interface OciDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
}

/** Type and subtype of RFC 6838, section 4.2. */
const mediaTypePattern = /^[A-Za-z0-9][\w!#$&^.+-]{0,126}\/[A-Za-z0-9][\w!#$&^.+-]{0,126}$/;

/** Reads one descriptor. @throws ClipError MANIFEST_CORRUPT, naming `where`. */
export function descriptorAt(value: unknown, where: string): OciDescriptor {
  const object = objectAt(value, where);
  const mediaType = stringAt(object.mediaType, `${where}.mediaType`);
  if (!mediaTypePattern.test(mediaType)) {
    throw corrupt(`${where}.mediaType`, `is ${shown(mediaType)}, which is no media type`);
  }
  const digest = stringAt(object.digest, `${where}.digest`);
  if (parseDigest(digest) === undefined) {
    throw corrupt(`${where}.digest`, `is ${shown(digest)}, which is no sha256 or sha512 digest`);
  }
  const size = object.size;
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw corrupt(`${where}.size`, `is ${shown(size)}, which is no length`);
  }
  const annotations = stringMapAt(object.annotations, `${where}.annotations`);
  const platform = platformAt(object.platform, `${where}.platform`);
  return {
    mediaType,
    digest,
    size,
    ...(annotations && { annotations }),
    ...(platform && { platform }),
  };
}

/** For messages: JSON of a value from outside, cut short. */
export const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "missing";
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
};

/** Reads an optional mediaType field of a document. */
export const mediaTypeAt = (value: unknown, where: string): string | undefined =>
  optionalStringAt(value, `${where}.mediaType`);
