import type { InodeFields } from "../formats/erofs/inode.ts";

/**
 * What a server needs to know of the tree. `ErofsImage` is one. Methods throw ClipErrors where the tree is damaged or
 * has no inode of that nid and type; views that they return are copied before anything else is called.
 */
export interface MetadataIndex {
  /** nid of the root directory, and the number of inodes. */
  readonly root: number;
  readonly inodes: number;
  /** Blocks of 512 bytes of each layer. */
  readonly deviceBlocks: readonly number[];
  inode(nid: number, into: InodeFields): void;
  /** The nid of the entry `name`, 0 where there is none. */
  lookup(parent: number, name: Uint8Array): number;
  /** Visits entries with their nid, type (FT_*) and the cookie to go on with, until `visit` says false. */
  readdir(
    nid: number,
    cookie: number,
    visit: (name: Uint8Array, nid: number, type: number, nextCookie: number) => boolean,
  ): void;
  readlink(nid: number): Uint8Array;
  xattrs(nid: number): Iterable<readonly [name: Uint8Array, value: Uint8Array]>;
  xattr(nid: number, name: Uint8Array): Uint8Array | undefined;
  /** Blocks of 512 bytes that are no holes. */
  allocatedBlocks(nid: number): number;
  /** Where data, or a hole, begins at or after `offset`; -1 stands for ENXIO. */
  seek(nid: number, offset: number, want: "data" | "hole"): number;
}

/** The kernel's node id of the root (FUSE_ROOT_ID). Every other node id is the nid: nids 0 and 1 are never used. */
const rootNode = 1;

export const nidOfNode = (index: MetadataIndex, node: number): number =>
  node === rootNode ? index.root : node;

export const nodeOfNid = (index: MetadataIndex, nid: number): number =>
  nid === index.root ? rootNode : nid;
