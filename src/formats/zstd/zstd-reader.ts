import { FrameDecoder } from "./frame-decoder.ts";
import type { FrameHeader } from "./frame-header.ts";
import { FrameWalker } from "./frame-walker.ts";

/** What {@link ZstdReader.step} met. */
export type ZstdEvent =
  /** All input was used. */
  | "input"
  /** A frame begins here: its first byte is there, its kind not yet known. */
  | "frame"
  /** The frame's header was passed. */
  | "header"
  /** There is output. */
  | "output"
  /** The frame has ended. */
  | "end";

/** Blocks given to the decoder at a time: 1 MiB of output at most. */
const blocksAtOnce = 8;

const nothing = new Uint8Array(0);

/** Reads a stream of zstd frames, from the start of one; skippable frames are passed over. */
export class ZstdReader {
  /** The output of the last step. */
  output: Uint8Array = nothing;
  /** Frames that were begun, without skippable ones. */
  frames = 0;
  #walker: FrameWalker;
  #decoder: FrameDecoder | undefined;

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
    this.output = nothing;
    const walker = this.#walker;
    const from = walker.at;
    let passed: Uint8Array = nothing;
    for (let blocks = 1; ; blocks++) {
      const event = walker.step();
      passed = joined(passed, walker.passed);
      if (event === "block" && blocks < blocksAtOnce) continue;
      if (event === "header" && walker.header?.kind === "frame") {
        this.frames++;
        this.#decoder = new FrameDecoder();
      }
      if (this.#decoder !== undefined) this.output = this.#decoder.decode(passed, from);
      if (event === "end") this.close();
      return event === "block" ? "output" : event;
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
