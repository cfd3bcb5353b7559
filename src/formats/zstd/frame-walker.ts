import { corrupt } from "../deflate/corrupt.ts";
import { type FrameHeader, maxFrameHeader, readFrameHeader } from "./frame-header.ts";

/** What {@link FrameWalker.step} met. */
export type WalkerEvent =
  /** All input was used. */
  | "input"
  /** A frame begins here: its first byte is there, nothing of it was passed yet. */
  | "frame"
  /** The frame's header was passed; `header` says what it is. */
  | "header"
  /** A block was passed. */
  | "block"
  /** The frame has ended. */
  | "end";

/** Output of one block at most (RFC 8878, 3.1.1.2.4). */
export const maxBlockOutput = 128 * 1024;

const blockHeaderSize = 3;
const checksumSize = 4;
const nothing = new Uint8Array(0);

/** Finds the ends of blocks and frames (RFC 8878) in a stream cut into pieces of any size, without decoding. */
export class FrameWalker {
  /** The frame that the position is in, once its header was passed. */
  header: FrameHeader | undefined;
  /** What the last step passed: a part of the piece that was fed, or a copy of the frame's header. */
  passed: Uint8Array = nothing;
  #input: Uint8Array = nothing;
  #next = 0;
  /** Absolute offset of the input's first byte. */
  #base: number;
  #part: "frame" | "header" | "blockHeader" | "block" | "checksum" | "skippable" = "frame";
  readonly #held = new Uint8Array(maxFrameHeader);
  #heldLength = 0;
  /** Bytes of the part that are still to come. */
  #left = 0;
  #lastBlock = false;

  /** `at` is the offset of the first byte that will be fed, where a frame begins. */
  constructor(at: number) {
    this.#base = at;
  }

  /** Offset of the next byte. */
  get at(): number {
    return this.#base + this.#next;
  }

  /** Whether the position is between frames. */
  get betweenFrames(): boolean {
    return this.#part === "frame";
  }

  /** Gives the next piece; the one before must be used up. */
  feed(bytes: Uint8Array): void {
    this.#base += this.#next;
    this.#input = bytes;
    this.#next = 0;
  }

  /** Goes on to the next event. Throws LAYER_CORRUPT and UNSUPPORTED. */
  step(): WalkerEvent {
    this.passed = nothing;
    const from = this.#next;
    const event = this.#advance();
    if (event !== "header") this.passed = this.#input.subarray(from, this.#next);
    return event;
  }

  /** To be called after the last byte. */
  finish(): void {
    if (this.#part === "frame") return;
    throw corrupt("it ends in the middle of a zstd frame", this.at);
  }

  #advance(): WalkerEvent {
    for (;;) {
      if (this.#next >= this.#input.length && !this.#isDone()) return "input";
      switch (this.#part) {
        case "frame":
          this.#part = "header";
          this.header = undefined;
          return "frame";
        case "header":
          if (!this.#readHeader()) return "input";
          return "header";
        case "blockHeader":
          if (!this.#hold(blockHeaderSize)) return "input";
          this.#readBlockHeader();
          break;
        default: {
          const count = Math.min(this.#left, this.#input.length - this.#next);
          this.#next += count;
          this.#left -= count;
          if (this.#left > 0) return "input";
          const event = this.#endPart();
          if (event !== undefined) return event;
        }
      }
    }
  }

  /** Whether the current part is complete without another byte. */
  #isDone(): boolean {
    return this.#left === 0 && ["block", "checksum", "skippable"].includes(this.#part);
  }

  #readHeader(): boolean {
    const at = this.at - this.#heldLength;
    for (;;) {
      const header = readFrameHeader(this.#held.subarray(0, this.#heldLength), at);
      if (header !== undefined) {
        this.header = header;
        this.passed = this.#held.slice(0, this.#heldLength);
        this.#heldLength = 0;
        this.#part = header.kind === "frame" ? "blockHeader" : "skippable";
        this.#left = header.kind === "frame" ? 0 : header.dataLength;
        return true;
      }
      if (!this.#hold(this.#heldLength + 1)) return false;
    }
  }

  /** Collects `count` bytes of a header in `held`. */
  #hold(count: number): boolean {
    while (this.#heldLength < count && this.#next < this.#input.length) {
      this.#held[this.#heldLength++] = this.#input[this.#next++]!;
    }
    return this.#heldLength === count;
  }

  #readBlockHeader(): void {
    const bits = this.#held[0]! | (this.#held[1]! << 8) | (this.#held[2]! << 16);
    this.#heldLength = 0;
    this.#lastBlock = (bits & 1) !== 0;
    const kind = (bits >> 1) & 3;
    const size = bits >> 3;
    if (kind === 3) throw corrupt("a zstd block of the reserved type", this.at);
    if (size > maxBlockOutput) throw corrupt("a zstd block of more than 128 KiB", this.at);
    this.#part = "block";
    this.#left = kind === 1 ? 1 : size;
  }

  #endPart(): WalkerEvent | undefined {
    if (this.#part === "block") {
      const checked = this.header?.kind === "frame" && this.header.hasChecksum;
      this.#part = !this.#lastBlock ? "blockHeader" : checked ? "checksum" : "frame";
      this.#left = this.#part === "checksum" ? checksumSize : 0;
      return this.#part === "frame" ? "end" : "block";
    }
    this.#part = "frame";
    return "end";
  }
}
