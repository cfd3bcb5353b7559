import { toClipError } from "../errors.ts";
import type { FromWorker } from "./messages.ts";
import { serveRequests } from "./serve.ts";
import { type FuseHandlers, FuseServer } from "./server.ts";

/** What the main thread sends a worker, once. */
export interface WorkerStart {
  readonly fd: number;
  readonly descriptor: number;
  /** Plain data from which the worker makes its handlers: paths of files to map, sizes. */
  readonly setup: unknown;
}

/**
 * The body of a worker's entry point. Waits for its start, makes its handlers, and serves until the filesystem is
 * unmounted; from then on it hears no more messages.
 */
export function runWorker<Setup>(
  createHandlers: (setup: Setup) => FuseHandlers | Promise<FuseHandlers>,
): void {
  const post = (message: FromWorker) => self.postMessage(message);
  self.onmessage = async ({ data }: MessageEvent<WorkerStart>) => {
    self.onmessage = null;
    try {
      const handlers = await createHandlers(data.setup as Setup);
      const server = new FuseServer(handlers, data.descriptor, post);
      post({ kind: "ready" });
      serveRequests(data.fd, server, post);
      post({ kind: "end" });
    } catch (error) {
      const { code, message } = toClipError(error);
      post({ kind: "broken", code, message });
    }
  };
}

declare const self: Worker;
