import { blockSize } from "./block-map.ts";
import type { LayerCache } from "./layer-cache.ts";

/** Puts a span's decoded bytes, which come in order and in pieces of any size, together to whole blocks. */
export class SpanWriter {
  private readonly partial = new Uint8Array(blockSize);
  private filled = 0;
  private readonly end: number;
  private at: number;

  /** `tail`: the bytes from the start of the block that holds `out` up to `out`, where writing begins. */
  constructor(
    private readonly cache: LayerCache,
    private readonly span: number,
    out: number,
    tail: Uint8Array = new Uint8Array(0),
  ) {
    this.end = cache.blocks.spanEnd(span);
    this.at = out;
    this.partial.set(tail);
    this.filled = tail.length;
  }

  /** Tar offset of the next byte to come. */
  get position(): number {
    return this.at;
  }

  /** The bytes before `position` that are not stored yet, since their block is not whole. */
  get tail(): Uint8Array {
    return this.partial.subarray(0, this.filled);
  }

  /** Takes the next bytes; those that pass the span's end are ignored. */
  push(bytes: Uint8Array): void {
    const take = Math.min(bytes.length, this.end - this.at);
    let done = 0;
    if (this.filled > 0) {
      done = Math.min(take, blockSize - this.filled);
      this.partial.set(bytes.subarray(0, done), this.filled);
      this.filled += done;
      this.at += done;
      if (this.filled === blockSize || this.at === this.end) this.storePartial();
    }
    const rest = take - done;
    const whole = this.at + rest === this.end ? rest : rest - (rest % blockSize);
    if (whole > 0) {
      this.cache.store(this.blockAt(this.at), bytes.subarray(done, done + whole));
      this.at += whole;
      done += whole;
    }
    if (done < take) {
      this.partial.set(bytes.subarray(done, take));
      this.filled = take - done;
      this.at += this.filled;
    }
  }

  private storePartial(): void {
    this.cache.store(this.blockAt(this.at - this.filled), this.tail);
    this.filled = 0;
  }

  private blockAt(offset: number): number {
    const { firstBlocks, spanStarts } = this.cache.blocks;
    return firstBlocks[this.span]! + Math.floor((offset - spanStarts[this.span]!) / blockSize);
  }
}
