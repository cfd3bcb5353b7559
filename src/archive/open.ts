import { ClipError, isClipError } from "../errors.ts";
import { corruptArchive } from "../formats/clip2/corrupt.ts";
import {
  decodeHead,
  headSizeOf,
  type Section,
  sameBytes,
  sha256Of,
} from "../formats/clip2/head.ts";
import { decodeLayerTables, type LayerTables } from "../formats/clip2/layer-tables.ts";
import { head, requiredSections, type SectionName } from "../formats/clip2/layout.ts";
import { decodeOriginSection, type OriginSection } from "../formats/clip2/origin-section.ts";
import { unpackSection } from "../formats/clip2/section-data.ts";
import { verifyDigest } from "../formats/oci/digest.ts";
import { type ImageConfig, parseConfig } from "../formats/oci/image-config.ts";
import { parseManifest } from "../formats/oci/manifest.ts";
import type { LayerMap } from "../layers/layer-map.ts";
import { type ByteSource, openFileSource } from "./byte-source.ts";
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
  /** sha256 (hex) of the stored index, by which its unpacked form is cached. */
  readonly indexKey: string;
  /** The EROFS image, unpacked and verified. */
  index(): Promise<Uint8Array>;
  /** Stored bytes of a section, verified. */
  stored(section: Section): Promise<Uint8Array>;
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
  if (detectFormat(first) === "format1") {
    throw new ClipError(
      "UNSUPPORTED",
      "this is an archive of container format 1 (of the Go clip library), which this version of clip does not read yet; build the image again with clip build",
    );
  }
  const headSize = first.length < head.size ? head.size : headSizeOf(first, source.size);
  const sections = decodeHead(first, source.size);
  const bytesOf = async (section: Section) => {
    const end = section.offset + section.storedSize;
    if (end <= first.length) return first.subarray(section.offset, end);
    return source.read(section.offset, section.storedSize);
  };
  const find = (name: SectionName): Section => {
    const section = sections.find((candidate) => candidate.name === name);
    if (section === undefined) throw corruptArchive(`has no section "${name}"`);
    return section;
  };
  for (const name of requiredSections) find(name);
  const unpack = async (name: SectionName) => unpackSection(find(name), await bytesOf(find(name)));
  const origin = decodeOriginSection(await unpack("origin"));
  const manifestBytes = await unpack("manifest");
  const configBytes = await unpack("config");
  verifyDigest(manifestBytes, origin.manifest.digest, "the manifest in the archive");
  const manifest = parseManifest(manifestBytes, "the manifest in the archive");
  verifyDigest(configBytes, manifest.config.digest, "the image config in the archive");
  const windows = find("windows");
  if (windows.codec !== "stored") throw corruptArchive("has windows that were compressed together");
  const tables = decodeLayerTables(
    {
      layers: await unpack("layers"),
      checkpoints: await unpack("checkpoints"),
      granules: await unpack("granules"),
    },
    windows.rawSize,
    manifest,
  );
  const index = find("index");
  return {
    ...origin,
    name: source.name,
    size: source.size,
    id: `sha256:${Buffer.from(sha256Of(first.subarray(0, headSize))).toString("hex")}`,
    sections,
    manifestBytes,
    configBytes,
    config: parseConfig(configBytes, "the image config in the archive"),
    layers: tables.map((layer) => withWindows(layer, source, windows)),
    virtual: await unpack("virtual"),
    indexKey: Buffer.from(index.sha256).toString("hex"),
    index: () => unpack("index"),
    stored: async (section) => {
      const bytes = await bytesOf(section);
      if (!sameBytes(sha256Of(bytes), section.sha256)) {
        throw corruptArchive(`has a section "${section.name ?? section.kind}" that was altered`);
      }
      return bytes;
    },
    close: () => source.close(),
  };
}

const nothing = new Uint8Array(0);

function withWindows(layer: LayerTables, source: ByteSource, windows: Section): ArchiveLayer {
  return {
    ...layer,
    async window(checkpoint) {
      const size = layer.windowSize[checkpoint];
      if (size === undefined)
        throw new RangeError(`layer ${layer.digest} has no checkpoint ${checkpoint}`);
      if (size === 0) return nothing;
      const bytes = await source.read(windows.offset + layer.windowAt[checkpoint]!, size);
      if (
        !sameBytes(
          sha256Of(bytes),
          layer.windowSha256.subarray(checkpoint * 32, checkpoint * 32 + 32),
        )
      ) {
        throw corruptArchive(
          `has a window of checkpoint ${checkpoint} in layer ${layer.digest} that was altered`,
        );
      }
      return bytes;
    },
  };
}

/** Says which file an error is about. */
function named(error: ClipError, name: string): ClipError {
  if (error.message.includes(name)) return error;
  return new ClipError(
    error.code,
    `${name}: ${error.message}`,
    { ...error.data, archive: name },
    { cause: error.cause },
  );
}
