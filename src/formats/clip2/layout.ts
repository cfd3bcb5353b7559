import { struct } from "../fields.ts";

/** Container format 2, declared once. docs/format.md describes it; a test compares the two. */

/**
 * Binary-safe as PNG's magic is (PNG spec, 5.2): a byte with the high bit, the name, CR LF, Ctrl-Z, so that text modes
 * and seven-bit links are noticed.
 */
export const magic = Uint8Array.of(0x89, 0x43, 0x4c, 0x50, 0x32, 0x0d, 0x0a, 0x1a);

export const formatVersion = 2;
export const clipVersion = 2;

export const head = struct("head", 64, {
  magic: { bytes: 8 },
  formatVersion: "u16",
  clipVersion: "u16",
  sectionCount: "u32",
  fileSize: "u64",
  tableSha256: { bytes: 32 },
  reserved: { bytes: 8 },
});

export const tableEntry = struct("section table entry", 64, {
  kind: "u16",
  codec: "u8",
  flags: "u8",
  reserved: "u32",
  offset: "u64",
  storedSize: "u64",
  rawSize: "u64",
  sha256: { bytes: 32 },
});

export const layerRow = struct("layer", 96, {
  digest: { bytes: 32 },
  diffId: { bytes: 32 },
  size: "u64",
  tarSize: "u64",
  checkpoints: "u32",
  granules: "u32",
  frames: "u32",
  codec: "u8",
  reserved: { bytes: 3 },
});

/** Section kinds by number, in the order in which they lie in a file. Numbers are never used again. */
export const sectionKinds = {
  origin: 1,
  manifest: 2,
  config: 3,
  layers: 4,
  checkpoints: 5,
  granules: 6,
  virtual: 7,
  index: 8,
  windows: 9,
  /** Recorded runs: what to fetch first. Named here, not written yet. */
  accessLists: 10,
} as const;

export type SectionName = keyof typeof sectionKinds;

/** Sections that every archive has. */
export const requiredSections = [
  "origin",
  "manifest",
  "config",
  "layers",
  "checkpoints",
  "granules",
  "virtual",
  "index",
  "windows",
] as const satisfies SectionName[];

export type RequiredSection = (typeof requiredSections)[number];

export const sectionCodecs = ["stored", "zstd"] as const;
export type SectionCodec = (typeof sectionCodecs)[number];

/** A reader that does not know a section's kind skips it when this flag is set, and refuses the file otherwise. */
export const skippable = 1;

/** Layer codecs and checkpoint kinds by their numbers. */
export const layerCodecs = ["tar", "gzip", "zstd"] as const;
export const checkpointKinds = ["start", "block", "inside"] as const;

/** Compressed bytes of a span are verified in pieces of this size, counted from its checkpoint. */
export const granuleSize = 64 * 1024;

const mebi = 1024 * 1024;

/** What a reader refuses before it allocates: greatest raw size of each section, and numbers of things. */
export const limits = {
  sections: 64,
  layers: 1000,
  fileSize: 4096 * mebi,
  rawSize: {
    origin: mebi,
    manifest: 4 * mebi,
    config: 4 * mebi,
    layers: mebi,
    checkpoints: 64 * mebi,
    granules: 256 * mebi,
    virtual: 64 * mebi,
    index: 1024 * mebi,
    windows: 4096 * mebi,
    accessLists: 64 * mebi,
  } satisfies Record<SectionName, number>,
  /** A layer and its tar are shorter (design D1); so is every bit offset below 2^53. */
  layerSize: 2 ** 41,
  /** A window: at most 32 KiB and a block's header; zstd adds a little to what it cannot pack. */
  windowSize: 40 * 1024,
  /** zstd never reaches this ratio on what clip writes, except on emptiness, which the constant covers. */
  expansion: 2000,
  expansionFree: 4 * mebi,
} as const;
