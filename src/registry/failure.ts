import { ClipError, type ErrorCode, type ErrorData } from "../errors.ts";
import { redactUrl } from "./url.ts";

/** Errors of HTTP: each keeps method, redacted URL and whether trying again can help. */

/** What was asked; headers and bodies never get into an error. */
export interface Asked {
  readonly method: string;
  readonly url: URL;
}

interface Details {
  readonly retryable: boolean;
  readonly status?: number;
  /** The registry's own code (distribution spec, "Error Codes"). */
  readonly registryCode?: string;
  /** How long the server asks to wait. */
  readonly retryAfterMs?: number;
}

/** A ClipError about one request; `why` follows the method and the URL in the message. */
export function httpFailure(
  code: ErrorCode,
  asked: Asked,
  why: string,
  details: Details,
  cause?: unknown,
): ClipError {
  const url = redactUrl(asked.url);
  const data: ErrorData = { method: asked.method, url, ...details };
  const message = `${asked.method} ${url}: ${why}`;
  return new ClipError(code, message, data, cause === undefined ? undefined : { cause });
}

/** Whether the same request may succeed when it is sent again. */
export const isRetryable = (error: unknown): error is ClipError =>
  error instanceof ClipError && error.data.retryable === true;

/** The error for an operation that `signal` ended: its reason where that is a ClipError. */
export const interrupted = (signal: AbortSignal): ClipError =>
  signal.reason instanceof ClipError ? signal.reason : new ClipError("INTERRUPTED", "interrupted");

/** Turns what fetch threw into a ClipError. Bun's errors carry Node's or BoringSSL's codes. */
export function connectionFailure(error: unknown, asked: Asked): ClipError {
  if (error instanceof ClipError) return error;
  const code = errnoOf(error);
  const host = asked.url.host;
  if (code === "ENOTFOUND") {
    const why = `the host ${asked.url.hostname} is not known; check the name and the network`;
    return httpFailure("UNREACHABLE", asked, why, { retryable: false }, error);
  }
  if (code === "EPROTO") {
    const why = `${host} does not speak TLS; if it serves plain HTTP, use --insecure`;
    return httpFailure("UNREACHABLE", asked, why, { retryable: false }, error);
  }
  if (/CERT|SIGNATURE|SSL|TLS/.test(code)) {
    const why = `the certificate of ${host} cannot be verified (${code}); to go on regardless, use --insecure`;
    return httpFailure("UNREACHABLE", asked, why, { retryable: false }, error);
  }
  const why =
    code === "ECONNREFUSED"
      ? `${host} refuses the connection; is the server running?`
      : `the connection broke (${code || "no reason given"})`;
  return httpFailure("UNREACHABLE", asked, why, { retryable: true }, error);
}

const errnoOf = (error: unknown): string => {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" && /^\w{1,64}$/.test(code) ? code : "";
};

/** `pending`, or an error as soon as `signal` ends the wait for it. */
export async function orInterrupted<T>(
  pending: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return pending;
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(interrupted(signal));
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([pending, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
