import { SpanWriter } from "../cache/span-writer.ts";
import { encodeResume } from "../layers/resume-point.ts";
import type { SpanDecoder } from "../layers/span-decoder.ts";
import type { FetchContext } from "./fetch-context.ts";
import type { Piece } from "./planner.ts";
import { openDecoder } from "./span-decoding.ts";

/** Takes tar bytes in order, as soon as they are decoded. */
export type Deliver = (out: number, bytes: Uint8Array) => void;

/** One piece of a fetch being decoded, into the cache and to whoever waits. */
export class PieceRun {
  #damaged = false;

  private constructor(
    readonly piece: Piece,
    private readonly context: FetchContext,
    private readonly writer: SpanWriter,
    private readonly decoder: SpanDecoder,
  ) {}

  static async open(context: FetchContext, piece: Piece, deliver: Deliver): Promise<PieceRun> {
    const { cache, spans, counters, layer } = context;
    const { resume, span } = piece;
    const out = resume?.point.out ?? spans.starts[span]!;
    const tailLength = resume === undefined ? 0 : out - cache.blocks.floor(out);
    const tail = resume?.before.slice(resume.before.length - tailLength);
    const writer = new SpanWriter(cache, span, out, tail);
    const sink: Deliver = (at, bytes) => {
      counters?.add("inflatedBytes", bytes.length);
      writer.push(bytes);
      deliver(at, bytes);
    };
    const decoder = await openDecoder(spans, piece, sink);
    counters?.countCheckpoint(layer, spans.checkpointOf(span));
    if (resume !== undefined) counters?.add("resumedSpans");
    if (tail !== undefined) deliver(out - tailLength, tail);
    return new PieceRun(piece, context, writer, decoder);
  }

  /** Tar offset of the next byte to come. */
  get position(): number {
    return this.writer.position;
  }

  /** The last bytes that came, which are not in the cache yet. */
  get tail(): Uint8Array {
    return this.writer.tail;
  }

  /** Decodes a verified granule. */
  push(granule: Uint8Array): void {
    // What a decoder that failed says of its position is not to be relied on.
    this.#damaged = true;
    this.decoder.push(granule);
    this.#damaged = false;
  }

  /** Remembers in the cache where decoding stopped, if it can go on there. */
  close(): void {
    try {
      const point = this.#damaged ? undefined : this.decoder.suspend();
      if (point === undefined || point.out !== this.position) return;
      this.context.cache.saveResume(this.piece.span, point.out, encodeResume(point), this.tail);
    } finally {
      this.decoder.close();
    }
  }
}
