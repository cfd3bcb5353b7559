import { GzipReader } from "../formats/deflate/gzip-reader.ts";
import { createKernel, storedHeader } from "../formats/deflate/inflate.ts";
import { maxTail, type ResumePoint } from "./resume-point.ts";
import type { SpanDecoder, SpanSink } from "./span-decoder.ts";

/** Decodes gzip from any point. Checksums are verified of the members that are decoded from their start. */
export class GzipSpanDecoder implements SpanDecoder {
  stopped = false;
  readonly #kernel = createKernel();
  readonly #reader = new GzipReader(this.#kernel);
  readonly #sink: SpanSink;
  readonly #stopAt: number;

  constructor(resume: ResumePoint, sink: SpanSink, stopAt: number) {
    const { kind, bit, out, window = new Uint8Array(0), header } = resume;
    this.#sink = sink;
    this.#stopAt = stopAt;
    if (kind === "start") this.#reader.startAt(bit, out);
    else this.#reader.resumeAt({ bit, out, window, ...(header && { header }) });
  }

  get out(): number {
    return this.#kernel.out;
  }

  push(compressed: Uint8Array): void {
    for (let at = 0; at < compressed.length && !this.stopped; ) {
      at += this.#kernel.feed(compressed.subarray(at));
      this.#drain();
    }
  }

  suspend(): ResumePoint | undefined {
    const { out, bit } = this.#kernel;
    const tail = this.#kernel.unread().slice();
    if (tail.length > maxTail) return undefined;
    const at = { out, bit, ...(tail.length > 0 && { tail }) };
    switch (this.#reader.phase) {
      case "data":
        return this.#kernel.insideBlock
          ? { kind: "inside", ...at, header: this.#kernel.header() }
          : { kind: "block", ...at };
      case "trailer":
        // A final stored block of which nothing is left ends where the member's data ended.
        return { kind: "inside", ...at, header: storedHeader(0, true) };
      default:
        return { kind: "start", ...at };
    }
  }

  close(): void {}

  #drain(): void {
    for (;;) {
      const event = this.#reader.step(this.#stopAt);
      const output = this.#reader.output;
      if (output.length > 0) this.#sink(this.out - output.length, output);
      if (this.out >= this.#stopAt) {
        this.stopped = true;
        return;
      }
      if (event === "input") return;
    }
  }
}
