import { ClipError } from "../errors.ts";
import { parseJsonObject } from "../formats/oci/json.ts";
import type { Credentials } from "./auth-file.ts";
import type { Challenge } from "./challenge.ts";
import { httpFailure } from "./failure.ts";
import type { ExchangeOptions, HttpClient } from "./http-client.ts";
import { readBody } from "./read-body.ts";
import type { HttpRequest } from "./send.ts";
import { statusFailure } from "./status-failure.ts";
import { isLoopback, redactUrl } from "./url.ts";

/** An access token and when to stop using it (ms, as Date.now). */
export interface AccessToken {
  readonly token: string;
  readonly goodUntil: number;
}

const maxAnswerLength = 1024 * 1024;
/** What a missing expires_in means (distribution spec, auth/token). */
const defaultLifetime = 60;

/**
 * Trades credentials, or none, for an access token at the realm that a Bearer challenge names (distribution spec,
 * auth/token and auth/oauth).
 * @throws ClipError UNAUTHORIZED where the realm refuses or may not be asked; errors of HTTP.
 */
export async function fetchToken(
  http: HttpClient,
  registry: URL,
  challenge: Challenge,
  scope: string,
  credentials: Credentials | undefined,
  options: ExchangeOptions & { readonly insecure: boolean },
): Promise<AccessToken> {
  const realm = realmOf(challenge, registry, options.insecure);
  const service = challenge.parameters.get("service");
  const asked = new URLSearchParams({ ...(service && { service }), scope });
  const request = tokenRequest(realm, asked, credentials);
  const answer = await http.exchange(request, options);
  if (answer.status !== 200) {
    const failure = await statusFailure(answer, `a token for ${registry.host}`);
    if (failure.data.status !== 401 && failure.data.status !== 403) throw failure;
    const why = credentials
      ? `${realm.host} refuses the credentials for ${registry.host}; log in again with \`docker login ${registry.host}\``
      : `${realm.host} gives no anonymous access to ${registry.host}; log in with \`docker login ${registry.host}\``;
    throw httpFailure("UNAUTHORIZED", request, why, { retryable: false });
  }
  return parseToken(await readBody(answer, maxAnswerLength), realm);
}

/**
 * The realm's URL. The registry says over TLS whom to ask, and that one is asked over TLS; only a registry on this
 * machine, or one that --insecure is given for, may name a realm of plain HTTP, on the same host or this machine.
 */
function realmOf(challenge: Challenge, registry: URL, insecure: boolean): URL {
  const realm = URL.parse(challenge.parameters.get("realm") ?? "", registry.href);
  const trusting = insecure || isLoopback(registry.hostname);
  const near =
    realm !== null && (realm.hostname === registry.hostname || isLoopback(realm.hostname));
  const allowed = realm?.protocol === "https:" || (realm?.protocol === "http:" && trusting && near);
  if (realm === null || !allowed) {
    const named = realm === null ? "no realm" : redactUrl(realm);
    throw new ClipError(
      "UNAUTHORIZED",
      `${registry.host} wants tokens fetched from ${named}, which is not safe; ask who runs the registry`,
      { registry: registry.host, realm: named },
    );
  }
  realm.username = "";
  realm.password = "";
  realm.hash = "";
  return realm;
}

function tokenRequest(
  realm: URL,
  asked: URLSearchParams,
  credentials: Credentials | undefined,
): HttpRequest {
  if (credentials?.kind === "identity") {
    asked.set("grant_type", "refresh_token");
    asked.set("client_id", "clip");
    asked.set("refresh_token", credentials.token);
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return { method: "POST", url: realm, headers, body: asked.toString() };
  }
  const url = new URL(realm);
  for (const [name, value] of asked) url.searchParams.set(name, value);
  const headers =
    credentials?.kind === "password" ? { authorization: basicHeader(credentials) } : undefined;
  return { method: "GET", url, headers: headers ?? {} };
}

/** The value of an Authorization header with a password (RFC 7617, with UTF-8). */
export const basicHeader = (credentials: Credentials & { kind: "password" }): string =>
  `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`, "utf8").toString("base64")}`;

function parseToken(body: Uint8Array, realm: URL): AccessToken {
  const fail = (why: string): ClipError =>
    httpFailure("REGISTRY_ERROR", { method: "GET", url: realm }, why, { retryable: false });
  let answer: Readonly<Record<string, unknown>>;
  try {
    answer = parseJsonObject(body, "the answer");
  } catch {
    throw fail("the answer to a request for a token is not JSON");
  }
  const token = answer.token || answer.access_token;
  // What cannot stand in a header would be an error that quotes it.
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) {
    throw fail("the answer to a request for a token holds none");
  }
  const { expires_in: told } = answer;
  const lifetime = typeof told === "number" && told > 0 ? Math.min(told, 86_400) : defaultLifetime;
  // A tenth early, so that it does not run out on its way. The realm's clock is not trusted.
  return { token, goodUntil: Date.now() + lifetime * 900 };
}
