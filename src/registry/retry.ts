import { interrupted, isRetryable } from "./failure.ts";

/** When a failed request is sent again. */
export interface RetryPolicy {
  /** Attempts in all; counting starts again when a body has made real progress. */
  readonly attempts: number;
  /** The wait before the second attempt, in ms; it doubles with each further one, up to `capMs`. */
  readonly baseMs: number;
  readonly capMs: number;
  /** The longest wait that a server's Retry-After is granted, in ms. */
  readonly retryAfterCapMs: number;
}

export const defaultRetryPolicy: RetryPolicy = {
  attempts: 5,
  baseMs: 250,
  capMs: 8_000,
  retryAfterCapMs: 30_000,
};

/** The memory of one operation: how often it has failed since it last got on. */
export interface Retrier {
  /**
   * Waits until it is time to try again after `error`.
   * @throws `error` itself where trying again cannot help or has been tried often enough; INTERRUPTED.
   */
  afterFailure(error: unknown): Promise<void>;
  /** The operation got on: attempts are counted afresh. */
  progressed(): void;
}

export interface RetrierOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onRetry?: ((reason: string) => void) | undefined;
}

export function createRetrier(policy: RetryPolicy, options: RetrierOptions = {}): Retrier {
  let failures = 0;
  return {
    async afterFailure(error) {
      failures += 1;
      if (!isRetryable(error) || failures >= policy.attempts) throw error;
      const wait = pauseBefore(failures, policy, error.data.retryAfterMs);
      await sleep(wait, options.signal);
      options.onRetry?.(error.message);
    },
    progressed() {
      failures = 0;
    },
  };
}

/** Tries until it succeeds or `retrier` gives up. */
export async function retrying<T>(retrier: Retrier, attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      await retrier.afterFailure(error);
    }
  }
}

/**
 * Exponential back-off where the upper half is random, so that clients that failed together do not come back together;
 * a server's Retry-After counts where it is longer.
 */
function pauseBefore(failures: number, policy: RetryPolicy, asked: unknown): number {
  const ceiling = Math.min(policy.capMs, policy.baseMs * 2 ** (failures - 1));
  const own = ceiling / 2 + (Math.random() * ceiling) / 2;
  return typeof asked === "number" ? Math.max(own, Math.min(asked, policy.retryAfterCapMs)) : own;
}

/** The wait that a Retry-After header asks for in ms (RFC 9110, section 10.2.3: seconds or a date). */
export function parseRetryAfter(value: string | null, now = Date.now()): number | undefined {
  if (value === null) return undefined;
  const text = value.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // Only the forms of an HTTP date: Date.parse takes much else, as "-1".
  const date = /^[A-Z][a-z]+,? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Waits `ms`, at most until `signal` ends it. @throws ClipError INTERRUPTED. */
export const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(interrupted(signal));
      return;
    }
    const stop = (): void => {
      clearTimeout(timer);
      reject(interrupted(signal!));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
