import type { Extent } from "../tar/entry.ts";
import { blockSize, maxChunkBits, maxChunks } from "./layout.ts";

/** How a file's data is cut into chunks. */
export interface ChunkPlan {
  /** A chunk has 512 << bits bytes. */
  readonly bits: number;
  readonly count: number;
}

/**
 * What a chunk holds: nothing (a hole), data that lies at an aligned place of the layer (`at`), or what has to be
 * pieced together in the virtual device from extents `first` to `last`.
 */
export type Chunk =
  | { readonly kind: "hole" }
  | { readonly kind: "data"; readonly at: number }
  | { readonly kind: "mixed"; readonly first: number; readonly last: number };

/**
 * One chunk for a file that is all data, or none; for a sparse file the largest chunk at whose borders all runs of
 * data begin and end, or else the smallest one that needs no more than {@link maxChunks} indexes.
 */
export function planChunks(size: number, extents: readonly Extent[]): ChunkPlan {
  let bits = isContiguous(size, extents) ? maxChunkBits : alignmentOf(size, extents);
  while (bits > 0 && size <= chunkBytes(bits - 1)) bits--;
  while (countOf(size, bits) > maxChunks && bits < maxChunkBits) bits++;
  return { bits, count: countOf(size, bits) };
}

export const chunkBytes = (bits: number): number => blockSize * 2 ** bits;

const countOf = (size: number, bits: number): number => Math.ceil(size / chunkBytes(bits));

const isContiguous = (size: number, extents: readonly Extent[]): boolean =>
  extents.length === 0 || (extents.length === 1 && extents[0]!.length === size);

/** How many times 512 bytes can be doubled and still divide the borders of all runs of data. */
function alignmentOf(size: number, extents: readonly Extent[]): number {
  let bits = maxChunkBits;
  const narrow = (border: number) => {
    while (bits > 0 && border % chunkBytes(bits) !== 0) bits--;
  };
  for (const { offset, length } of extents) {
    narrow(offset);
    if (offset + length < size) narrow(offset + length);
    if (bits === 0) break;
  }
  return bits;
}

/** The chunks of a file in order; `extents` rise and don't overlap. */
export function* chunksOf(
  size: number,
  extents: readonly Extent[],
  plan: ChunkPlan,
): Generator<Chunk> {
  const bytes = chunkBytes(plan.bits);
  let first = 0;
  for (let index = 0; index < plan.count; index++) {
    const from = index * bytes;
    const to = Math.min(from + bytes, size);
    while (first < extents.length && extents[first]!.offset + extents[first]!.length <= from) {
      first++;
    }
    const extent = extents[first];
    if (extent === undefined || extent.offset >= to) {
      yield { kind: "hole" };
      continue;
    }
    const at = extent.at + (from - extent.offset);
    if (extent.offset <= from && extent.offset + extent.length >= to && at % blockSize === 0) {
      yield { kind: "data", at };
      continue;
    }
    let last = first;
    while (last + 1 < extents.length && extents[last + 1]!.offset < to) last++;
    yield { kind: "mixed", first, last };
  }
}
