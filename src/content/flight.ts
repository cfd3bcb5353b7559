import { ClipError, isClipError } from "../errors.ts";
import type { FetchContext } from "./fetch-context.ts";
import { type FlightOwner, FlightSpans } from "./flight-spans.ts";
import { type GranuleWanted, verifiedGranules } from "./granule-stream.ts";
import { PieceRun } from "./piece-run.ts";
import { type Piece, planPieces, type Want } from "./planner.ts";
import { cachedResume } from "./span-decoding.ts";
import { StallTimer } from "./stall-timer.ts";
import type { Waiter } from "./waiter.ts";

/**
 * One fetch under way: granules of neighbouring spans, verified, decoded, put into the cache and handed to the readers
 * that wait for them. Readers may join while it runs, and push its goal further.
 */
export class Flight {
  readonly #context: FetchContext;
  readonly #spans: FlightSpans;
  readonly #stall: StallTimer;
  readonly #waiters = new Set<Waiter>();
  readonly #wants: Want[] = [];
  #pieces: Piece[] | undefined;
  /** Where it is: index of the piece, the next granule of its span, and its decoding once that has begun. */
  #current = 0;
  #granule = 0;
  #run: PieceRun | undefined;

  /** `spans`: ascending neighbours, claimed already. */
  constructor(context: FetchContext, owner: FlightOwner, spans: readonly number[]) {
    this.#context = context;
    this.#spans = new FlightSpans(context, owner, spans);
    this.#stall = new StallTimer(context.limits.stallMs, context.closing);
  }

  /** Adds a reader of a span that is this flight's; `want` is what it needs as whole blocks. */
  join(want: Want, waiter: Waiter): void {
    this.#waiters.add(waiter);
    if (this.#pieces === undefined) {
      this.#wants.push(want);
      return;
    }
    const piece = this.#pieces.find(({ span }) => span === want.span)!;
    const goal = this.#context.spans.granuleReaching(want.span, want.to) + 1;
    piece.toGranule = Math.max(piece.toGranule, goal);
    const run = this.#run;
    if (run?.piece === piece) waiter.deliver(run.position - run.tail.length, run.tail);
  }

  /** Fetches. All waiters have been answered when this is over; it does not throw. */
  async run(): Promise<void> {
    const { counters, blob } = this.#context;
    const started = Bun.nanoseconds();
    try {
      const wants = await this.#becomeFetcher();
      if (wants.length > 0) {
        counters?.add("fetches");
        await this.#fetch(this.#plan(wants));
        counters?.observe("originFetch", Bun.nanoseconds() - started);
      }
      for (const waiter of this.#waiters) waiter.settle();
    } catch (error) {
      const failure = this.#stall.explain(error, blob.digest);
      if (!isClipError(failure, "INTERRUPTED")) counters?.add("fetchErrors");
      for (const waiter of this.#waiters) waiter.fail(failure);
    } finally {
      this.#stall.stop();
      this.#spans.releaseAll();
    }
  }

  /**
   * Gets the spans for itself, and what is still wanted of them: another process may have fetched something meanwhile,
   * or be fetching it. Readers of spans that it gives up look again, and wait in a flight of their own if they have to.
   */
  async #becomeFetcher(): Promise<Want[]> {
    const isThere = () => this.#stillMissing().length === 0;
    await this.#spans.lockAll(isThere, this.#stall.signal);
    const wants: Want[] = [];
    for (const want of this.#stillMissing()) {
      const next = (wants.at(-1)?.span ?? want.span) + 1;
      // Beyond a span that is no longer missing, one request would not do.
      if (want.span > next) break;
      wants.push(want);
    }
    const kept = new Set(wants.map(({ span }) => span));
    for (const { span } of this.#wants) {
      if (kept.has(span)) continue;
      if (this.#spans.has(span)) this.#spans.release(span);
      this.#settle(span);
    }
    return wants;
  }

  #stillMissing(): Want[] {
    const missing: Want[] = [];
    for (const { span, from, to } of this.#wants) {
      if (!this.#spans.has(span)) continue;
      const gaps = this.#context.cache.missing(from, to);
      const [first, last] = [gaps[0], gaps.at(-1)];
      if (first && last) missing.push({ span, from: first.from, to: last.to });
    }
    return missing.sort((a, b) => a.span - b.span || a.from - b.from);
  }

  #plan(wants: readonly Want[]): Piece[] {
    const { cache, spans, readahead } = this.#context;
    const { from } = wants[0]!;
    const pieces = planPieces(spans, wants, {
      resumeOf: (span, before) => cachedResume(spans, cache, span, before),
      wholeSpans: spans.map.codec === "zstd" && cache.durable,
      minBytes: readahead.bytesFor(from),
      mayTake: (span) => this.#spans.take(span),
    });
    const [first, last] = [pieces[0]!, pieces.at(-1)!];
    const start = spans.granuleStart(first.span, first.fromGranule);
    const bytes = spans.granuleStart(last.span, last.toGranule) - start;
    readahead.fetched(from, spans.reach(last.span, last.toGranule - 1), bytes);
    this.#pieces = pieces;
    this.#granule = first.fromGranule;
    return pieces;
  }

  async #fetch(pieces: Piece[]): Promise<void> {
    const { blob, gate, counters } = this.#context;
    const events = {
      signal: this.#stall.signal,
      onRequest: () => counters?.add("requests"),
      onRetry: () => counters?.add("retries"),
      onMismatch: () => counters?.add("granuleMismatches"),
      onBytes: (count: number) => counters?.add("fetchedBytes", count),
    };
    const request = async (wanted: readonly GranuleWanted[]) => {
      counters?.add("requestsInFlight");
      try {
        for await (const { granule, bytes } of verifiedGranules(blob, wanted, events)) {
          counters?.add("verifiedGranules");
          this.#stall.progress();
          await this.#decode(pieces[this.#current]!, granule, bytes);
        }
      } finally {
        counters?.add("requestsInFlight", -1);
      }
    };
    try {
      // Once more where a reader pushed the goal further while the request was under way.
      for (let wanted = this.#remaining(); wanted.length > 0; wanted = this.#remaining()) {
        await gate.run(() => request(wanted), this.#stall.signal);
      }
    } finally {
      this.#run?.close();
    }
  }

  #remaining(): GranuleWanted[] {
    const { spans } = this.#context;
    const wanted: GranuleWanted[] = [];
    const pieces = this.#pieces ?? [];
    for (let index = this.#current; index < pieces.length; index++) {
      const { span, fromGranule, toGranule } = pieces[index]!;
      const first = index === this.#current ? this.#granule : fromGranule;
      for (let granule = first; granule < toGranule; granule++) {
        wanted.push({
          granule,
          from: spans.granuleStart(span, granule),
          to: spans.granuleStart(span, granule + 1),
          sha256: spans.granuleSha256(span, granule),
        });
      }
    }
    return wanted;
  }

  async #decode(piece: Piece, { granule }: GranuleWanted, bytes: Uint8Array): Promise<void> {
    const { span } = piece;
    this.#run ??= await PieceRun.open(this.#context, piece, (out, decoded) => {
      for (const waiter of this.#waiters) {
        if (waiter.span === span) waiter.deliver(out, decoded);
        if (waiter.settled) this.#waiters.delete(waiter);
      }
    });
    this.#run.push(bytes);
    this.#granule = granule + 1;
    if (this.#granule < piece.toGranule) return;
    if (this.#isAwaited(span, this.#run.position)) {
      // The archive may promise more of its granules than they give; then the next one is needed too.
      if (piece.toGranule === this.#context.spans.granuleCount(span)) throw this.#tooLittle(span);
      piece.toGranule++;
      return;
    }
    this.#run.close();
    this.#run = undefined;
    this.#settle(span);
    this.#spans.release(span);
    this.#current++;
    this.#granule = this.#pieces?.[this.#current]?.fromGranule ?? 0;
  }

  #isAwaited(span: number, position: number): boolean {
    for (const waiter of this.#waiters) {
      if (waiter.span === span && !waiter.settled && waiter.to > position) return true;
    }
    return false;
  }

  #settle(span: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.span !== span) continue;
      waiter.settle();
      this.#waiters.delete(waiter);
    }
  }

  #tooLittle(span: number): ClipError {
    const { digest } = this.#context.blob;
    return new ClipError(
      "LAYER_CORRUPT",
      `span ${span} of layer ${digest} holds less than the archive says; build the archive again`,
      { digest, span },
    );
  }
}
