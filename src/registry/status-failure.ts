import type { ClipError, ErrorCode } from "../errors.ts";
import { httpFailure } from "./failure.ts";
import { readBody } from "./read-body.ts";
import { parseRetryAfter } from "./retry.ts";
import type { HttpAnswer } from "./send.ts";

const errorBodyLimit = 64 * 1024;
const transientStatuses: readonly number[] = [429, 500, 502, 503, 504];

/**
 * The error for an answer whose status is a failure; reads and closes the answer. `notFound` is the code of a 404, and
 * `what` names the thing asked for.
 */
export async function statusFailure(
  answer: HttpAnswer,
  what: string,
  notFound: ErrorCode = "REGISTRY_ERROR",
): Promise<ClipError> {
  const { status } = answer;
  const registryCode = await registryCodeOf(answer);
  const retryAfterMs = parseRetryAfter(answer.headers.get("retry-after"));
  const { code, why } = meaningOf(status, what, answer.request.url.host, notFound);
  const told = registryCode === undefined ? `${status}` : `${status} ${registryCode}`;
  return httpFailure(code, answer.request, `${why} (${told})`, {
    retryable: transientStatuses.includes(status),
    status,
    ...(registryCode !== undefined && { registryCode }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

function meaningOf(
  status: number,
  what: string,
  host: string,
  notFound: ErrorCode,
): { code: ErrorCode; why: string } {
  switch (status) {
    case 401:
      return { code: "UNAUTHORIZED", why: `${host} wants credentials for ${what}` };
    case 403:
      return { code: "FORBIDDEN", why: `${host} forbids access to ${what}` };
    case 404:
      return { code: notFound, why: `${host} does not have ${what}` };
    case 429:
      return {
        code: "TOO_MANY_REQUESTS",
        why: `${host} refuses ${what} for now: too many requests`,
      };
    default:
      return { code: "REGISTRY_ERROR", why: `${host} fails to give ${what}` };
  }
}

/**
 * The registry's own code out of an error body (distribution spec, "Error Codes"). The message beside it stays out:
 * what a server writes there may repeat a header that holds a secret.
 */
async function registryCodeOf(answer: HttpAnswer): Promise<string | undefined> {
  try {
    const body = JSON.parse(Buffer.from(await readBody(answer, errorBodyLimit)).toString("utf8"));
    const code: unknown = body?.errors?.[0]?.code;
    return typeof code === "string" && /^[A-Z][A-Z_]{1,39}$/.test(code) ? code : undefined;
  } catch {
    // No such body, or it broke off: the status says enough.
    return undefined;
  }
}
