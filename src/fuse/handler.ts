import type { Reply } from "./reply.ts";
import type { Request } from "./request.ts";
import type { FuseServer } from "./server.ts";

/**
 * Answers a request: the number of bytes that it put behind the reply's header, -errno, or {@link noReply}. What it
 * throws is answered by the errno that stands for it.
 */
export type Handler = (server: FuseServer, request: Request, reply: Reply) => number;

/** A handler's result where nothing is to be written: to FORGETs, or because the main thread will answer. */
export const noReply = -4096;
