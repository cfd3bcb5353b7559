import { poll } from "../system/locks.ts";
import type { FetchContext } from "./fetch-context.ts";

/** Who keeps account of which fetch has which span, in this process. */
export interface FlightOwner {
  /** Whether a span that nobody asked for may be taken along: absent, and in no other flight. It is the asker's then. */
  claim(span: number): boolean;
  release(span: number): void;
}

/** The spans that a flight has: other flights of this process leave them alone, other processes those it has locked. */
export class FlightSpans {
  readonly #held: Set<number>;
  readonly #locked = new Set<number>();

  /** `spans` are claimed already. */
  constructor(
    private readonly context: FetchContext,
    private readonly owner: FlightOwner,
    spans: readonly number[],
  ) {
    this.#held = new Set(spans);
  }

  has(span: number): boolean {
    return this.#held.has(span);
  }

  /**
   * Locks the spans. Where another process has the first one, waits until that is over or `isOver` says that there is
   * nothing to wait for, but not for long: then both fetch. From the next span on that another process has, they are
   * given up.
   */
  async lockAll(isOver: () => boolean, signal: AbortSignal): Promise<void> {
    const [first, ...others] = this.#held;
    if (first === undefined) return;
    if (!this.#lock(first)) {
      this.context.counters?.add("otherProcessWaits");
      const timeoutMs = this.context.limits.otherProcessMs;
      await poll(() => this.#lock(first) || isOver(), { timeoutMs, signal });
    }
    const busy = others.findIndex((span) => !this.#lock(span));
    if (busy >= 0) for (const span of others.slice(busy)) this.release(span);
  }

  /** Takes a span along that follows, if nobody else has it. */
  take(span: number): boolean {
    if (!this.owner.claim(span)) return false;
    this.#held.add(span);
    if (this.#lock(span)) return true;
    this.release(span);
    return false;
  }

  release(span: number): void {
    this.#held.delete(span);
    if (this.#locked.delete(span)) this.context.cache.unlockSpan(span);
    this.owner.release(span);
  }

  releaseAll(): void {
    for (const span of [...this.#held]) this.release(span);
  }

  #lock(span: number): boolean {
    if (!this.context.cache.tryLockSpan(span)) return false;
    this.#locked.add(span);
    return true;
  }
}
