import { ClipError, type ErrorCode } from "../errors.ts";
import type { FromWorker, WorkerFailure } from "./messages.ts";
import type { PendingReads } from "./pending.ts";
import type { WorkerStart } from "./run-worker.ts";
import type { FuseSession } from "./session.ts";

export interface WorkersOptions {
  readonly session: FuseSession;
  /** How many; they share the session's descriptors where these are fewer. */
  readonly count: number;
  /** Starts a thread whose entry point calls `runWorker`. */
  readonly newWorker: () => Worker;
  /** Structured-clonable: what each worker makes its handlers from. */
  readonly setup: unknown;
  readonly pending: PendingReads;
  /** Hears of requests that met damage or a defect. */
  readonly onFailure?: (failure: WorkerFailure) => void;
}

export interface FuseWorkers {
  /** Settles when all workers have ended, which they do when the filesystem is unmounted. Rejects when one broke. */
  readonly ended: Promise<void>;
}

/** The number of threads that serve a mount: one for each core, up to 4. */
export const defaultWorkers = (cores: number): number => Math.max(1, Math.min(4, cores));

/**
 * Starts the threads that read and answer requests, and waits until all are set up. Workers are never terminated: one
 * that is blocked in read(2) would keep the process from ending. Unmount, and wait for `ended`, or exit.
 * @throws ClipError as the handlers' making threw it in a worker.
 */
export async function startWorkers(options: WorkersOptions): Promise<FuseWorkers> {
  const threads = Array.from({ length: options.count }, (_, i) => startWorker(options, i));
  const ended = Promise.all(threads.map((thread) => thread.ended)).then(() => undefined);
  // Whoever awaits `ended` hears of it; until then a rejection is not a crash.
  ended.catch(() => undefined);
  await Promise.all(threads.map((thread) => thread.ready));
  return { ended };
}

function startWorker(options: WorkersOptions, number: number) {
  const { session, pending, setup } = options;
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const fail = (error: ClipError) => {
    ready.reject(error);
    ended.reject(error);
  };
  const worker = options.newWorker();
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    if (data.kind === "read" || data.kind === "interrupt") pending.accept(data);
    else if (data.kind === "failure") options.onFailure?.(data);
    else if (data.kind === "ready") ready.resolve();
    else {
      // It has left read(2), so that terminating is safe and frees its memory.
      worker.terminate();
      if (data.kind === "broken") fail(new ClipError(data.code as ErrorCode, data.message));
      ended.resolve();
    }
  };
  worker.onerror = ({ message }) =>
    fail(new ClipError("INTERNAL", `a FUSE worker could not be started: ${message}`));
  const descriptor = number % session.fds.length;
  const start: WorkerStart = { fd: session.fds[descriptor]!, descriptor, setup };
  worker.postMessage(start);
  return { ready: ready.promise, ended: ended.promise };
}
