import type { ResumePoint } from "./resume-point.ts";
import type { SpanDecoder, SpanSink } from "./span-decoder.ts";

/** The identity: an uncompressed layer is its own tar. */
export class TarSpanDecoder implements SpanDecoder {
  out: number;
  readonly #sink: SpanSink;
  readonly #stopAt: number;

  constructor(resume: ResumePoint, sink: SpanSink, stopAt: number) {
    this.out = resume.out;
    this.#sink = sink;
    this.#stopAt = stopAt;
  }

  get stopped(): boolean {
    return this.out >= this.#stopAt;
  }

  push(compressed: Uint8Array): void {
    const bytes = compressed.subarray(0, Math.max(0, this.#stopAt - this.out));
    if (bytes.length === 0) return;
    this.out += bytes.length;
    this.#sink(this.out - bytes.length, bytes);
  }

  suspend(): ResumePoint {
    return { kind: "start", out: this.out, bit: this.out * 8 };
  }

  close(): void {}
}
