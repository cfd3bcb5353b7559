import { ClipError } from "../errors.ts";
import type { FetchContext } from "./fetch-context.ts";
import { Flight } from "./flight.ts";
import { groupWants, splitBySpan, type Want } from "./planner.ts";
import { Waiter } from "./waiter.ts";

interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * Each round either delivers bytes, or finds that another process or reader has stored them. More rounds than this mean
 * that what is stored vanishes at once, as on a disk that forgets.
 */
const maxRounds = 16;

/** Reads one layer's tar through the cache, and fetches what is missing; of each span at most once at a time. */
export class LayerFetcher {
  readonly #context: FetchContext;
  readonly #flights = new Map<number, Flight>();
  readonly #running = new Set<Promise<void>>();

  constructor(context: FetchContext) {
    this.#context = context;
  }

  /** Fills `into` from index `at` on with tar bytes `from` to `to`, which lie in the tar. Throws ClipError. */
  async read(from: number, to: number, into: Uint8Array, at: number): Promise<void> {
    let open: Range[] = [{ from, to }];
    for (let round = 0; open.length > 0; round++) {
      if (round === maxRounds) throw this.#neverKept();
      open = await this.#readRound(open, into, at - from);
    }
  }

  /** Waits until no fetch is under way. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Returns what is still open. `base`: index in `into` of tar offset 0. */
  async #readRound(open: readonly Range[], into: Uint8Array, base: number): Promise<Range[]> {
    const { cache } = this.#context;
    const left: Range[] = [];
    const waiters: Waiter[] = [];
    const read = (from: number, to: number) =>
      from >= to || cache.tryRead(from, to - from, into, base + from);
    for (const range of open) {
      if (read(range.from, range.to)) continue;
      const gaps = cache.missing(range.from, range.to);
      let at = range.from;
      for (const gap of [...gaps, { from: range.to, to: range.to }]) {
        if (!read(at, gap.from)) left.push({ from: at, to: gap.from });
        at = Math.max(at, gap.to);
      }
      waiters.push(...this.#fetch(gaps, range, into, base));
    }
    const delivered = await Promise.all(waiters.map(({ done }) => done));
    waiters.forEach(({ from }, i) => {
      if (delivered[i]! > from) left.push({ from, to: delivered[i]! });
    });
    return left;
  }

  /** Has missing blocks fetched; the waiters get those bytes of them that are in `range`. */
  #fetch(gaps: readonly Range[], range: Range, into: Uint8Array, base: number): Waiter[] {
    const { spans, counters } = this.#context;
    const waiters: Waiter[] = [];
    const fresh: { readonly want: Want; readonly waiter: Waiter }[] = [];
    for (const want of gaps.flatMap(({ from, to }) => splitBySpan(spans, from, to))) {
      const from = Math.max(want.from, range.from);
      const waiter = new Waiter(want.span, from, Math.min(want.to, range.to), into, base + from);
      waiters.push(waiter);
      const flight = this.#flights.get(want.span);
      if (flight === undefined) fresh.push({ want, waiter });
      else {
        counters?.add("joinedFetches");
        flight.join(want, waiter);
      }
    }
    for (const group of groupWants(
      spans,
      fresh.map(({ want }) => want),
    )) {
      const flight = this.#launch(group);
      for (const { want, waiter } of fresh) if (group.includes(want)) flight.join(want, waiter);
    }
    return waiters;
  }

  #launch(wants: readonly Want[]): Flight {
    const spans = [...new Set(wants.map(({ span }) => span))];
    const owner = {
      claim: (span: number) => {
        if (this.#flights.has(span) || !this.#isAbsent(span)) return false;
        this.#flights.set(span, flight);
        return true;
      },
      release: (span: number) => {
        if (this.#flights.get(span) === flight) this.#flights.delete(span);
      },
    };
    const flight = new Flight(this.#context, owner, spans);
    for (const span of spans) this.#flights.set(span, flight);
    // Its first readers join before it takes its first step.
    const running = Promise.resolve().then(() => flight.run());
    this.#running.add(running);
    running.finally(() => this.#running.delete(running));
    return flight;
  }

  /** Whether nothing of the start of a span is cached yet. */
  #isAbsent(span: number): boolean {
    const { spans, cache } = this.#context;
    const start = spans.starts[span]!;
    return spans.starts[span + 1]! > start && cache.missing(start, start + 1).length > 0;
  }

  #neverKept(): ClipError {
    const { digest } = this.#context.blob;
    return new ClipError(
      "IO",
      `what was fetched of layer ${digest} could not be read back from the local cache; check its disk`,
      { digest },
    );
  }
}
