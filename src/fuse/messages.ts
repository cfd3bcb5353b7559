/** What workers tell the main thread; plain data. */

interface FromRequest {
  /** The request's number, all 64 bits. */
  readonly unique: bigint;
  /** Index into the session's descriptors of the one that the request was read from, which takes the reply. */
  readonly descriptor: number;
}

/** A READ whose data has to be fetched; `size` ends with the file at the latest. */
export interface PassedRead extends FromRequest {
  readonly kind: "read";
  readonly nid: number;
  readonly offset: number;
  readonly size: number;
  /** Thread that reads; 0 where it is outside the server's pid namespace. */
  readonly pid: number;
}

/** A signal reached a process that waits for the request `unique`. */
export interface PassedInterrupt extends FromRequest {
  readonly kind: "interrupt";
}

export type PassedOn = PassedRead | PassedInterrupt;

/** A request was answered with an error that means damage or a defect, not an ordinary refusal. */
export interface WorkerFailure {
  readonly kind: "failure";
  readonly operation: string;
  readonly nid: number;
  readonly code: string;
  readonly message: string;
}

export type FromWorker =
  | PassedOn
  | WorkerFailure
  /** Set up, and about to read requests. */
  | { readonly kind: "ready" }
  /** Could not be set up, or the device failed. */
  | { readonly kind: "broken"; readonly code: string; readonly message: string }
  /** Unmounted: the worker ends by itself. */
  | { readonly kind: "end" };
