import { createSource, type ImageBlobs } from "./server-blobs.ts";
import { createLink } from "./server-link.ts";

/**
 * A small read-only OCI registry in this process, for the demo and for tests: manifests, blobs with Range, and a
 * simulated network before them. Any repository name shows the same images.
 */

export interface ServeOptions {
  /** Directory of an OCI layout, or blobs in memory. */
  readonly layout: string | ImageBlobs;
  /** Bandwidth that all connections share; without it, as fast as it goes. */
  readonly bytesPerSecond?: number;
  /** Round trip time: every answer begins this much later. */
  readonly latencyMs?: number;
  readonly onRequest?: (request: ServedRequest) => void;
}

export interface ServedRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Bytes of the body that are going to be sent. */
  readonly length: number;
}

/** Counts since the server was started. */
export interface ServerStats {
  requests: number;
  /** Bytes of bodies that were handed to connections. */
  bytes: number;
  blobRequests: number;
  blobBytes: number;
}

export interface RegistryServer {
  /** "http://127.0.0.1:PORT". */
  readonly url: string;
  /** "127.0.0.1:PORT", for references. */
  readonly host: string;
  readonly stats: Readonly<ServerStats>;
  stop(): Promise<void>;
}

/** Bytes that pass the simulated link at a time. */
const pieceLength = 32 * 1024;

/** Serves an image on a free port of 127.0.0.1. @throws ClipError where the layout cannot be read. */
export function serveRegistry(options: ServeOptions): RegistryServer {
  const source = createSource(options.layout);
  const link = createLink(options.bytesPerSecond, options.latencyMs);
  const stats: ServerStats = { requests: 0, bytes: 0, blobRequests: 0, blobBytes: 0 };

  const bodyOf = (blob: Blob, isBlob: boolean): ReadableStream<Uint8Array> => {
    let at = 0;
    return new ReadableStream({
      async pull(controller) {
        const piece = new Uint8Array(await blob.slice(at, at + pieceLength).arrayBuffer());
        await link.pass(piece.length);
        at += piece.length;
        stats.bytes += piece.length;
        if (isBlob) stats.blobBytes += piece.length;
        if (piece.length > 0) controller.enqueue(piece);
        if (at >= blob.size) controller.close();
      },
    });
  };

  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    stats.requests += 1;
    await link.roundTrip();
    const found = await find(pathname);
    const { status, headers, body } = found
      ? answerFor(found, request)
      : { status: 404, headers: jsonType, body: notFoundBody(pathname) };
    if (found?.isBlob) stats.blobRequests += 1;
    const { method } = request;
    options.onRequest?.({ method, path: pathname, status, length: body.size });
    const length = { "content-length": `${body.size}` };
    if (method === "HEAD" || body.size === 0) {
      return new Response(null, { status, headers: { ...headers, ...length } });
    }
    return new Response(bodyOf(body, found?.isBlob ?? false), {
      status,
      headers: { ...headers, ...length },
    });
  };

  const find = async (path: string): Promise<Found | undefined> => {
    if (/^\/v2\/?$/.test(path)) return { mediaType: "application/json", bytes: new Blob(["{}"]) };
    const [, kind, reference = ""] =
      /^\/v2\/[\w./-]{1,255}\/(manifests|blobs)\/([\w:.-]{1,200})$/.exec(path) ?? [];
    if (kind === undefined) return undefined;
    const isBlob = kind === "blobs";
    const digest = isBlob ? reference : source.digestOf(reference);
    const bytes = digest === undefined ? undefined : await source.blob(digest);
    if (digest === undefined || bytes === undefined) return undefined;
    if (isBlob) return { mediaType: "application/octet-stream", bytes, digest, isBlob };
    return { mediaType: await source.mediaTypeOf(bytes), bytes, digest };
  };

  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    // Bodies over a slow link may take long between pieces.
    idleTimeout: 0,
    fetch: answer,
  });
  const host = `127.0.0.1:${server.port}`;
  return { url: `http://${host}`, host, stats, stop: () => server.stop(true) };
}

interface Found {
  readonly mediaType: string;
  readonly bytes: Blob;
  readonly digest?: string;
  readonly isBlob?: boolean;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Blob;
}

const jsonType = { "content-type": "application/json" };

const notFoundBody = (path: string): Blob => {
  const code = path.includes("/blobs/") ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN";
  return new Blob([JSON.stringify({ errors: [{ code, message: "not here" }] })]);
};

function answerFor({ mediaType, bytes, digest }: Found, request: Request): Answer {
  const headers = {
    "content-type": mediaType,
    "accept-ranges": "bytes",
    ...(digest !== undefined && { "docker-content-digest": digest }),
  };
  const { size } = bytes;
  const range = parseRange(request.headers.get("range"), size);
  if (range === "unsatisfiable") {
    const told = { ...headers, "content-range": `bytes */${size}` };
    return { status: 416, headers: told, body: new Blob([]) };
  }
  if (range === undefined) return { status: 200, headers, body: bytes };
  const [start, end] = range;
  const told = { ...headers, "content-range": `bytes ${start}-${end - 1}/${size}` };
  return { status: 206, headers: told, body: bytes.slice(start, end) };
}

/** One range of bytes, [start, end) (RFC 9110, section 14.1.2); undefined where the header is to be ignored. */
function parseRange(
  header: string | null,
  size: number,
): readonly [number, number] | "unsatisfiable" | undefined {
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(size, Number(last) + 1);
  if (first !== "" && last !== "" && Number(last) < start) return undefined;
  return start >= size ? "unsatisfiable" : [start, end];
}
