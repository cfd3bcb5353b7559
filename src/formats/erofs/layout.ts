import { struct } from "../fields.ts";

/**
 * The part of EROFS that is used, after linux/fs/erofs/erofs_fs.h: 512-byte blocks, extended inodes, flat and
 * chunk-based data, extra devices, inline xattrs. An image holds metadata only.
 */

/** 512 bytes, the unit of tars, so that every file's data in a tar starts at a block. */
export const blockBits = 9;
export const blockSize = 1 << blockBits;

export const superOffset = 1024;
export const superMagic = 0xe0f5e1e2;

/** Superblock without extension slots. */
export const superblock = struct("EROFS superblock", 128, {
  magic: "u32",
  checksum: "u32",
  featureCompat: "u32",
  blockBits: "u8",
  extensionSlots: "u8",
  rootNid: "u16",
  inodes: "u64",
  epoch: "i64",
  fixedNanoseconds: "u32",
  blocks: "u32",
  metaBlock: "u32",
  xattrBlock: "u32",
  uuid: { bytes: 16 },
  volumeName: { bytes: 16 },
  featureIncompat: "u32",
  compression: "u16",
  extraDevices: "u16",
  deviceSlotOffset: "u16",
  dirBlockBits: "u8",
  xattrPrefixCount: "u8",
  xattrPrefixStart: "u32",
  packedNid: "u64",
  xattrFilterReserved: "u8",
  reserved: { bytes: 23 },
});

/** Inode times are times of modification. */
export const featureCompatMtime = 0x2;
/** Chunk-based files and a device table: exactly these, and no others, are asked of whoever mounts an image. */
export const featureIncompat = 0x4 | 0x8;

export const deviceSlot = struct("EROFS device slot", 128, {
  tag: { bytes: 64 },
  blocks: "u32",
  uniformAddress: "u32",
  blocksHigh: "u32",
  uniformAddressHigh: "u16",
  reserved: { bytes: 50 },
});

/** Tag of the last device where it is the virtual one. */
export const virtualTag = "clip-virtual";

/** A nid counts slots of 32 bytes from the metadata area's first block. */
export const slotSize = 32;

export const inodeExtended = struct("EROFS inode", 64, {
  format: "u16",
  xattrCount: "u16",
  mode: "u16",
  highBits: "u16",
  size: "u64",
  /** Start block of flat data, `rdev` of devices, chunk format of chunk-based files. */
  detail: "u32",
  ino: "u32",
  uid: "u32",
  gid: "u32",
  mtime: "i64",
  mtimeNs: "u32",
  nlink: "u32",
  reserved: { bytes: 16 },
});

/** Layouts of an inode's data: in blocks of its own, with the last part behind the inode, or by chunk indexes. */
export const layouts = { plain: 0, inline: 2, chunks: 4 } as const;

/** The format field of an extended inode with the given data layout. */
export const formatOf = (layout: number): number => 1 | (layout << 1);

/** Chunk format: log2 of blocks per chunk in the low bits, and "indexes of 8 bytes". */
export const chunkIndexes = 0x20;
export const maxChunkBits = 31;

export const chunkIndex = struct("EROFS chunk index", 8, {
  startBlockHigh: "u16",
  device: "u16",
  startBlock: "u32",
});

/** Start block of a hole. */
export const nullBlock = 0xffff_ffff;

/** More indexes than this a file never has: the chunk size is chosen accordingly. */
export const maxChunks = 65_535;

export const dirent = struct("EROFS directory entry", 12, {
  nid: "u64",
  nameOffset: "u16",
  type: "u8",
  reserved: "u8",
});

export const maxNameBytes = 255;
/** Linux refuses longer targets of symbolic links (PATH_MAX with its NUL). */
export const maxLinkBytes = 4095;

export const xattrHeader = struct("EROFS xattr header", 12, {
  nameFilter: "u32",
  sharedCount: "u8",
  reserved: { bytes: 7 },
});

export const xattrEntry = struct("EROFS xattr entry", 4, {
  nameLength: "u8",
  prefix: "u8",
  valueSize: "u16",
});

/** Names that an entry's prefix number stands for; the two of access control lists have nothing after them. */
export const xattrPrefixes: Readonly<Record<number, string>> = {
  1: "user.",
  2: "system.posix_acl_access",
  3: "system.posix_acl_default",
  4: "trusted.",
  6: "security.",
};

/** File types of directory entries, FT_* of linux/fs_types.h, and S_IFMT bits of modes, by name. */
export const fileTypes = {
  file: { entry: 1, mode: 0o100000 },
  dir: { entry: 2, mode: 0o040000 },
  char: { entry: 3, mode: 0o020000 },
  block: { entry: 4, mode: 0o060000 },
  fifo: { entry: 5, mode: 0o010000 },
  socket: { entry: 6, mode: 0o140000 },
  symlink: { entry: 7, mode: 0o120000 },
} as const;

export const typeMask = 0o170000;

/** Entry type by the mode's type bits shifted right by 12; 0 where there is no such type. */
export const entryTypeOfMode: Uint8Array = (() => {
  const table = new Uint8Array(16);
  for (const { entry, mode } of Object.values(fileTypes)) table[mode >> 12] = entry;
  return table;
})();

/** A device number as Linux encodes it in 32 bits (new_encode_dev of linux/kdev_t.h): 12 bits major, 20 minor. */
export const encodeDevice = (major: number, minor: number): number =>
  ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;

export const maxMajor = 0xfff;
export const maxMinor = 0xf_ffff;

export const majorOf = (device: number): number => (device >>> 8) & 0xfff;
export const minorOf = (device: number): number => (device & 0xff) | ((device >>> 12) & 0xfff00);
