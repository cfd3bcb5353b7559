import { ClipError, isClipError } from "../errors.ts";
import type { LayerTables } from "../formats/clip2/contents.ts";
import { corruptArchive } from "../formats/clip2/corrupt.ts";
import {
  decodeHead,
  headSizeOf,
  notAnArchive,
  type Section,
  sameBytes,
  sha256Of,
  truncated,
} from "../formats/clip2/head.ts";
import { decodeLayerTables } from "../formats/clip2/layer-tables.ts";
import { head, type RequiredSection } from "../formats/clip2/layout.ts";
import { decodeOriginSection, type OriginSection } from "../formats/clip2/origin-section.ts";
import { unpackSection } from "../formats/clip2/section-data.ts";
import { digestOf, verifyDigest } from "../formats/oci/digest.ts";
import { type ImageConfig, parseConfig } from "../formats/oci/image-config.ts";
import { parseManifest } from "../formats/oci/manifest.ts";
import type { LayerMap } from "../layers/layer-map.ts";
import { type ByteSource, digestOfRange, openFileSource } from "./byte-source.ts";
import { detectFormat } from "./detect.ts";

/** Head, table and small sections of most archives are within this; one read (later: one request) gets them. */
const firstReadBytes = 256 * 1024;

/** A layer of an archive: its map, and what else `inspect` shows. */
export interface ArchiveLayer extends LayerMap {
  readonly frames: number;
  readonly windowSize: Float64Array;
}

/** An opened archive. Everything in it has been verified by digest, or is when it is asked for. */
export interface Archive extends OriginSection {
  readonly name: string;
  readonly size: number;
  /**
   * "sha256:…" of head and section table, which hold the digests of everything else (of windows, through the
   * checkpoints): it names exactly one content, and is there without reading the whole file.
   */
  readonly id: string;
  readonly sections: readonly Section[];
  readonly manifestBytes: Uint8Array;
  readonly configBytes: Uint8Array;
  readonly config: ImageConfig;
  readonly layers: readonly ArchiveLayer[];
  /** The table of the index's virtual device, as it is stored. */
  readonly virtual: Uint8Array;
  /** The EROFS image, unpacked and verified. */
  index(): Promise<Uint8Array>;
  /** Reads a section whole, a piece at a time. @throws ClipError ARCHIVE_CORRUPT where it has another digest. */
  verifySection(section: Section): Promise<void>;
  /** "sha256:…" of the whole file, which is read for it. */
  fileDigest(): Promise<string>;
  close(): Promise<void>;
}

/**
 * Opens an archive and reads all of it but index and windows.
 * @throws ClipError NOT_AN_ARCHIVE, ARCHIVE_TRUNCATED, ARCHIVE_CORRUPT, ARCHIVE_VERSION, UNSUPPORTED, FILE_NOT_FOUND.
 */
export async function openArchive(path: string): Promise<Archive> {
  const source = await openFileSource(path);
  try {
    return await readArchive(source);
  } catch (error) {
    await source.close();
    throw isClipError(error) ? named(error, source.name) : error;
  }
}

/** Reads an archive out of any source; the archive closes it. */
export async function readArchive(source: ByteSource): Promise<Archive> {
  const first = await source.read(0, Math.min(source.size, firstReadBytes));
  checkFormat(first);
  const sections = decodeHead(first, source.size);
  const find = (name: RequiredSection): Section =>
    sections.find((section) => section.name === name)!;
  const unpack = async (name: RequiredSection): Promise<Uint8Array> => {
    const section = find(name);
    const { offset, storedSize } = section;
    const isHere = offset + storedSize <= first.length;
    const stored = isHere
      ? first.subarray(offset, offset + storedSize)
      : await source.read(offset, storedSize);
    return unpackSection(section, stored);
  };
  const origin = decodeOriginSection(await unpack("origin"));
  const manifestBytes = await unpack("manifest");
  const configBytes = await unpack("config");
  verifyDigest(manifestBytes, origin.manifest.digest, "the manifest in the archive");
  const manifest = parseManifest(manifestBytes, "the manifest in the archive");
  verifyDigest(configBytes, manifest.config.digest, "the image config in the archive");
  const windows = find("windows");
  const tables = decodeLayerTables(
    {
      layers: await unpack("layers"),
      checkpoints: await unpack("checkpoints"),
      granules: await unpack("granules"),
      windowsSize: windows.storedSize,
    },
    manifest,
  );
  return {
    ...origin,
    name: source.name,
    size: source.size,
    id: digestOf(first.subarray(0, headSizeOf(first, source.size))),
    sections,
    manifestBytes,
    configBytes,
    config: parseConfig(configBytes, "the image config in the archive"),
    layers: tables.map((layer) => withWindows(layer, source, windows)),
    virtual: await unpack("virtual"),
    index: () => naming(source.name, async () => verifiedIndex(await unpack("index"), origin)),
    verifySection: async (section) => {
      const digest = await digestOfRange(source, section.offset, section.storedSize);
      if (sameBytes(digest, section.sha256)) return;
      throw corruptArchive(`has a section "${section.name ?? section.kind}" that was altered`);
    },
    fileDigest: async () =>
      `sha256:${Buffer.from(await digestOfRange(source, 0, source.size)).toString("hex")}`,
    close: () => source.close(),
  };
}

function verifiedIndex(index: Uint8Array, { indexDigest }: OriginSection): Uint8Array {
  if (digestOf(index) === indexDigest) return index;
  throw corruptArchive("has another index than its origin section says");
}

/** @throws ClipError for what is no archive of container format 2, or too little of one to tell. */
function checkFormat(first: Uint8Array): void {
  const format = detectFormat(first);
  if (format === "unknown") throw notAnArchive();
  if (format === "format1") {
    throw new ClipError(
      "UNSUPPORTED",
      "this is an archive of container format 1 (of the Go clip library), which this version of clip does not read yet; build the image again with clip build",
    );
  }
  if (first.length < head.size) throw truncated(first.length, head.size);
}

const nothing = new Uint8Array(0);

function withWindows(layer: LayerTables, source: ByteSource, windows: Section): ArchiveLayer {
  const read = async (checkpoint: number): Promise<Uint8Array> => {
    const size = layer.windowSize[checkpoint];
    if (size === undefined) {
      throw new RangeError(`layer ${layer.digest} has no checkpoint ${checkpoint}`);
    }
    if (size === 0) return nothing;
    const bytes = await source.read(windows.offset + layer.windowAt[checkpoint]!, size);
    const expected = layer.windowSha256.subarray(checkpoint * 32, checkpoint * 32 + 32);
    if (sameBytes(sha256Of(bytes), expected)) return bytes;
    throw corruptArchive(
      `has a window of checkpoint ${checkpoint} in layer ${layer.digest} that was altered`,
    );
  };
  return { ...layer, window: (checkpoint) => naming(source.name, () => read(checkpoint)) };
}

/** Says which file an error is about. */
async function naming<T>(name: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw isClipError(error) ? named(error, name) : error;
  }
}

function named(error: ClipError, name: string): ClipError {
  if (error.message.includes(name)) return error;
  const data = { ...error.data, archive: name };
  return new ClipError(error.code, `${name}: ${error.message}`, data, { cause: error.cause });
}
