import { type Granule, granuleSize } from "./layer-index.ts";

/** An end of a granule that the stream has passed. */
interface Cut {
  readonly end: number;
  readonly reach: number;
}

/** A place that may become a checkpoint. Its span would begin with the byte that holds its first bit. */
interface Proposal {
  readonly start: number;
  /** Where the span before it would end. */
  readonly end: number;
  readonly out: number;
  /** Start of the proposed span's current granule, and those passed already. */
  granuleStart: number;
  readonly cuts: Cut[];
}

/** Proposals have to be decided within this many compressed bytes, which bounds what is held of the stream. */
export const decisionDistance = 2 * granuleSize;

const capacity = 2 * (decisionDistance + 2 * granuleSize);

/**
 * Keeps account of granules while checkpoints are found after the fact. Granules are counted from their checkpoint, so
 * while a proposal is open there are two ways to cut the stream; its bytes are held until it is decided, then hashed once.
 *
 * Whoever feeds a decoder stops at every `nextCut`, lets the decoder use up its input, and calls `cut` with the
 * output that this gave: that is what makes `reach` surely right.
 */
export class GranuleLedger {
  readonly granules: Granule[] = [];
  /** Bytes from `#heldFrom` to `at`; the first `#hashed - #heldFrom` of them are done with. */
  readonly #held = new Uint8Array(capacity);
  #heldFrom = 0;
  #hashed = 0;
  #at = 0;
  #granuleStart = 0;
  /** Ends of granules of the current span passed while a proposal is open. */
  #cuts: Cut[] = [];
  #proposal: Proposal | undefined;

  /** Compressed bytes so far. */
  get at(): number {
    return this.#at;
  }

  /** Where the decoder has to be stopped next. */
  get nextCut(): number {
    const own = this.#granuleStart + granuleSize;
    return this.#proposal ? Math.min(own, this.#proposal.granuleStart + granuleSize) : own;
  }

  /** Whether the open proposal has to be decided now. */
  get isOverdue(): boolean {
    return this.#proposal !== undefined && this.#at - this.#proposal.start >= decisionDistance;
  }

  /** Adds compressed bytes, at most up to `nextCut`. */
  append(bytes: Uint8Array): void {
    if (this.#at - this.#heldFrom + bytes.length > capacity) {
      this.#held.copyWithin(0, this.#hashed - this.#heldFrom, this.#at - this.#heldFrom);
      this.#heldFrom = this.#hashed;
    }
    this.#held.set(bytes, this.#at - this.#heldFrom);
    this.#at += bytes.length;
  }

  /** The decoder has used up all bytes so far, which gave output up to `out`. Does something at ends of granules only. */
  cut(out: number): void {
    if (this.#at === this.#granuleStart + granuleSize) {
      this.#granuleStart = this.#at;
      if (this.#proposal) this.#cuts.push({ end: this.#at, reach: out });
      else this.#close(this.#at, out);
    }
    const proposal = this.#proposal;
    if (proposal !== undefined && this.#at === proposal.granuleStart + granuleSize) {
      proposal.granuleStart = this.#at;
      proposal.cuts.push({ end: this.#at, reach: out });
    }
  }

  /** A checkpoint may come to lie at bit offset `bit` and output offset `out`, within the bytes since the last cut. */
  propose(bit: number, out: number): void {
    const start = Math.floor(bit / 8);
    this.#proposal = { start, end: Math.ceil(bit / 8), out, granuleStart: start, cuts: [] };
  }

  /** The proposal becomes a checkpoint. */
  accept(): void {
    const proposal = this.#proposal!;
    this.#proposal = undefined;
    this.#cuts = [];
    if (proposal.end > this.#hashed) this.#close(proposal.end, proposal.out);
    this.#hashed = proposal.start;
    for (const { end, reach } of proposal.cuts) this.#close(end, reach);
    this.#granuleStart = proposal.granuleStart;
  }

  /** The proposal does not become a checkpoint. */
  reject(): void {
    this.#proposal = undefined;
    for (const { end, reach } of this.#cuts) this.#close(end, reach);
    this.#cuts = [];
  }

  /** The stream has ended, with all its output below `out`. */
  finish(out: number): void {
    if (this.#at > this.#hashed) this.#close(this.#at, out);
  }

  #close(end: number, reach: number): void {
    const bytes = this.#held.subarray(this.#hashed - this.#heldFrom, end - this.#heldFrom);
    const sha256 = new Uint8Array(new Bun.CryptoHasher("sha256").update(bytes).digest());
    this.granules.push({ sha256, reach });
    this.#hashed = end;
  }
}
