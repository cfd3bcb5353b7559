import { ClipError, toClipError } from "../errors.ts";

/**
 * Ends a fetch that makes no progress: aborts `signal` when no granule was had for `stallMs`, or `closing` is aborted.
 * Bytes alone are no progress, or an origin that drips would keep readers for ever.
 */
export class StallTimer {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #timer: Timer;
  #stalled = false;

  constructor(
    private readonly stallMs: number,
    closing: AbortSignal,
  ) {
    this.signal = AbortSignal.any([this.#controller.signal, closing]);
    this.#timer = setTimeout(() => {
      this.#stalled = true;
      this.#controller.abort();
    }, stallMs);
  }

  /** A granule has arrived whole; the time begins anew. */
  progress(): void {
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** What a failed fetch of layer `digest` is to be called. */
  explain(error: unknown, digest: string): ClipError {
    if (!this.#stalled) return toClipError(error, `fetching layer ${digest}`);
    return new ClipError(
      "TIMEOUT",
      `no granule of layer ${digest} arrived whole for ${this.stallMs / 1000} s; is its origin reachable?`,
      { digest },
      { cause: error },
    );
  }
}
