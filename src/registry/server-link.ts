/** A simulated network link: all that passes it shares one bandwidth, and every answer waits one round trip. */
export interface Link {
  /** Waits until `length` bytes have passed, after all that was asked for before. */
  pass(length: number): Promise<void>;
  roundTrip(): Promise<void>;
}

/** Timers have a resolution of 1 ms: shorter debts are left standing until they add up. */
const shortestWaitMs = 2;

export function createLink(bytesPerSecond = Number.POSITIVE_INFINITY, latencyMs = 0): Link {
  /** When the link has sent what it was given so far. */
  let freeAt = 0;
  return {
    async pass(length) {
      const now = performance.now();
      freeAt = Math.max(now, freeAt) + (length / bytesPerSecond) * 1000;
      if (freeAt - now >= shortestWaitMs) await Bun.sleep(freeAt - now);
    },
    async roundTrip() {
      if (latencyMs > 0) await Bun.sleep(latencyMs);
    },
  };
}
