import { ClipError } from "../errors.ts";
import { chunkBytes, chunksOf, planChunks } from "../formats/erofs/chunks.ts";
import { writeDirectory } from "../formats/erofs/directory.ts";
import {
  blockBits,
  blockSize,
  chunkIndex,
  chunkIndexes,
  deviceSlot,
  featureCompatMtime,
  featureIncompat,
  fileTypes,
  inodeExtended,
  layouts,
  nullBlock,
  slotSize,
  superblock,
  superMagic,
  superOffset,
  virtualTag,
} from "../formats/erofs/layout.ts";
import type { VirtualExtent } from "../formats/erofs/virtual.ts";
import { writeInode } from "../formats/erofs/write-inode.ts";
import { writeXattrs, xattrCountOf } from "../formats/erofs/xattrs.ts";
import { viewOf } from "../formats/fields.ts";
import { Directory, type Leaf, type Node } from "./node.ts";
import { type Placement, type Plan, planImage } from "./plan.ts";
import type { MergedTree } from "./tree.ts";
import { VirtualDevice } from "./virtual-device.ts";

/** How many there are of what. A hard link is a name more, not an inode more. */
export interface IndexStats {
  readonly inodes: number;
  readonly directories: number;
  readonly files: number;
  readonly symlinks: number;
  /** Devices and FIFOs. */
  readonly specials: number;
  /** Names of everything but the root. */
  readonly names: number;
  /** Sum of the files' sizes, holes included, each inode once. */
  readonly fileBytes: number;
}

/** A tree as an index image, with the table of its virtual device (empty where it needs none). */
export interface WrittenIndex {
  readonly image: Uint8Array;
  readonly virtual: readonly VirtualExtent[];
  readonly warnings: readonly string[];
  readonly stats: IndexStats;
}

/**
 * Writes a merged tree, which is used up by it, as an EROFS image: the same tree gives the same bytes. Device i + 1 is the tar of layer i,
 * whose bytes `layerTarSizes` has; the virtual device comes last.
 * @throws ClipError UNSUPPORTED for a tar of 2 TiB and more, LAYER_CORRUPT for data outside its tar, LIMIT_EXCEEDED.
 */
export function writeIndex(tree: MergedTree, layerTarSizes: readonly number[]): WrittenIndex {
  if (layerTarSizes.length !== tree.layers) {
    throw new Error(`${layerTarSizes.length} sizes for ${tree.layers} layers`);
  }
  layerTarSizes.forEach((size, i) => {
    if (size / blockSize < nullBlock) return;
    throw new ClipError(
      "UNSUPPORTED",
      `layer ${i + 1} has ${size} bytes of tar; 2 TiB is too large`,
    );
  });
  if (tree.root.nid !== 0) throw new Error("the tree has been written before");
  const plan = planImage(tree.root);
  return new IndexWriter(tree, layerTarSizes, plan).write();
}

class IndexWriter {
  readonly #image: Buffer;
  readonly #view: DataView;
  readonly #metaBlock: number;
  readonly #dataBlock: number;
  readonly #virtual = new VirtualDevice();

  constructor(
    readonly tree: MergedTree,
    readonly tarSizes: readonly number[],
    readonly plan: Plan,
  ) {
    // One slot more than there are layers, whether or not a virtual device turns out to be needed.
    const metaAt = superOffset + superblock.size + (tarSizes.length + 1) * deviceSlot.size;
    this.#metaBlock = Math.ceil(metaAt / blockSize);
    this.#dataBlock = this.#metaBlock + Math.ceil(plan.metaBytes / blockSize);
    this.#image = Buffer.alloc((this.#dataBlock + plan.dataBlocks) * blockSize);
    this.#view = viewOf(this.#image);
  }

  write(): WrittenIndex {
    for (const placement of this.plan.placements) this.#inode(placement);
    this.#head();
    const digest = new Bun.CryptoHasher("sha256").update(this.#image).digest();
    this.#image.set(digest.subarray(0, 16), superOffset + superblock.at.uuid);
    return {
      image: this.#image,
      virtual: this.#virtual.extents,
      warnings: this.plan.warnings,
      stats: statsOf(this.plan),
    };
  }

  #head(): void {
    const blocks = this.tarSizes.map((size) => Math.ceil(size / blockSize));
    const tags = blocks.map(() => new Uint8Array(0));
    if (this.#virtual.blocks > 0) {
      blocks.push(this.#virtual.blocks);
      tags.push(Buffer.from(virtualTag));
    }
    superblock.write(this.#view, superOffset, {
      magic: superMagic,
      featureCompat: featureCompatMtime,
      featureIncompat,
      blockBits,
      rootNid: this.tree.root.nid,
      inodes: this.plan.placements.length,
      blocks: this.#image.length / blockSize,
      metaBlock: this.#metaBlock,
      extraDevices: blocks.length,
      deviceSlotOffset: (superOffset + superblock.size) / deviceSlot.size,
    });
    blocks.forEach((count, i) => {
      const at = superOffset + superblock.size + i * deviceSlot.size;
      deviceSlot.write(this.#view, at, { tag: tags[i]!, blocks: count });
    });
  }

  #inode(placement: Placement): void {
    const { node, layout, size, xattrSize } = placement;
    const at = this.#metaBlock * blockSize + node.nid * slotSize;
    const tailAt = at + inodeExtended.size + xattrSize;
    const block = layout === layouts.chunks ? 0 : this.#dataBlock + placement.block;
    const isDirectory = node instanceof Directory;
    let detail = size > 0 ? block : 0;
    if (!isDirectory && layout === layouts.chunks) detail = this.#chunks(node, tailAt);
    else if (!isDirectory && node.device !== 0) detail = node.device;
    writeInode(this.#view, at, {
      nid: node.nid,
      mode: node.mode | fileTypes[node.type].mode,
      size,
      nlink: isDirectory ? linksOf(node) : node.nlink,
      uid: node.uid,
      gid: node.gid,
      mtime: node.mtime,
      mtimeNs: node.mtimeNs,
      layout,
      detail,
      xattrCount: xattrCountOf(xattrSize),
    });
    writeXattrs(this.#image, this.#view, at + inodeExtended.size, node.xattrs);
    if (size === 0 || layout === layouts.chunks) return;
    const placeOf = (index: number) =>
      layout === layouts.inline && (index + 1) * blockSize > size
        ? tailAt
        : (block + index) * blockSize;
    if (isDirectory) this.#directory(node, placeOf);
    else this.#flat(Buffer.from(node.target, "latin1"), placeOf);
  }

  #directory(directory: Directory, placeOf: (index: number) => number): void {
    const special: Readonly<Record<string, Node>> = { ".": directory, "..": directory.parent };
    const targetOf = (name: string) => {
      const node = directory.children.get(name) ?? special[name]!;
      return { nid: node.nid, type: fileTypes[node.type].entry };
    };
    writeDirectory(this.#image, this.#view, this.plan.names.get(directory)!, targetOf, placeOf);
  }

  #flat(data: Buffer, placeOf: (index: number) => number): void {
    for (let from = 0; from < data.length; from += blockSize) {
      data.copy(this.#image, placeOf(from / blockSize), from, from + blockSize);
    }
  }

  /** Writes a file's chunk indexes behind its inode. Gives the chunk format. */
  #chunks(file: Leaf, tailAt: number): number {
    const { size, extents } = file;
    const device = file.layer + 1;
    if (extents.some(({ at, length }) => at + length > this.tarSizes[file.layer]!)) {
      throw new ClipError(
        "LAYER_CORRUPT",
        `layer ${device}: a file has data behind the end of the tar`,
      );
    }
    const plan = planChunks(size, extents);
    const bytes = chunkBytes(plan.bits);
    let at = Math.ceil(tailAt / chunkIndex.size) * chunkIndex.size;
    let from = 0;
    for (const chunk of chunksOf(size, extents, plan)) {
      if (chunk.kind === "hole") this.#index(at, 0, nullBlock);
      else if (chunk.kind === "data") this.#index(at, device, chunk.at / blockSize);
      else {
        const pieces = extents.slice(chunk.first, chunk.last + 1);
        const to = Math.min(from + bytes, size);
        const block = this.#virtual.add(from, to, pieces, device);
        this.#index(at, this.tarSizes.length + 1, block);
      }
      at += chunkIndex.size;
      from += bytes;
    }
    return chunkIndexes | plan.bits;
  }

  #index(at: number, device: number, block: number): void {
    this.#view.setUint16(at + chunkIndex.at.device, device, true);
    this.#view.setUint32(at + chunkIndex.at.startBlock, block, true);
  }
}

/** `.`, the name in the parent, and `..` of each directory below. */
function linksOf(directory: Directory): number {
  let links = 2;
  for (const child of directory.children.values()) if (child instanceof Directory) links++;
  return links;
}

function statsOf(plan: Plan): IndexStats {
  const counts = { directories: 0, files: 0, symlinks: 0, specials: 0, names: 0, fileBytes: 0 };
  for (const { node, size } of plan.placements) {
    if (node instanceof Directory) {
      counts.directories++;
      counts.names += node.children.size;
    } else if (node.type === "file") {
      counts.files++;
      counts.fileBytes += size;
    } else if (node.type === "symlink") counts.symlinks++;
    else counts.specials++;
  }
  return { inodes: plan.placements.length, ...counts };
}
