/** A reader that goes through a layer's tar in order: where its last fetch ended, and what it has fetched so far. */
interface Stream {
  end: number;
  bytes: number;
}

const maxStreams = 16;
const maxAhead = 4 * 1024 * 1024;
/** A reader may skip a little, and the kernel's own read-ahead comes in any order. */
const slack = 256 * 1024;

/**
 * How far fetches of one layer go beyond what is asked: half of what was fetched in order already, so that at most a
 * third of all that is fetched can turn out to be for nothing.
 */
export class Readahead {
  readonly #streams: Stream[] = [];

  /** For a miss at tar offset `from`: compressed bytes to fetch at least. To be followed by {@link fetched}. */
  bytesFor(from: number): number {
    const stream = this.#find(from);
    return stream === undefined ? 0 : Math.min(stream.bytes / 2, maxAhead);
  }

  /** Says that for a miss at `from`, `bytes` compressed bytes are fetched, which reach up to tar offset `end`. */
  fetched(from: number, end: number, bytes: number): void {
    const stream = this.#find(from);
    if (stream === undefined) {
      this.#streams.unshift({ end, bytes });
      this.#streams.length = Math.min(this.#streams.length, maxStreams);
      return;
    }
    stream.end = end;
    stream.bytes += bytes;
  }

  #find(from: number): Stream | undefined {
    return this.#streams.find(({ end }) => from >= end - slack && from <= end + slack);
  }
}
