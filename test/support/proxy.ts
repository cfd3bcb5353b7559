import http from "node:http";
import type { AddressInfo } from "node:net";

/** An HTTP proxy to put before a registry: counts what passes, keeps a log, and breaks things on demand. */

export interface ProxyOptions {
  /** Base URL of the server behind. */
  readonly target: string;
  /** Answers in the place of the server behind, before any fault; undefined lets the request pass. */
  readonly guard?: (request: SeenRequest) => OwnAnswer | undefined;
}

export interface SeenRequest {
  readonly method: string;
  /** Path with the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

export interface OwnAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What goes wrong with a request. */
export type Fault =
  /** Answers by itself. */
  | { readonly kind: "answer"; readonly answer: OwnAnswer }
  /** Breaks the connection after that many bytes of the body, at once or when the reader has had time to take them. */
  | { readonly kind: "cut"; readonly afterBytes: number; readonly pauseMs?: number }
  /** Sends no more after that many bytes of the body, and keeps the connection. */
  | { readonly kind: "stall"; readonly afterBytes: number }
  /** Sends the body in pieces of so many bytes, with a pause before each. */
  | { readonly kind: "slow"; readonly pieceBytes: number; readonly pauseMs: number }
  /** Never answers. */
  | { readonly kind: "silence" }
  /** Breaks the connection before any answer. */
  | { readonly kind: "hangup" }
  | { readonly kind: "ignore-range" }
  /** Redirects to the same path at another base URL, with a query. */
  | { readonly kind: "redirect"; readonly to: string; readonly query?: string };

export type FaultRule = Fault & {
  /** Paths (with query) that it strikes; all without it. */
  readonly path?: RegExp;
  readonly method?: string;
  /** How often it strikes; for ever without it. */
  times?: number;
};

export interface PathCounters {
  requests: number;
  bytes: number;
}

export interface TestProxy {
  /** "http://127.0.0.1:PORT" */
  readonly url: string;
  readonly host: string;
  /** Requests, and bytes of bodies sent, since the start or `reset`. */
  readonly counters: PathCounters;
  readonly byPath: Map<string, PathCounters>;
  readonly log: SeenRequest[];
  /** Rules in force; the first that fits a request strikes. */
  readonly faults: FaultRule[];
  /** Counters to zero, log emptied, faults removed. */
  reset(): void;
  stop(): Promise<void>;
}

export async function startProxy({ target, guard }: ProxyOptions): Promise<TestProxy> {
  const counters: PathCounters = { requests: 0, bytes: 0 };
  const byPath = new Map<string, PathCounters>();
  const log: SeenRequest[] = [];
  const faults: FaultRule[] = [];

  const countersOf = (path: string): PathCounters => {
    const bare = path.replace(/\?.*/, "");
    const own = byPath.get(bare) ?? { requests: 0, bytes: 0 };
    byPath.set(bare, own);
    return own;
  };

  const strike = ({ method, path }: SeenRequest): Fault | undefined => {
    const rule = faults.find(
      (candidate) =>
        (candidate.path?.test(path) ?? true) &&
        (candidate.method ?? method) === method &&
        candidate.times !== 0,
    );
    if (rule?.times !== undefined) rule.times -= 1;
    return rule;
  };

  const handle = async (
    incoming: http.IncomingMessage,
    outgoing: http.ServerResponse,
  ): Promise<void> => {
    const seen = await see(incoming);
    log.push(seen);
    counters.requests += 1;
    const own = countersOf(seen.path);
    own.requests += 1;
    const count = (length: number): void => {
      counters.bytes += length;
      own.bytes += length;
    };
    const guarded = guard?.(seen);
    if (guarded !== undefined) return answer(outgoing, guarded);
    const fault = strike(seen);
    switch (fault?.kind) {
      case "answer":
        return answer(outgoing, fault.answer);
      case "silence":
        return;
      case "hangup":
        incoming.socket.destroy();
        return;
      case "redirect": {
        const location = `${fault.to}${seen.path}${fault.query ? `?${fault.query}` : ""}`;
        return answer(outgoing, { status: 307, headers: { location } });
      }
      default:
        return forward(seen, target, outgoing, fault, count);
    }
  };

  const server = http.createServer((incoming, outgoing) => {
    // The socket and not the answer: Bun turns an answer that is destroyed before its headers left into an empty 200.
    handle(incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    counters,
    byPath,
    log,
    faults,
    reset() {
      counters.requests = 0;
      counters.bytes = 0;
      byPath.clear();
      log.length = 0;
      faults.length = 0;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function see(incoming: http.IncomingMessage): Promise<SeenRequest> {
  let body = "";
  for await (const piece of incoming) body += piece;
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [name, value?.toString()]),
  );
  return { method: incoming.method ?? "", path: incoming.url ?? "", headers, body };
}

function answer(outgoing: http.ServerResponse, { status, headers, body = "" }: OwnAnswer): void {
  outgoing.writeHead(status, { "content-length": Buffer.byteLength(body), ...headers });
  outgoing.end(body);
}

/** Headers that belong to one connection, not to the message. */
const hopByHop = ["host", "connection", "keep-alive", "transfer-encoding", "content-length"];

async function forward(
  seen: SeenRequest,
  target: string,
  outgoing: http.ServerResponse,
  fault: Fault | undefined,
  count: (length: number) => void,
): Promise<void> {
  const headers = Object.fromEntries(
    Object.entries(seen.headers).filter(
      (pair): pair is [string, string] =>
        pair[1] !== undefined &&
        !hopByHop.includes(pair[0]) &&
        !(fault?.kind === "ignore-range" && pair[0] === "range"),
    ),
  );
  const upstream = await fetch(`${target}${seen.path}`, {
    method: seen.method,
    headers: { ...headers, "accept-encoding": "identity" },
    redirect: "manual",
    decompress: false,
    ...(seen.body !== "" && { body: seen.body }),
  });
  const told = Object.fromEntries(
    [...upstream.headers].filter(([name]) => !["connection", "transfer-encoding"].includes(name)),
  );
  outgoing.writeHead(upstream.status, told);
  // Now, since the body may break at once: docker-registry announces a body with its 416 and sends none.
  outgoing.flushHeaders();
  const end = fault?.kind === "cut" || fault?.kind === "stall" ? fault.afterBytes : undefined;
  let sent = 0;
  const closed = new Promise<void>((resolve) => outgoing.once("close", resolve));
  if (seen.method === "HEAD" || upstream.body === null) {
    outgoing.end();
    return;
  }
  for await (const piece of piecesOf(upstream.body, fault)) {
    const part = end === undefined ? piece : piece.subarray(0, end - sent);
    sent += part.length;
    count(part.length);
    const flushed = part.length === 0 || outgoing.write(part);
    if (sent === end) {
      if (fault?.kind === "stall") return;
      if (fault?.kind === "cut" && fault.pauseMs !== undefined) await Bun.sleep(fault.pauseMs);
      // What was written goes out first, or the reader would see fewer bytes than the fault promises.
      outgoing.socket?.end();
      return;
    }
    if (!flushed) {
      await Promise.race([new Promise((resolve) => outgoing.once("drain", resolve)), closed]);
    }
    if (outgoing.destroyed) return;
  }
  outgoing.end();
}

async function* piecesOf(
  body: AsyncIterable<Uint8Array>,
  fault: Fault | undefined,
): AsyncGenerator<Uint8Array> {
  if (fault?.kind !== "slow") return yield* body;
  for await (const whole of body) {
    for (let at = 0; at < whole.length; at += fault.pieceBytes) {
      await Bun.sleep(fault.pauseMs);
      yield whole.subarray(at, at + fault.pieceBytes);
    }
  }
}
