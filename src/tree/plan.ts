import { type ByteString, printable } from "../formats/bytestring.ts";
import { planChunks } from "../formats/erofs/chunks.ts";
import { directorySize } from "../formats/erofs/directory.ts";
import {
  blockSize,
  chunkIndex,
  inodeExtended,
  layouts,
  slotSize,
} from "../formats/erofs/layout.ts";
import { selectXattrs, xattrsSize } from "../formats/erofs/xattrs.ts";
import { Directory, type Leaf, type Node } from "./node.ts";

/** nids 0 and 1 stay free: 0 is "none", and node 1 is FUSE's name for the root. */
const firstNid = 2;

/** As many lost attributes are listed one by one. */
const maxListed = 200;

/** Where an inode and its data go. */
export interface Placement {
  readonly node: Node;
  readonly layout: number;
  /** Bytes of directory blocks, link target or file. */
  readonly size: number;
  readonly xattrSize: number;
  /** First of its blocks in the data area; 0 where it has none. */
  readonly block: number;
}

/** The layout of a whole image. nids are set in the nodes. */
export interface Plan {
  readonly placements: readonly Placement[];
  /** Sorted names of each directory, `.` and `..` among them. */
  readonly names: ReadonlyMap<Directory, readonly ByteString[]>;
  /** Bytes of the metadata area and blocks of the data area that follows it. */
  readonly metaBytes: number;
  readonly dataBlocks: number;
  readonly warnings: readonly string[];
}

/**
 * Decides where everything goes, in an order that the tree alone fixes: the root, then for each directory, parents
 * first, its inodes side by side in the order of their names, since they are mostly read together.
 */
export function planImage(root: Directory): Plan {
  const planner = new Planner();
  planner.place(root, root, "");
  const waiting = [root];
  for (let current = waiting.pop(); current !== undefined; current = waiting.pop()) {
    const below: Directory[] = [];
    for (const name of planner.names.get(current)!) {
      const child = name === "." || name === ".." ? undefined : current.children.get(name)!;
      if (child === undefined || child.nid !== 0) continue;
      planner.place(child, current, name);
      if (child instanceof Directory) below.push(child);
    }
    for (let i = below.length; i-- > 0; ) waiting.push(below[i]!);
  }
  return planner.finish();
}

class Planner implements Plan {
  readonly placements: Placement[] = [];
  readonly names = new Map<Directory, ByteString[]>();
  readonly warnings: string[] = [];
  metaBytes = firstNid * slotSize;
  dataBlocks = 0;
  #losses = 0;

  finish(): Plan {
    const more = this.#losses - maxListed;
    if (more > 0) this.warnings.push(`${more} more extended attributes are lost`);
    return this;
  }

  place(node: Node, parent: Directory, name: ByteString): void {
    const xattrSize = this.#chooseXattrs(node, parent, name);
    const bytes = inodeExtended.size + xattrSize;
    if (node instanceof Directory) {
      const names = [...node.children.keys(), ".", ".."].sort();
      this.names.set(node, names);
      this.#placeFlat(node, bytes, xattrSize, directorySize(names));
    } else if (node.type === "symlink") {
      this.#placeFlat(node, bytes, xattrSize, node.target.length);
    } else this.#placeLeaf(node, bytes, xattrSize);
  }

  #placeLeaf(node: Leaf, bytes: number, xattrSize: number): void {
    let layout: number = layouts.plain;
    let end = this.#assign(node) + bytes;
    if (node.size > 0) {
      layout = layouts.chunks;
      end = roundUp(end, chunkIndex.size);
      end += planChunks(node.size, node.extents).count * chunkIndex.size;
    }
    this.placements.push({ node, layout, size: node.size, xattrSize, block: 0 });
    this.metaBytes = roundUp(end, slotSize);
  }

  /**
   * A directory's or link's data: its last part goes behind the inode, where it must not cross a block, unless the
   * gap that this leaves before the inode costs more than a block of its own would.
   */
  #placeFlat(node: Node, bytes: number, xattrSize: number, size: number): void {
    const tail = size % blockSize;
    const gap = tail === 0 ? undefined : gapBefore(this.metaBytes + bytes, tail);
    const isInline = gap !== undefined && gap + tail <= blockSize;
    if (isInline) this.metaBytes += gap;
    const end = this.#assign(node) + bytes + (isInline ? tail : 0);
    const blocks = isInline ? Math.floor(size / blockSize) : Math.ceil(size / blockSize);
    this.placements.push({
      node,
      layout: isInline ? layouts.inline : layouts.plain,
      size,
      xattrSize,
      block: this.dataBlocks,
    });
    this.dataBlocks += blocks;
    this.metaBytes = roundUp(end, slotSize);
  }

  /** Gives the node the next nid, and the offset in the metadata area where it stands. */
  #assign(node: Node): number {
    node.nid = this.metaBytes / slotSize;
    return this.metaBytes;
  }

  /** Takes away attributes that EROFS can't hold, which are warned of. Gives the bytes that the others take. */
  #chooseXattrs(node: Node, parent: Directory, name: ByteString): number {
    if (node.xattrs.length === 0) return 0;
    const { kept, lost } = selectXattrs(node.xattrs);
    node.xattrs = kept;
    for (const loss of lost) {
      if (++this.#losses > maxListed) continue;
      const path = printable(`${pathOf(parent)}${name}`);
      this.warnings.push(
        `"${path}" loses the extended attribute "${printable(loss.name)}": ${loss.why}`,
      );
    }
    return xattrsSize(kept);
  }
}

/** The path of a directory, with a slash at its end. */
function pathOf(directory: Directory): ByteString {
  const names: ByteString[] = [""];
  for (let at = directory; at.parent !== at; at = at.parent) {
    for (const [name, node] of at.parent.children) if (node === at) names.unshift(name);
  }
  return `/${names.join("/")}`;
}

const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/**
 * Bytes to leave free, a multiple of the slot, so that `length` bytes at `start` don't cross a block; undefined where
 * there is no such place.
 */
function gapBefore(start: number, length: number): number | undefined {
  const inBlock = start % blockSize;
  if (inBlock + length <= blockSize) return 0;
  const gap = roundUp(blockSize - inBlock, slotSize);
  return ((start + gap) % blockSize) + length <= blockSize ? gap : undefined;
}
