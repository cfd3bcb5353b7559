import { ClipError } from "../errors.ts";
import { granuleSize, type LayerIndex } from "./layer-index.ts";

/** The map of a layer that reading needs; a {@link LayerIndex} is one. */
export type SpanMap = Pick<LayerIndex, "checkpoints" | "granules" | "size" | "tarSize">;

/** A span: what lies between a checkpoint and the next one. Ends are exclusive. */
export interface Span {
  readonly index: number;
  /** Compressed bytes. */
  readonly from: number;
  readonly to: number;
  /** Bytes of the tar. */
  readonly outFrom: number;
  readonly outTo: number;
  /** Its granules in the map's `granules`. */
  readonly firstGranule: number;
  readonly endGranule: number;
}

/** A granule: compressed bytes `from` up to `to`. */
export interface GranuleRange {
  /** Its place in the map's `granules`. */
  readonly index: number;
  readonly from: number;
  readonly to: number;
}

/** The spans of a layer, with the sums over their granules made once. */
export class SpanTable {
  readonly #map: SpanMap;
  /** Of each span, its first granule; one more at the end. */
  readonly #firstGranules: Uint32Array;

  /** Throws ARCHIVE_CORRUPT where checkpoints are not in order or granules are missing. */
  constructor(map: SpanMap) {
    this.#map = map;
    const { checkpoints, granules } = map;
    this.#firstGranules = new Uint32Array(checkpoints.length + 1);
    if (checkpoints[0]?.out !== 0 || checkpoints[0].bit !== 0) throw corruptMap("begin with 0");
    for (let i = 0; i < checkpoints.length; i++) {
      const { from, to, outFrom, outTo } = this.#bounds(i);
      if (from > to || outFrom > outTo) throw corruptMap("rise");
      const count = Math.ceil((to - from) / granuleSize);
      this.#firstGranules[i + 1] = this.#firstGranules[i]! + count;
    }
    if (this.#firstGranules[checkpoints.length] !== granules.length) {
      throw corruptMap("cover all granules");
    }
  }

  get length(): number {
    return this.#map.checkpoints.length;
  }

  /** Span `index`, from 0. */
  span(index: number): Span {
    if (!(index >= 0 && index < this.length)) throw new RangeError(`there is no span ${index}`);
    return {
      index,
      ...this.#bounds(index),
      firstGranule: this.#firstGranules[index]!,
      endGranule: this.#firstGranules[index + 1]!,
    };
  }

  /** The span that tar offset `out` lies in; of those that begin there, the last. */
  spanAt(out: number): Span {
    const { checkpoints, tarSize } = this.#map;
    if (!(out >= 0 && out < tarSize)) throw new RangeError(`${out} is not in the tar`);
    let low = 0;
    let high = checkpoints.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (checkpoints[middle]!.out <= out) low = middle;
      else high = middle;
    }
    return this.span(low);
  }

  /** The compressed bytes of granule `index` of `span`. */
  granule(span: Span, index: number): GranuleRange {
    const from = span.from + (index - span.firstGranule) * granuleSize;
    return { index, from, to: Math.min(from + granuleSize, span.to) };
  }

  /**
   * How many granules of `span`, from its first, are needed for its tar bytes below `outTo`: those up to the first
   * that reaches so far.
   */
  granulesUpTo(span: Span, outTo: number): number {
    const { granules } = this.#map;
    const wanted = Math.min(outTo, span.outTo);
    if (wanted <= span.outFrom) return 0;
    let low = span.firstGranule;
    let high = span.endGranule - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (granules[middle]!.reach >= wanted) high = middle;
      else low = middle + 1;
    }
    return low + 1 - span.firstGranule;
  }

  /** What is needed for tar bytes `from` up to `to`: the spans that they lie in, each with the number of its granules from its first. */
  *over(from: number, to: number): Generator<{ readonly span: Span; readonly granules: number }> {
    const end = Math.min(to, this.#map.tarSize);
    for (let out = from; out < end; ) {
      const span = this.spanAt(out);
      yield { span, granules: this.granulesUpTo(span, end) };
      out = span.outTo;
    }
  }

  #bounds(index: number) {
    const { checkpoints, size, tarSize } = this.#map;
    const { bit, out } = checkpoints[index]!;
    const next = checkpoints[index + 1];
    return {
      from: Math.floor(bit / 8),
      to: next ? Math.ceil(next.bit / 8) : size,
      outFrom: out,
      outTo: next?.out ?? tarSize,
    };
  }
}

const corruptMap = (rule: string): ClipError =>
  new ClipError(
    "ARCHIVE_CORRUPT",
    `the checkpoints of a layer do not ${rule}; build the archive again`,
  );
