import { chunkBytes } from "./chunks.ts";
import { corruptIndex } from "./corrupt.ts";
import type { InodeFields } from "./inode.ts";
import {
  blockSize,
  chunkIndex,
  chunkIndexes,
  layouts,
  maxChunkBits,
  maxChunks,
  nullBlock,
} from "./layout.ts";

/**
 * Is given a run of a file: its place in the file, its length, and the device (1 to n: the layers, n + 1: the virtual
 * device) and byte where it lies, or device 0 for a hole.
 */
export type VisitRun = (fileOffset: number, length: number, device: number, at: number) => void;

/** How many chunk indexes a file says to have. */
export const chunkCount = ({ layout, size, detail }: InodeFields): number =>
  layout === layouts.chunks ? Math.ceil(size / chunkBytes(detail & maxChunkBits)) : 0;

/** The chunk indexes of a file, checked to lie in the image. */
class ChunkReader {
  readonly bytes: number;
  readonly count: number;
  readonly #at: number;

  constructor(
    readonly view: DataView,
    readonly inode: InodeFields,
    readonly deviceBlocks: readonly number[],
  ) {
    const { layout, detail, tailAt, nid } = inode;
    const bits = detail & maxChunkBits;
    if (layout === layouts.chunks && detail !== (chunkIndexes | bits)) {
      throw corruptIndex(`has the unknown chunk format ${detail}`, nid);
    }
    this.bytes = chunkBytes(bits);
    this.count = chunkCount(inode);
    this.#at = Math.ceil(tailAt / chunkIndex.size) * chunkIndex.size;
    if (this.count > maxChunks || this.#at + this.count * chunkIndex.size > view.byteLength) {
      throw corruptIndex("has more chunks than the image holds", nid);
    }
  }

  lengthOf(index: number): number {
    return Math.min(this.bytes, this.inode.size - index * this.bytes);
  }

  /** The device of a chunk; 0 for a hole. */
  deviceOf(index: number): number {
    const at = this.#at + index * chunkIndex.size;
    if (this.view.getUint32(at + chunkIndex.at.startBlock, true) === nullBlock) return 0;
    return this.view.getUint16(at + chunkIndex.at.device, true);
  }

  /** Byte of the device where a chunk that is no hole starts; checked to lie inside the device. */
  placeOf(index: number): number {
    const at = this.#at + index * chunkIndex.size;
    const device = this.view.getUint16(at + chunkIndex.at.device, true);
    const block = this.view.getUint32(at + chunkIndex.at.startBlock, true);
    const blocks = this.deviceBlocks[device - 1];
    if (blocks === undefined || block + Math.ceil(this.lengthOf(index) / blockSize) > blocks) {
      throw corruptIndex("has data outside the layers", this.inode.nid);
    }
    return block * blockSize;
  }
}

/** Visits the runs of `length` bytes of a file from byte `offset`, up to its end; neighbours that belong together come as one. */
export function visitRuns(
  view: DataView,
  inode: InodeFields,
  deviceBlocks: readonly number[],
  offset: number,
  length: number,
  visit: VisitRun,
): void {
  const end = Math.min(inode.size, offset + length);
  if (offset >= end) return;
  const chunks = new ChunkReader(view, inode, deviceBlocks);
  let runStart = offset;
  let runDevice = -1;
  let runAt = 0;
  const last = Math.ceil(end / chunks.bytes);
  for (let index = Math.floor(offset / chunks.bytes); index < last; index++) {
    const from = Math.max(offset, index * chunks.bytes);
    const device = chunks.deviceOf(index);
    const at = device === 0 ? 0 : chunks.placeOf(index) + (from - index * chunks.bytes);
    const goesOn = device === runDevice && (device === 0 || at === runAt + (from - runStart));
    if (goesOn) continue;
    if (runDevice >= 0) visit(runStart, from - runStart, runDevice, runAt);
    runStart = from;
    runDevice = device;
    runAt = at;
  }
  visit(runStart, end - runStart, runDevice, runAt);
}

/** Blocks of 512 bytes of a file that are not in holes, for `st_blocks`. */
export function countBlocks(
  view: DataView,
  inode: InodeFields,
  deviceBlocks: readonly number[],
): number {
  const chunks = new ChunkReader(view, inode, deviceBlocks);
  let blocks = 0;
  for (let index = 0; index < chunks.count; index++) {
    if (chunks.deviceOf(index) !== 0) blocks += Math.ceil(chunks.lengthOf(index) / blockSize);
  }
  return blocks;
}

/**
 * The first place at or after `offset` that is data, or a hole (the end of the file counts as one), as lseek's
 * SEEK_DATA and SEEK_HOLE have it; -1 where there is none (ENXIO).
 */
export function seekChunk(
  view: DataView,
  inode: InodeFields,
  deviceBlocks: readonly number[],
  offset: number,
  want: "data" | "hole",
): number {
  if (offset < 0 || offset >= inode.size) return -1;
  const chunks = new ChunkReader(view, inode, deviceBlocks);
  for (let index = Math.floor(offset / chunks.bytes); index < chunks.count; index++) {
    if ((chunks.deviceOf(index) === 0) === (want === "hole")) {
      return Math.max(offset, index * chunks.bytes);
    }
  }
  return want === "hole" ? inode.size : -1;
}
