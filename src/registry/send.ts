import { fetch } from "undici";
import { ClipError } from "../errors.ts";
import { connectionFailure, httpFailure, interrupted } from "./failure.ts";
import { isLoopback } from "./url.ts";

/** One HTTP request, as it is: no redirect is followed, nothing is tried again. */

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface TimeLimits {
  /** From the start of connecting to the end of the answer's headers, in ms. */
  readonly headersMs: number;
  /** The longest time without a byte of the body while one is waited for, in ms. */
  readonly stallMs: number;
}

export const defaultTimeLimits: TimeLimits = { headersMs: 15_000, stallMs: 15_000 };

export interface SendOptions {
  readonly limits: TimeLimits;
  /** Accepts any TLS certificate. */
  readonly insecure: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** An answer whose body is still to be read. Every answer is closed in the end. */
export interface HttpAnswer {
  /** What this is the answer to: after redirects, the last request. */
  readonly request: HttpRequest;
  readonly status: number;
  readonly headers: Headers;
  /** The body in pieces. What breaks it is a retryable ClipError. */
  chunks(): AsyncGenerator<Uint8Array, void, void>;
  /** Gives the connection up where the body was not read to its end. */
  close(): Promise<void>;
}

/** Bun replaces undici by its own client, whose fetch takes more than undici's types know. */
const bunFetch = fetch as unknown as (
  url: string,
  init: BunFetchRequestInit & { readonly decompress: boolean },
) => Promise<Response>;

/** @throws ClipError UNREACHABLE, TIMEOUT or INTERRUPTED. */
export async function send(request: HttpRequest, options: SendOptions): Promise<HttpAnswer> {
  const { limits, signal } = options;
  const line = openLine(request, signal);
  try {
    const response = await line.within(limits.headersMs, "no answer", () =>
      bunFetch(request.url.href, {
        method: request.method,
        // Blobs are wanted as they are stored: a range of a gzip file cannot be decompressed (design D6).
        headers: { "user-agent": "clip", ...request.headers, "accept-encoding": "identity" },
        redirect: "manual",
        decompress: false,
        timeout: false,
        keepalive: true,
        signal: line.signal,
        ...(request.body !== undefined && { body: request.body }),
        ...(options.insecure && { tls: { rejectUnauthorized: false } }),
        // As Go does: a proxy of the environment cannot reach this machine's own servers.
        ...(isLoopback(request.url.hostname) && { proxy: false as never }),
      }),
    );
    return answerOf(request, response, line, limits.stallMs);
  } catch (error) {
    line.close();
    throw error;
  }
}

function answerOf(
  request: HttpRequest,
  response: Response,
  line: Line,
  stallMs: number,
): HttpAnswer {
  const reader = response.body?.getReader();
  let ended = reader === undefined;
  if (ended) line.close();
  const close = async (): Promise<void> => {
    line.close();
    if (ended) return;
    ended = true;
    // Cancelling fails where the connection already has.
    await reader?.cancel().catch(() => undefined);
  };
  return {
    request,
    status: response.status,
    headers: response.headers,
    close,
    async *chunks() {
      try {
        while (!ended) {
          const { done, value } = await line.within(stallMs, "the body stalled", () =>
            reader!.read(),
          );
          if (done) ended = true;
          else if (value.length > 0) yield value;
        }
      } finally {
        await close();
      }
    },
  };
}

/** What ends the steps of one exchange early: the caller's signal, or the time limit of a step. */
interface Line {
  readonly signal: AbortSignal;
  within<T>(limitMs: number, what: string, step: () => Promise<T>): Promise<T>;
  close(): void;
}

function openLine(request: HttpRequest, outer: AbortSignal | undefined): Line {
  if (outer?.aborted) throw interrupted(outer);
  const controller = new AbortController();
  const stop = (): void => controller.abort(interrupted(outer!));
  outer?.addEventListener("abort", stop, { once: true });
  return {
    signal: controller.signal,
    async within(limitMs, what, step) {
      const timer = setTimeout(() => {
        const why = `${what} for ${limitMs / 1000} s`;
        controller.abort(httpFailure("TIMEOUT", request, why, { retryable: true }));
      }, limitMs);
      try {
        return await step();
      } catch (error) {
        const { reason } = controller.signal;
        throw reason instanceof ClipError ? reason : connectionFailure(error, request);
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => outer?.removeEventListener("abort", stop),
  };
}
