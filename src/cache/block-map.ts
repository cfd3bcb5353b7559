/**
 * A layer's tar bytes are cached in blocks, counted from the start of each span (the bytes between two checkpoints):
 * a span can then be decoded, and every block of it be whole, without its neighbours. The last block of a span is
 * shorter. Blocks are a page each because what a fetch decodes beyond the last whole block cannot be kept.
 */
export const blockSize = 4096;

/** What the cache has to know of a layer. Plain data: it crosses threads. */
export interface LayerShape {
  /** 64 hex digits: the digest of everything that verifies the layer (design D10). */
  readonly key: string;
  readonly tarSize: number;
  /** Tar offset of each span's start, ascending, the first one 0. */
  readonly spanStarts: Float64Array;
  /** Whether decoding may stop inside a span and resume, so that the cache keeps places to resume at. */
  readonly resumable: boolean;
}

export class BlockMap {
  /** Number of each span's first block, and the number of all blocks at the end. */
  readonly firstBlocks: Float64Array;
  readonly count: number;

  constructor(
    readonly spanStarts: Float64Array,
    readonly tarSize: number,
  ) {
    this.firstBlocks = new Float64Array(spanStarts.length + 1);
    let blocks = 0;
    for (let span = 0; span < spanStarts.length; span++) {
      this.firstBlocks[span] = blocks;
      blocks += Math.ceil((this.spanEnd(span) - spanStarts[span]!) / blockSize);
    }
    this.firstBlocks[spanStarts.length] = blocks;
    this.count = blocks;
  }

  spanEnd(span: number): number {
    return this.spanStarts[span + 1] ?? this.tarSize;
  }

  /** The span that holds the byte at tar offset `offset`, below `tarSize`; of spans that start together, the last. */
  spanAt(offset: number): number {
    return lastAtMost(this.spanStarts, this.spanStarts.length, offset);
  }

  blockAt(offset: number): number {
    const span = this.spanAt(offset);
    return this.firstBlocks[span]! + Math.floor((offset - this.spanStarts[span]!) / blockSize);
  }

  /** Tar offset where a block starts; `tarSize` for the number after the last. */
  blockStart(block: number): number {
    if (block >= this.count) return this.tarSize;
    const span = lastAtMost(this.firstBlocks, this.spanStarts.length, block);
    return this.spanStarts[span]! + (block - this.firstBlocks[span]!) * blockSize;
  }

  /** Start of the block that holds the byte at `offset`. */
  floor(offset: number): number {
    const start = this.spanStarts[this.spanAt(offset)]!;
    return start + Math.floor((offset - start) / blockSize) * blockSize;
  }

  /** End of the block that holds the byte before `offset`, which is above 0. */
  ceil(offset: number): number {
    const span = this.spanAt(offset - 1);
    const start = this.spanStarts[span]!;
    const end = start + Math.ceil((offset - start) / blockSize) * blockSize;
    return Math.min(end, this.spanEnd(span));
  }
}

/** Index of the last of the first `count` ascending values that is not above `value`; 0 where all are above. */
export function lastAtMost(values: Float64Array, count: number, value: number): number {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (values[middle]! <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
