import { FrameDecoder } from "./frame-decoder.ts";
import type { FrameHeader } from "./frame-header.ts";
import { FrameWalker, type WalkerEvent } from "./frame-walker.ts";

/** What {@link ZstdReader.step} met. */
export type ZstdEvent =
  /** All input was used. */
  | "input"
  /** A frame begins here: its first byte is there, its kind not yet known. */
  | "frame"
  /** The frame's header was passed. */
  | "header"
  /** There is output, and more of it follows before anything else. */
  | "output"
  /** The frame has ended. */
  | "end";

const outputSize = 256 * 1024;
const nothing = new Uint8Array(0);

/** Reads a stream of zstd frames, from the start of one; skippable frames are passed over. */
export class ZstdReader {
  /** The output of the last step; valid until the next one. */
  output: Uint8Array = nothing;
  /** Frames that were begun, without skippable ones. */
  frames = 0;
  readonly #area = new Uint8Array(outputSize);
  readonly #walker: FrameWalker;
  #decoder: FrameDecoder | undefined;
  /** To be told once the decoder has put out all. */
  #event: Exclude<WalkerEvent, "block"> = "input";

  /** `at` is the offset of the first byte that will be fed. */
  constructor(at: number) {
    this.#walker = new FrameWalker(at);
  }

  get at(): number {
    return this.#walker.at;
  }

  get betweenFrames(): boolean {
    return this.#walker.betweenFrames;
  }

  /** The header of the frame that the position is in, once passed. */
  get header(): FrameHeader | undefined {
    return this.#walker.header;
  }

  /** Gives the next piece, which must stay unchanged until `step` says "input". */
  feed(bytes: Uint8Array): void {
    this.#walker.feed(bytes);
  }

  /** Goes on to the next event; `output` may hold something after each. Throws LAYER_CORRUPT and UNSUPPORTED. */
  step(): ZstdEvent {
    if (!this.#decoder?.busy) this.#event = this.#walk();
    this.output = this.#decoder?.pull() ?? nothing;
    if (this.#decoder?.busy) return "output";
    if (this.#event === "end") this.close();
    return this.#event;
  }

  /** Walks to the next event that is not just a block's end, and gives the decoder what was passed. */
  #walk(): Exclude<WalkerEvent, "block"> {
    const walker = this.#walker;
    const from = walker.at;
    for (let passed: Uint8Array = nothing; ; ) {
      const event = walker.step();
      passed = joined(passed, walker.passed);
      if (event === "block") continue;
      if (event === "header" && walker.header?.kind === "frame") {
        this.frames++;
        this.#decoder = new FrameDecoder(this.#area);
      }
      this.#decoder?.give(passed, from);
      return event;
    }
  }

  /** To be called after the last byte. Throws LAYER_CORRUPT where a frame is unfinished. */
  finish(): void {
    this.#walker.finish();
  }

  /** Frees the decoder's memory. */
  close(): void {
    this.#decoder?.close();
    this.#decoder = undefined;
  }
}

/** Neighbouring parts of one piece as one. */
const joined = (first: Uint8Array, second: Uint8Array): Uint8Array =>
  first.length === 0
    ? second
    : new Uint8Array(first.buffer, first.byteOffset, first.length + second.length);
