import type { LayerShape } from "../cache/block-map.ts";
import { ClipError, isClipError, toClipError } from "../errors.ts";
import type { LayerMap } from "../layers/layer-map.ts";
import type { Outcome } from "../stats/counter-table.ts";
import type { Counters } from "../stats/counters.ts";
import type { Blob } from "../stores/origin.ts";
import { CachedContent } from "./cached-content.ts";
import type { FetchLimits } from "./fetch-context.ts";
import { Gate } from "./gate.ts";
import { LayerFetcher } from "./layer-fetcher.ts";
import { Readahead } from "./readahead.ts";
import type { ContentIndex, Segment, VirtualDevice } from "./segments.ts";
import { Spans } from "./spans.ts";

export interface ContentOptions {
  readonly index: ContentIndex;
  readonly virtual?: VirtualDevice | undefined;
  /** The layers' maps and blobs, in the archive's order. */
  readonly layers: readonly LayerMap[];
  readonly blobs: readonly Blob[];
  /** undefined: memory alone. */
  readonly cacheDirectory: string | undefined;
  readonly counters?: Counters | undefined;
  readonly limits?: Partial<FetchLimits>;
  /** Requests under way at once; 8 unless told. */
  readonly maxRequests?: number;
  readonly onCacheFailure?: (error: unknown) => void;
}

export interface ReadContentOptions {
  /** Ends the waiting (the fetch goes on, for the next reader). */
  readonly signal?: AbortSignal | undefined;
  /** The process that reads, for the event ring. */
  readonly pid?: number;
}

/** One read answers at most this much; larger ones come in several. */
const maxReadBytes = 8 * 1024 * 1024;

const defaultLimits: FetchLimits = { stallMs: 45_000, otherProcessMs: 10_000 };

/**
 * Opens the contents of an archive's files: from the local cache, or from the blobs.
 * @throws ClipError ARCHIVE_CORRUPT where the layers' tables are wrong.
 */
export const openContent = (options: ContentOptions): Content => new Content(options);

/** The contents of an archive's files, on demand. */
export class Content {
  /** What workers need to open the same cache ({@link CachedContent}); plain data. */
  readonly shapes: readonly LayerShape[];
  readonly #options: ContentOptions;
  readonly #spans: readonly Spans[];
  readonly #cached: CachedContent;
  readonly #fetchers: (LayerFetcher | undefined)[] = [];
  readonly #gate: Gate;
  readonly #closing = new AbortController();

  constructor(options: ContentOptions) {
    this.#options = options;
    this.#spans = options.layers.map((layer) => new Spans(layer));
    this.shapes = this.#spans.map((spans) => spans.shape());
    const { index, virtual, cacheDirectory, counters, onCacheFailure } = options;
    this.#cached = new CachedContent({
      ...{ index, virtual, shapes: this.shapes, cacheDirectory, counters },
      ...(onCacheFailure && { onCacheFailure }),
    });
    this.#gate = new Gate(options.maxRequests ?? 8);
  }

  /** {@link CachedContent.tryRead} of this thread's cache. */
  tryRead(nid: number, offset: number, length: number, into: Uint8Array, at: number): number {
    return this.#cached.tryRead(nid, offset, length, into, at);
  }

  /**
   * Reads up to `length` bytes (at most 8 MiB) of file `nid` from byte `offset`; fewer at the file's end.
   * @throws ClipError INTERRUPTED when aborted, TIMEOUT when nothing arrives, DIGEST_MISMATCH and what the blob throws.
   */
  async read(
    nid: number,
    offset: number,
    length: number,
    options: ReadContentOptions = {},
  ): Promise<Uint8Array> {
    const { counters } = this.#options;
    const started = Bun.nanoseconds();
    const tell = (outcome: Outcome, bytes: number) => {
      if (counters === undefined) return;
      const timeUs = Date.now() * 1000;
      const durationNs = Bun.nanoseconds() - started;
      counters.event({
        timeUs,
        pid: options.pid ?? 0,
        nid,
        offset,
        length: bytes,
        outcome,
        durationNs,
      });
      if (outcome === "origin") counters.observe("originRead", durationNs);
    };
    try {
      const wanted = this.#cached.segments.find(nid, offset, Math.min(length, maxReadBytes));
      const into = new Uint8Array(wanted.length);
      if (this.#cached.tryRead(nid, offset, wanted.length, into, 0) >= 0) {
        tell("local", into.length);
        return into;
      }
      counters?.add("reads");
      counters?.add("localMisses");
      await interruptible(this.#fill(wanted.segments, into), options.signal);
      counters?.add("originReads");
      counters?.add("servedBytes", into.length);
      tell("origin", into.length);
      return into;
    } catch (error) {
      const failure = toClipError(error, `reading inode ${nid}`);
      const interrupted = isClipError(failure, "INTERRUPTED");
      counters?.add(interrupted ? "readsInterrupted" : "readErrors");
      tell(interrupted ? "interrupted" : "error", length);
      throw failure;
    }
  }

  /** Counts anew what of each layer is in the local cache, which other processes fill as well. */
  countResidency(): void {
    const { counters } = this.#options;
    this.shapes.forEach((_, layer) => {
      counters?.clearResidency(layer);
      this.#cached.cache(layer).visitStored((from, to) => counters?.addResidency(layer, from, to));
    });
  }

  /** Ends all fetches (their readers get INTERRUPTED) and closes the cache. */
  async close(): Promise<void> {
    this.#closing.abort(new ClipError("INTERRUPTED", "the archive is being closed"));
    await Promise.all(this.#fetchers.map((fetcher) => fetcher?.settle()));
    this.#cached.close();
  }

  async #fill(segments: readonly Segment[], into: Uint8Array): Promise<void> {
    await Promise.all(
      segments.map(({ layer, from, length, place }) =>
        this.#fetcher(layer).read(from, from + length, into, place),
      ),
    );
  }

  #fetcher(layer: number): LayerFetcher {
    const fetcher = this.#fetchers[layer] ?? this.#openFetcher(layer);
    this.#fetchers[layer] = fetcher;
    return fetcher;
  }

  #openFetcher(layer: number): LayerFetcher {
    return new LayerFetcher({
      layer,
      spans: this.#spans[layer]!,
      cache: this.#cached.cache(layer),
      blob: this.#options.blobs[layer]!,
      gate: this.#gate,
      readahead: new Readahead(),
      limits: { ...defaultLimits, ...this.#options.limits },
      counters: this.#options.counters,
      closing: this.#closing.signal,
    });
  }
}

/** Waits for `work`, but not after `signal` is aborted. */
async function interruptible(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work;
  const { promise, reject } = Promise.withResolvers<void>();
  const interrupt = () => reject(new ClipError("INTERRUPTED", "the reader was interrupted"));
  if (signal.aborted) interrupt();
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", interrupt);
  }
}
