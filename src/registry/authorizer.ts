import type { Credentials, Environment } from "./auth-file.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import { findCredentials } from "./credentials.ts";
import { orInterrupted } from "./failure.ts";
import type { ExchangeOptions, HttpClient } from "./http-client.ts";
import { type AccessToken, basicHeader, fetchToken } from "./token.ts";

/** Finds the Authorization header for requests to one registry, and renews it. */
export interface Authorizer {
  /** The header for requests to `repository` as far as is known; fetches a new token where the last one has run out. */
  header(repository: string, options: ExchangeOptions): Promise<string | undefined>;
  /**
   * Answers a 401: the header to try next, or undefined where nothing better than `used` can be had. Requests that
   * meet a 401 together share one renewal.
   */
  renew(
    repository: string,
    used: string | undefined,
    wwwAuthenticate: string,
    options: ExchangeOptions,
  ): Promise<string | undefined>;
  /** For the message when access is refused: what stood in the way of finding credentials. */
  problems(): readonly string[];
}

export interface AuthorizerOptions {
  /** As people write it. */
  readonly registry: string;
  readonly registryUrl: URL;
  readonly insecure: boolean;
  readonly http: HttpClient;
  readonly env?: Environment | undefined;
}

/** What one repository's requests carry. */
interface Grant {
  readonly header: string;
  /** Of a token: how to get the next one. */
  readonly renewal?: { readonly challenge: Challenge; readonly goodUntil: number };
}

export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const { http, registry, registryUrl, insecure } = options;
  const grants = new Map<string, Grant>();
  const underWay = new Map<string, Promise<Grant | undefined>>();
  let problems: readonly string[] = [];

  const grantFor = async (
    repository: string,
    challenge: Challenge,
    exchange: ExchangeOptions,
  ): Promise<Grant | undefined> => {
    const found = await findCredentials(registry, repository, {
      env: options.env,
      signal: exchange.signal,
    });
    problems = found.problems;
    const { credentials } = found;
    if (credentials?.kind === "bearer") return { header: `Bearer ${credentials.token}` };
    if (challenge.scheme === "basic") return basicGrant(credentials);
    const scope = `repository:${repository}:pull`;
    const access: AccessToken = await fetchToken(http, registryUrl, challenge, scope, credentials, {
      ...exchange,
      insecure,
    });
    const renewal = { challenge, goodUntil: access.goodUntil };
    return { header: `Bearer ${access.token}`, renewal };
  };

  /** One renewal per repository at a time; it must not end with the one request that happened to start it. */
  const renewOnce = async (
    repository: string,
    challenge: Challenge,
    exchange: ExchangeOptions,
  ): Promise<Grant | undefined> => {
    const { signal, onRequest } = exchange;
    let pending = underWay.get(repository);
    if (pending === undefined) {
      pending = grantFor(repository, challenge, { onRequest })
        .then((grant) => {
          if (grant === undefined) grants.delete(repository);
          else grants.set(repository, grant);
          return grant;
        })
        .finally(() => underWay.delete(repository));
      underWay.set(repository, pending);
    }
    return orInterrupted(pending, signal);
  };

  return {
    async header(repository, exchange) {
      const grant = grants.get(repository);
      if (grant?.renewal === undefined || Date.now() < grant.renewal.goodUntil) {
        return grant?.header;
      }
      return (await renewOnce(repository, grant.renewal.challenge, exchange))?.header;
    },
    async renew(repository, used, wwwAuthenticate, exchange) {
      const current = grants.get(repository)?.header;
      if (current !== undefined && current !== used) return current;
      const challenge = bestChallenge(wwwAuthenticate);
      if (challenge === undefined) return undefined;
      const header = (await renewOnce(repository, challenge, exchange))?.header;
      return header === used ? undefined : header;
    },
    problems: () => problems,
  };
}

/** A token is worth more than a password: it is good for one repository and a short time. */
function bestChallenge(wwwAuthenticate: string): Challenge | undefined {
  const challenges = parseChallenges(wwwAuthenticate);
  return (
    challenges.find(({ scheme, parameters }) => scheme === "bearer" && parameters.has("realm")) ??
    challenges.find(({ scheme }) => scheme === "basic")
  );
}

function basicGrant(credentials: Credentials | undefined): Grant | undefined {
  if (credentials?.kind !== "password") return undefined;
  return { header: basicHeader(credentials) };
}
