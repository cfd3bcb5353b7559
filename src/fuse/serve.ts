import { toClipError } from "../errors.ts";
import { readRequest, writeReply } from "./device-io.ts";
import { errnos } from "./errno.ts";
import { errnoOfError } from "./errno-of-error.ts";
import { noReply } from "./handler.ts";
import { requestBufferSize } from "./limits.ts";
import type { WorkerFailure } from "./messages.ts";
import { operationOf } from "./operations.ts";
import { Reply } from "./reply.ts";
import { Request } from "./request.ts";
import type { FuseServer } from "./server.ts";

export type OnFailure = (failure: WorkerFailure) => void;

/**
 * Answers one request: makes the reply and returns its length, or 0 where nothing is to be written. Never throws.
 * Errors that mean damage are told to `onFailure`.
 */
export function answer(
  server: FuseServer,
  request: Request,
  reply: Reply,
  onFailure: OnFailure,
): number {
  const operation = operationOf(request.opcode);
  let result: number;
  try {
    result = request.holds(operation.inputSize)
      ? operation.handle(server, request, reply)
      : -errnos.EINVAL;
  } catch (error) {
    const { code, message } = toClipError(error);
    onFailure({ kind: "failure", operation: operation.name, nid: request.node, code, message });
    result = -errnoOfError(error);
  }
  if (result === noReply) return 0;
  return reply.seal(request.uniqueLow, request.uniqueHigh, result);
}

/**
 * Serves requests from `fd` until the filesystem is unmounted. Blocks its thread in read(2): this is the whole life of
 * a worker, which hears nothing meanwhile but can post messages.
 */
export function serveRequests(fd: number, server: FuseServer, onFailure: OnFailure): void {
  const request = new Request(new Uint8Array(requestBufferSize));
  const reply = new Reply();
  for (;;) {
    request.length = readRequest(fd, request.bytes);
    if (request.length === 0) return;
    if (!request.isWhole) continue;
    const length = answer(server, request, reply, onFailure);
    if (length > 0) writeReply(fd, reply.bytes, length);
  }
}
