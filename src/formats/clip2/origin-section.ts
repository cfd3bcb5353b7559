import { parseDigest } from "../oci/digest.ts";
import { corruptArchive } from "./corrupt.ts";

const fileKinds = ["oci-layout", "oci-archive", "docker-archive"] as const;

/** Where the layers are; src/stores/origin.ts knows what to do with it. */
export type RecordedOrigin =
  | { readonly kind: "registry"; readonly reference: string; readonly insecure?: boolean }
  | { readonly kind: (typeof fileKinds)[number]; readonly path: string; readonly tag?: string };

/** What the origin section says: JSON with sorted keys. */
export interface OriginSection {
  readonly origin: RecordedOrigin;
  /** The manifest's descriptor; its bytes are a section of their own. */
  readonly manifest: { readonly mediaType: string; readonly digest: string; readonly size: number };
  /** Program that made the archive, as "clip 0.1.0". */
  readonly indexer: string;
  /** Greatest distance between checkpoints that was asked for, bytes of output. */
  readonly checkpointBytes: number;
  /** Digest of the raw index, by which unpacked copies of it are verified. */
  readonly indexDigest: string;
}

export function encodeOriginSection(section: OriginSection): Uint8Array {
  const { origin, indexer, checkpointBytes, indexDigest } = section;
  // Annotations of the descriptor are the place's and not the image's: the same image gives the same archive.
  const { mediaType, digest, size } = section.manifest;
  const manifest = { mediaType, digest, size };
  const value = { origin, manifest, indexer, checkpointBytes, indexDigest };
  return Buffer.from(JSON.stringify(sorted(value)), "utf8");
}

/** @throws ClipError ARCHIVE_CORRUPT for anything that is not such a document. */
export function decodeOriginSection(bytes: Uint8Array): OriginSection {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    throw corruptArchive("has an origin section that is no JSON");
  }
  const root = record(value);
  const manifest = record(root.manifest);
  const digest = text(manifest.digest);
  const indexDigest = text(root.indexDigest);
  if (parseDigest(digest) === undefined) throw malformed();
  if (parseDigest(indexDigest)?.algorithm !== "sha256") throw malformed();
  return {
    origin: originSpec(record(root.origin)),
    manifest: { mediaType: text(manifest.mediaType), digest, size: count(manifest.size) },
    indexer: text(root.indexer),
    checkpointBytes: count(root.checkpointBytes),
    indexDigest,
  };
}

function originSpec(value: Record<string, unknown>): RecordedOrigin {
  if (value.kind === "registry") {
    return {
      kind: "registry",
      reference: text(value.reference),
      ...(value.insecure === true ? { insecure: true } : {}),
    };
  }
  const kind = fileKinds.find((name) => name === value.kind);
  if (kind === undefined) throw malformed();
  return {
    kind,
    path: text(value.path),
    ...(value.tag === undefined ? {} : { tag: text(value.tag) }),
  };
}

const malformed = () => corruptArchive("has an origin section of another shape");

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed();
  return value as Record<string, unknown>;
}

const maxText = 8192;

function text(value: unknown): string {
  if (typeof value !== "string" || value.length > maxText || value.includes("\0"))
    throw malformed();
  return value;
}

function count(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw malformed();
  return value;
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]),
  );
}
