import { interrupted } from "./failure.ts";

/** Limits how many requests to one host are in flight at once. */
export interface HostSlots {
  /** Waits for a free slot of `host`; the function returned gives it back (calling it again does nothing). */
  take(host: string, signal?: AbortSignal): Promise<() => void>;
}

interface Host {
  inUse: number;
  /** First come, first served. */
  readonly waiting: Set<() => void>;
}

export function createHostSlots(limit: number): HostSlots {
  const hosts = new Map<string, Host>();
  const give = (name: string, host: Host): void => {
    const next = host.waiting.values().next().value;
    if (next !== undefined) {
      host.waiting.delete(next);
      next();
      return;
    }
    host.inUse -= 1;
    if (host.inUse === 0) hosts.delete(name);
  };
  return {
    async take(name, signal) {
      if (signal?.aborted) throw interrupted(signal);
      const host = hosts.get(name) ?? { inUse: 0, waiting: new Set() };
      hosts.set(name, host);
      if (host.inUse < limit) host.inUse += 1;
      else await turn(host, signal);
      let given = false;
      return () => {
        if (!given) give(name, host);
        given = true;
      };
    },
  };
}

const turn = (host: Host, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    const start = (): void => {
      signal?.removeEventListener("abort", stop);
      resolve();
    };
    const stop = (): void => {
      host.waiting.delete(start);
      reject(interrupted(signal!));
    };
    host.waiting.add(start);
    signal?.addEventListener("abort", stop, { once: true });
  });
