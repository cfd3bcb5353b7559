import { ClipError } from "../errors.ts";
import { blockSize, nullBlock } from "../formats/erofs/layout.ts";
import type { VirtualExtent } from "../formats/erofs/virtual.ts";
import type { Extent } from "../formats/tar/entry.ts";

/** Gives out room in the virtual device and notes where its bytes really are. */
export class VirtualDevice {
  readonly extents: VirtualExtent[] = [];
  blocks = 0;

  /**
   * Puts the file's bytes from `from` to `to` together, from extents that lie in `device`; what they don't cover
   * reads as zeros. Gives the block where they start.
   */
  add(from: number, to: number, extents: readonly Extent[], device: number): number {
    const block = this.blocks;
    const base = block * blockSize;
    for (const { offset, length, at } of extents) {
      const start = Math.max(offset, from);
      const end = Math.min(offset + length, to);
      this.#note(base + (start - from), end - start, device, at + (start - offset));
    }
    this.blocks += Math.ceil((to - from) / blockSize);
    if (this.blocks >= nullBlock) {
      throw new ClipError(
        "LIMIT_EXCEEDED",
        "the image's unaligned and sparse files take 2 TiB together, more than an index can address",
      );
    }
    return block;
  }

  #note(virtual: number, length: number, device: number, at: number): void {
    const last = this.extents.at(-1);
    const goesOn =
      last !== undefined &&
      last.device === device &&
      last.virtual + last.length === virtual &&
      last.at + last.length === at;
    if (goesOn) this.extents[this.extents.length - 1] = { ...last, length: last.length + length };
    else this.extents.push({ virtual, length, device, at });
  }
}
