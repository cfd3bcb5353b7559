import { type Asked, httpFailure } from "./failure.ts";
import { createHostSlots } from "./host-slots.ts";
import {
  defaultTimeLimits,
  type HttpAnswer,
  type HttpRequest,
  send,
  type TimeLimits,
} from "./send.ts";
import { isLoopback } from "./url.ts";

export interface HttpClientOptions {
  /** Allows plain HTTP and any TLS certificate. */
  readonly insecure?: boolean;
  readonly limits?: TimeLimits;
  /** Requests in flight to one host. */
  readonly perHost?: number;
}

export interface ExchangeOptions {
  readonly signal?: AbortSignal | undefined;
  /** A request goes out, those after a redirect included. */
  readonly onRequest?: (() => void) | undefined;
}

export interface FinalAnswer extends HttpAnswer {
  /** Redirects led to another origin than the one asked first. */
  readonly elsewhere: boolean;
}

/** Requests under a limit per host, with redirects followed. */
export interface HttpClient {
  /**
   * Sends a request, without trying again. The answer may have any status but a redirect's.
   * @throws ClipError UNREACHABLE, TIMEOUT, INTERRUPTED; REGISTRY_ERROR for a redirect that cannot be followed.
   */
  exchange(request: HttpRequest, options?: ExchangeOptions): Promise<FinalAnswer>;
}

const maxRedirects = 10;
const redirectStatuses: readonly number[] = [301, 302, 303, 307, 308];

export function createHttpClient(client: HttpClientOptions = {}): HttpClient {
  const { insecure = false, limits = defaultTimeLimits } = client;
  const slots = createHostSlots(client.perHost ?? 16);
  const sendInSlot = async (
    request: HttpRequest,
    { signal, onRequest }: ExchangeOptions,
  ): Promise<HttpAnswer> => {
    const release = await slots.take(request.url.origin, signal);
    try {
      onRequest?.();
      const answer = await send(request, { limits, insecure, signal });
      return releasing(answer, release);
    } catch (error) {
      release();
      throw error;
    }
  };
  return {
    async exchange(first, options = {}) {
      let request = first;
      for (let hops = 0; ; hops++) {
        const answer = await sendInSlot(request, options);
        if (!redirectStatuses.includes(answer.status)) {
          return { ...answer, elsewhere: request.url.origin !== first.url.origin };
        }
        await answer.close();
        if (hops === maxRedirects) {
          throw refused(first, `more than ${maxRedirects} redirects`);
        }
        request = redirected(request, answer.headers.get("location"), insecure);
      }
    },
  };
}

/** The same answer, which also gives its slot back when it is through. */
const releasing = (answer: HttpAnswer, release: () => void): HttpAnswer => ({
  ...answer,
  async *chunks() {
    try {
      yield* answer.chunks();
    } finally {
      release();
    }
  },
  async close() {
    release();
    await answer.close();
  },
});

/** The request that a redirect asks for. Another origin gets no Authorization, now or after further redirects. */
function redirected(request: HttpRequest, location: string | null, insecure: boolean): HttpRequest {
  if (request.method === "POST") throw refused(request, "redirects a request that holds secrets");
  const url = location === null ? null : URL.parse(location, request.url.href);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw refused(request, "redirects to no URL");
  }
  if (request.url.protocol === "https:" && url.protocol === "http:" && !insecure) {
    throw refused(request, `redirects to plain HTTP at ${url.host}; to allow that, use --insecure`);
  }
  // A public registry has no business with the servers of this machine.
  if (isLoopback(url.hostname) && !isLoopback(request.url.hostname) && !insecure) {
    throw refused(request, `redirects to this machine (${url.host})`);
  }
  url.username = "";
  url.password = "";
  if (url.origin === request.url.origin) return { ...request, url };
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => name.toLowerCase() !== "authorization"),
  );
  return { ...request, url, headers };
}

const refused = (asked: Asked, why: string) =>
  httpFailure("REGISTRY_ERROR", asked, why, { retryable: false });
