import { ZstdReader } from "../formats/zstd/zstd-reader.ts";
import { nextByteOf, type ResumePoint } from "./resume-point.ts";
import type { SpanDecoder, SpanSink } from "./span-decoder.ts";

/** Decodes zstd from the start of a frame. */
export class ZstdSpanDecoder implements SpanDecoder {
  out: number;
  stopped = false;
  readonly #reader: ZstdReader;
  readonly #sink: SpanSink;
  readonly #stopAt: number;

  constructor(resume: ResumePoint, sink: SpanSink, stopAt: number) {
    this.out = resume.out;
    this.#reader = new ZstdReader(nextByteOf({ ...resume, tail: new Uint8Array(0) }));
    this.#sink = sink;
    this.#stopAt = stopAt;
  }

  push(compressed: Uint8Array): void {
    if (this.stopped) return;
    this.#reader.feed(compressed);
    for (;;) {
      const event = this.#reader.step();
      const output = this.#reader.output;
      if (output.length > 0) {
        this.out += output.length;
        this.#sink(this.out - output.length, output);
      }
      if (this.out >= this.#stopAt) {
        this.stopped = true;
        return;
      }
      if (event === "input") return;
    }
  }

  suspend(): ResumePoint | undefined {
    if (this.stopped || !this.#reader.betweenFrames) return undefined;
    return { kind: "start", out: this.out, bit: this.#reader.at * 8 };
  }

  close(): void {
    this.#reader.close();
  }
}
