import { ClipError, type ErrorCode } from "../errors.ts";
import { digestOf, verifyDigest } from "../formats/oci/digest.ts";
import { maxDocumentLength } from "../formats/oci/json.ts";
import { acceptedManifests, essenceOf } from "../formats/oci/media-types.ts";
import type { Environment } from "./auth-file.ts";
import { type Authorizer, createAuthorizer } from "./authorizer.ts";
import { orInterrupted } from "./failure.ts";
import {
  createHttpClient,
  type ExchangeOptions,
  type FinalAnswer,
  type HttpClient,
} from "./http-client.ts";
import { readBody } from "./read-body.ts";
import type { Reference } from "./reference.ts";
import {
  createRetrier,
  defaultRetryPolicy,
  type Retrier,
  type RetryPolicy,
  retrying,
} from "./retry.ts";
import { findApi } from "./scheme.ts";
import type { HttpRequest, TimeLimits } from "./send.ts";
import { statusFailure } from "./status-failure.ts";

/** Plain data: it can be sent to a worker. */
export interface RegistryOptions {
  /** Allows plain HTTP, and TLS with any certificate. */
  readonly insecure?: boolean;
  readonly retry?: RetryPolicy;
  readonly limits?: TimeLimits;
  /** Requests in flight to one host. */
  readonly perHost?: number;
  /** In the place of process.env when credentials are looked for. */
  readonly env?: Environment;
}

export interface CallOptions extends ExchangeOptions {
  readonly onRetry?: ((reason: string) => void) | undefined;
}

/** A manifest or index as the registry sent it; the bytes have the digest. */
export interface FetchedManifest {
  readonly bytes: Uint8Array;
  readonly digest: string;
  readonly mediaType: string;
}

export interface OpenRequest {
  readonly method: "GET" | "HEAD";
  /** Below `/v2/REPOSITORY/`; or a URL elsewhere that the registry had redirected to, which gets no Authorization. */
  readonly target: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** The thing asked for, in messages, and the code of the error when it is not there. */
  readonly what: string;
  readonly notFound: ErrorCode;
}

/** Reads from one repository of a registry. */
export interface RegistryClient {
  /** A manifest by tag or digest. @throws ClipError IMAGE_NOT_FOUND, DIGEST_MISMATCH, LIMIT_EXCEEDED; errors of HTTP. */
  manifest(tagOrDigest: string, options?: CallOptions): Promise<FetchedManifest>;
  /** A blob as a whole, for small ones: at most {@link maxDocumentLength} bytes, verified. */
  smallBlob(digest: string, options?: CallOptions): Promise<Uint8Array>;
  /** One attempt with authorization and redirects. The answer is a success (or 416); the caller closes it. */
  open(request: OpenRequest, options?: ExchangeOptions): Promise<FinalAnswer>;
  /** The memory of one operation's failures, by this client's policy. */
  retrier(options?: CallOptions): Retrier;
}

export function createRegistryClient(
  reference: Reference,
  options: RegistryOptions = {},
): RegistryClient {
  const { insecure = false } = options;
  const http = createHttpClient({
    insecure,
    ...(options.limits && { limits: options.limits }),
    ...(options.perHost && { perHost: options.perHost }),
  });
  const session = openSession(http, reference, insecure, options.env);
  const retrier = (call: CallOptions = {}): Retrier =>
    createRetrier(options.retry ?? defaultRetryPolicy, call);

  const open: RegistryClient["open"] = async (request, exchange = {}) => {
    const answer = await session(request, exchange);
    // 416 tells the length of what is there; who asks for ranges makes sense of it.
    if (answer.status < 300 || answer.status === 416) return answer;
    throw await statusFailure(answer, request.what, request.notFound);
  };

  const wholeBody = (request: OpenRequest, call: CallOptions) =>
    retrying(retrier(call), async () => {
      const answer = await open(request, call);
      if (answer.status === 200) {
        return { headers: answer.headers, bytes: await readBody(answer, maxDocumentLength) };
      }
      throw await statusFailure(answer, request.what, request.notFound);
    });

  return {
    open,
    retrier,
    async manifest(tagOrDigest, call = {}) {
      const byDigest = tagOrDigest.includes(":");
      const what = `${reference.name}${byDigest ? "@" : ":"}${tagOrDigest}`;
      const { headers, bytes } = await wholeBody(
        {
          method: "GET",
          target: `manifests/${tagOrDigest}`,
          headers: { accept: acceptedManifests.join(", ") },
          what,
          notFound: "IMAGE_NOT_FOUND",
        },
        call,
      );
      const promised = byDigest ? tagOrDigest : headers.get("docker-content-digest");
      if (promised) verifyDigest(bytes, promised, `the manifest ${what}`);
      const mediaType = essenceOf(headers.get("content-type") ?? "");
      return { bytes, digest: promised || digestOf(bytes), mediaType };
    },
    async smallBlob(digest, call = {}) {
      const what = `the blob ${digest} of ${reference.name}`;
      const target = `blobs/${digest}`;
      const request = { method: "GET", target, what, notFound: "LAYER_NOT_FOUND" } as const;
      const { bytes } = await wholeBody(request, call);
      verifyDigest(bytes, digest, what);
      return bytes;
    },
  };
}

/** Sends requests with the right base URL and Authorization; answers one 401 of the registry for each request. */
function openSession(
  http: HttpClient,
  reference: Reference,
  insecure: boolean,
  env: Environment | undefined,
): (request: OpenRequest, exchange: ExchangeOptions) => Promise<FinalAnswer> {
  let connected: Promise<{ base: URL; authorizer: Authorizer }> | undefined;
  const connect = async (): Promise<{ base: URL; authorizer: Authorizer }> => {
    const base = await findApi(http, reference.apiHost, insecure);
    const { registry } = reference;
    const authorizer = createAuthorizer({ registry, registryUrl: base, insecure, http, env });
    return { base, authorizer };
  };
  return async ({ method, target, headers = {} }, exchange) => {
    if (target instanceof URL) return http.exchange({ method, url: target, headers }, exchange);
    connected ??= connect().catch((error) => {
      connected = undefined;
      throw error;
    });
    const { base, authorizer } = await orInterrupted(connected, exchange.signal);
    const { repository } = reference;
    const url = new URL(`/v2/${repository}/${target}`, base);
    const ask = (authorization: string | undefined): Promise<FinalAnswer> => {
      const request: HttpRequest = {
        method,
        url,
        headers: { ...headers, ...(authorization !== undefined && { authorization }) },
      };
      return http.exchange(request, exchange);
    };
    const used = await authorizer.header(repository, exchange);
    const answer = await ask(used);
    if (answer.status !== 401 || answer.elsewhere) return answer;
    await answer.close();
    const challenge = answer.headers.get("www-authenticate") ?? "";
    const renewed = await authorizer.renew(repository, used, challenge, exchange);
    if (renewed !== undefined) {
      const second = await ask(renewed);
      if (second.status !== 401 || second.elsewhere) return second;
      await second.close();
    }
    throw refusal(reference, url, renewed ?? used, authorizer.problems());
  };
}

/** Registries say 401 as well for what does not exist, so as not to tell what does. */
function refusal(
  { registry, name }: Reference,
  url: URL,
  used: string | undefined,
  problems: readonly string[],
): ClipError {
  const why = used?.startsWith("Basic ")
    ? `${registry} refuses the credentials for ${name}; log in again with \`docker login ${registry}\``
    : `${registry} refuses access to ${name}: there is no such image, or it needs \`docker login ${registry}\``;
  const message = [why, ...problems].join("; ");
  return new ClipError("UNAUTHORIZED", message, { registry, url: url.href, status: 401 });
}
