import { GzipReader } from "../formats/deflate/gzip-reader.ts";
import { storedHeader } from "../formats/deflate/inflate.ts";
import type { InflateKernel } from "../formats/deflate/kernel.ts";
import { borrowKernel, returnKernel } from "../formats/deflate/kernel-pool.ts";
import { maxTail, type ResumePoint } from "./resume-point.ts";
import type { SpanDecoder, SpanSink } from "./span-decoder.ts";

/** Decodes gzip from any point. Checksums are verified of the members that are decoded from their start. */
export class GzipSpanDecoder implements SpanDecoder {
  stopped = false;
  readonly #kernel: InflateKernel;
  readonly #reader: GzipReader;
  readonly #sink: SpanSink;
  readonly #stopAt: number;
  /** Whether something was pushed that the kernel did not take. */
  #left = false;
  #closed = false;

  constructor(resume: ResumePoint, sink: SpanSink, stopAt: number) {
    const { kind, bit, out, window = new Uint8Array(0), header } = resume;
    this.#kernel = borrowKernel();
    this.#reader = new GzipReader(this.#kernel);
    this.#sink = sink;
    this.#stopAt = stopAt;
    if (kind === "start") this.#reader.startAt(bit, out);
    else this.#reader.resumeAt({ bit, out, window, ...(header && { header }) });
  }

  get out(): number {
    return this.#kernel.out;
  }

  push(compressed: Uint8Array): void {
    let at = 0;
    while (at < compressed.length && !this.stopped && !this.#closed) {
      at += this.#kernel.feed(compressed.subarray(at));
      this.#drain();
    }
    if (at < compressed.length) this.#left = true;
  }

  suspend(): ResumePoint | undefined {
    const { out, bit } = this.#kernel;
    const tail = this.#kernel.unread().slice();
    if (tail.length > maxTail || this.#left || this.#closed) return undefined;
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

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    returnKernel(this.#kernel);
  }

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
