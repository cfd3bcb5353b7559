import { ClipError } from "../errors.ts";
import type { CallOptions, RegistryClient } from "./client.ts";
import { httpFailure } from "./failure.ts";
import type { FinalAnswer } from "./http-client.ts";
import { contentLength } from "./read-body.ts";
import type { HttpAnswer } from "./send.ts";

/** A blob of a registry, for reading ranges of it. */
export interface RemoteBlob {
  readonly digest: string;
  readonly size: number;
  /** Of the image, for messages. */
  readonly imageName: string;
  /** Where the registry had redirected the last request, on another host; asked directly until that fails. */
  elsewhere?: URL | undefined;
}

/** A server that ignores Range is read through up to this many bytes before the wanted ones. */
const maxSkip = 8 * 1024 * 1024;
/** Progress that counts as such: below it, a server that cuts every body could keep a reader for ever. */
const realProgress = 64 * 1024;

/**
 * Streams `length` bytes of a blob from `offset`. A body that breaks is resumed after the last byte that got here.
 * That may be before the byte where the connection broke: Bun's client drops what has arrived but was not yet read
 * (measured with Bun 1.4.5: up to 250 KB, by fetch and undici's request alike), which is then fetched again.
 * @throws ClipError LAYER_NOT_FOUND, SIZE_MISMATCH, NO_RANGE_SUPPORT; errors of HTTP.
 */
export async function* readRange(
  client: RegistryClient,
  blob: RemoteBlob,
  offset: number,
  length: number,
  options: CallOptions = {},
): AsyncGenerator<Uint8Array, void, void> {
  const retrier = client.retrier(options);
  const end = offset + length;
  let at = offset;
  let gained = 0;
  while (at < end) {
    try {
      for await (const piece of oneBody(client, blob, at, end, options)) {
        at += piece.length;
        gained += piece.length;
        if (gained >= realProgress) {
          gained = 0;
          retrier.progressed();
        }
        yield piece;
      }
      if (at < end) throw broken(blob, at, end);
    } catch (error) {
      blob.elsewhere = undefined;
      await retrier.afterFailure(error);
    }
  }
}

/** What one request brings of the bytes from `at` to `end`: all of them, or fewer from the start. */
async function* oneBody(
  client: RegistryClient,
  blob: RemoteBlob,
  at: number,
  end: number,
  options: CallOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const answer = await openBlob(client, blob, "GET", options, { range: `bytes=${at}-${end - 1}` });
  try {
    let skip = bytesBefore(answer, blob, at);
    let left = end - at;
    for await (const piece of answer.chunks()) {
      const wanted = piece.subarray(Math.min(skip, piece.length), skip + left);
      skip = Math.max(0, skip - piece.length);
      left -= wanted.length;
      if (wanted.length > 0) yield wanted;
      if (left === 0) return;
    }
  } finally {
    await answer.close();
  }
}

/**
 * Asks for a blob, first where the registry had sent the last request to. Signed URLs run out and storage hosts go
 * away, so any failure there leads back to the registry.
 */
export async function openBlob(
  client: RegistryClient,
  blob: RemoteBlob,
  method: "GET" | "HEAD",
  options: CallOptions,
  headers: Readonly<Record<string, string>> = {},
): Promise<FinalAnswer> {
  const what = `the layer ${blob.digest} of ${blob.imageName}`;
  const request = { method, headers, what, notFound: "LAYER_NOT_FOUND" } as const;
  const direct = blob.elsewhere;
  if (direct !== undefined) {
    try {
      return await client.open({ ...request, target: direct }, options);
    } catch (error) {
      if (options.signal?.aborted || !(error instanceof ClipError)) throw error;
    }
  }
  const answer = await client.open({ ...request, target: `blobs/${blob.digest}` }, options);
  if (method === "GET") blob.elsewhere = answer.elsewhere ? answer.request.url : undefined;
  return answer;
}

/** Checks that an answer begins where it was asked to, and says how many bytes to drop where it cannot. */
function bytesBefore(answer: HttpAnswer, blob: RemoteBlob, at: number): number {
  const { request, status, headers } = answer;
  if (status === 206) {
    const range = parseContentRange(headers.get("content-range"));
    if (range === undefined || range.start !== at) {
      const why = "the server answers with another range than it was asked for";
      throw httpFailure("REGISTRY_ERROR", request, why, { retryable: false, status });
    }
    if (range.total !== undefined && range.total !== blob.size) {
      throw sizeMismatch(blob, range.total);
    }
    return 0;
  }
  if (status === 416) {
    const total = /^bytes \*\/(\d{1,15})$/.exec(headers.get("content-range") ?? "")?.[1];
    throw sizeMismatch(blob, total === undefined ? undefined : Number(total));
  }
  const whole = contentLength(headers);
  if (whole !== undefined && whole !== blob.size) throw sizeMismatch(blob, whole);
  if (at > maxSkip) {
    const why = `the server ignores Range, so reading byte ${at} would download all before it; use a mirror that honours Range`;
    throw httpFailure("NO_RANGE_SUPPORT", request, why, { retryable: false, status });
  }
  return at;
}

/** `bytes START-END/TOTAL` (RFC 9110, section 14.4). */
export function parseContentRange(
  value: string | null,
): { start: number; end: number; total?: number } | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(value?.trim() ?? "");
  if (match === null) return undefined;
  const [start, end] = [Number(match[1]), Number(match[2])];
  if (end < start) return undefined;
  return { start, end, ...(match[3] !== "*" && { total: Number(match[3]) }) };
}

/** The error for a layer that is there with another length than its manifest says. */
export const sizeMismatch = (
  { digest, imageName, size }: RemoteBlob,
  actual: number | undefined,
): ClipError =>
  new ClipError(
    "SIZE_MISMATCH",
    `the layer ${digest} of ${imageName} should be ${size} bytes long but is ${actual ?? "shorter"}; ` +
      "the registry's copy is damaged",
    { layer: digest, expected: size, actual },
  );

const broken = (blob: RemoteBlob, at: number, end: number): ClipError =>
  new ClipError(
    "UNREACHABLE",
    `the layer ${blob.digest} of ${blob.imageName} broke off at byte ${at} of ${end}`,
    { layer: blob.digest, at, retryable: true },
  );
