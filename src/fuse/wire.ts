import { struct } from "../formats/fields.ts";

/**
 * Messages between the kernel and a FUSE server, from linux/include/uapi/linux/fuse.h (protocol 7.41). They are in
 * the byte order of the machine, which is little-endian on everything that this runs on.
 */

export const inHeader = struct("fuse_in_header", 40, {
  length: "u32",
  opcode: "u32",
  unique: "u64",
  node: "u64",
  uid: "u32",
  gid: "u32",
  pid: "u32",
  extensions: "u16",
  padding: "u16",
});

export const outHeader = struct("fuse_out_header", 16, {
  length: "u32",
  error: "i32",
  unique: "u64",
});

export const initIn = struct("fuse_init_in", 64, {
  major: "u32",
  minor: "u32",
  maxReadahead: "u32",
  flags: "u32",
  flags2: "u32",
  unused: { bytes: 44 },
});

export const initOut = struct("fuse_init_out", 64, {
  major: "u32",
  minor: "u32",
  maxReadahead: "u32",
  flags: "u32",
  maxBackground: "u16",
  congestionThreshold: "u16",
  maxWrite: "u32",
  timeGranularity: "u32",
  maxPages: "u16",
  mapAlignment: "u16",
  flags2: "u32",
  maxStackDepth: "u32",
  unused: { bytes: 24 },
});

const attributes = {
  ino: "u64",
  size: "u64",
  blocks: "u64",
  atime: "i64",
  mtime: "i64",
  ctime: "i64",
  atimeNs: "u32",
  mtimeNs: "u32",
  ctimeNs: "u32",
  mode: "u32",
  nlink: "u32",
  uid: "u32",
  gid: "u32",
  rdev: "u32",
  blockSize: "u32",
  flags: "u32",
} as const;

export const attr = struct("fuse_attr", 88, attributes);

/** `attr` follows the other fields. */
export const entryOut = struct("fuse_entry_out", 128, {
  node: "u64",
  generation: "u64",
  entryValid: "u64",
  attrValid: "u64",
  entryValidNs: "u32",
  attrValidNs: "u32",
  ...attributes,
});

export const attrOut = struct("fuse_attr_out", 104, {
  attrValid: "u64",
  attrValidNs: "u32",
  padding: "u32",
  ...attributes,
});

/** The name follows, and padding up to a multiple of 8. */
export const dirent = struct("fuse_dirent", 24, {
  ino: "u64",
  cookie: "u64",
  nameLength: "u32",
  type: "u32",
});

export const readIn = struct("fuse_read_in", 40, {
  handle: "u64",
  offset: "u64",
  size: "u32",
  readFlags: "u32",
  lockOwner: "u64",
  flags: "u32",
  padding: "u32",
});

/** The attribute's name follows where one is asked for. */
export const getxattrIn = struct("fuse_getxattr_in", 8, { size: "u32", padding: "u32" });
export const getxattrOut = struct("fuse_getxattr_out", 8, { size: "u32", padding: "u32" });

export const lseekIn = struct("fuse_lseek_in", 24, {
  handle: "u64",
  offset: "u64",
  whence: "u32",
  padding: "u32",
});
export const lseekOut = struct("fuse_lseek_out", 8, { offset: "u64" });

export const statfsOut = struct("fuse_kstatfs", 80, {
  blocks: "u64",
  blocksFree: "u64",
  blocksAvailable: "u64",
  files: "u64",
  filesFree: "u64",
  blockSize: "u32",
  nameLength: "u32",
  fragmentSize: "u32",
  padding: "u32",
  spare: { bytes: 24 },
});

export const interruptIn = struct("fuse_interrupt_in", 8, { unique: "u64" });
export const getattrIn = struct("fuse_getattr_in", 16, {
  flags: "u32",
  padding: "u32",
  handle: "u64",
});
export const forgetIn = struct("fuse_forget_in", 8, { lookups: "u64" });
export const batchForgetIn = struct("fuse_batch_forget_in", 8, { count: "u32", padding: "u32" });
