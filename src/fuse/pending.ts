import { writeReply } from "./device-io.ts";
import { errnos } from "./errno.ts";
import { errnoOfError } from "./errno-of-error.ts";
import type { PassedInterrupt, PassedOn, PassedRead } from "./messages.ts";
import { isEnding } from "./process-signals.ts";
import { Reply } from "./reply.ts";

export interface PendingReadsOptions {
  /** The session's descriptors. */
  readonly fds: readonly number[];
  /** Gets exactly `read.size` bytes of a file. What it throws is answered by the errno that stands for it. */
  readonly fetch: (read: PassedRead) => Promise<Uint8Array>;
  /** Whether a thread is about to end. Replaced in tests. */
  readonly isEnding?: (pid: number) => boolean;
  /** Writes a reply to a descriptor. Replaced in tests. */
  readonly write?: (fd: number, reply: Uint8Array, length: number) => void;
}

/** How often a reader that got a signal is looked at again, and how long an INTERRUPT waits for its request. */
const lookAgainMs = 20;

/** Marks the number of an INTERRUPT, and of a request that was handed out again (fuse.h). */
const interruptBit = 1n;
const resendBit = 1n << 63n;

const keyOf = (unique: bigint): bigint => unique & ~(interruptBit | resendBit);

/**
 * The reads that the main thread answers. A read can be interrupted while its data is on the way: EINTR is answered
 * at once if the signal ends the reader (otherwise it would hang, unkillable, until the data is there), and the fetch
 * goes on for those who come later. A signal that a program handles is no reason, though the kernel sends INTERRUPT for
 * it as well: files don't answer EINTR elsewhere, and a program that gets one signal after another (from a timer, or
 * Go's scheduler) would begin its read or page fault anew each time and never see its data. Such a reader is watched
 * instead, since a second INTERRUPT, for the signal that does end it, never comes.
 */
export class PendingReads {
  readonly #options: Required<PendingReadsOptions>;
  readonly #reads = new Map<bigint, PassedRead>();
  readonly #watched = new Set<bigint>();
  readonly #reply = new Reply();
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: PendingReadsOptions) {
    this.#options = { isEnding, write: writeReply, ...options };
  }

  /** Reads that are not answered yet. */
  get size(): number {
    return this.#reads.size;
  }

  /** Takes what a worker passed on. */
  accept(message: PassedOn): void {
    if (this.#isClosed) return;
    if (message.kind === "read") this.#start(message);
    else this.#interrupt(message);
  }

  /**
   * Answers every read with EINTR and stops watching; fetches go on by themselves. Nothing is written afterwards, so
   * that the descriptors can be closed and their numbers mean something else.
   */
  close(): void {
    this.#isClosed = true;
    for (const read of this.#reads.values()) this.#send(read, -errnos.EINTR);
    this.#reads.clear();
    this.#stopWatching();
  }

  #start(read: PassedRead): void {
    const key = keyOf(read.unique);
    // Handed out again (FUSE_NOTIFY_RESEND): the fetch goes on, and the newer descriptor takes its reply.
    const isKnown = this.#reads.has(key);
    this.#reads.set(key, read);
    if (isKnown) return;
    void this.#fetch(read).then((result) => this.#finish(key, result));
  }

  async #fetch(read: PassedRead): Promise<Uint8Array | number> {
    try {
      const data = await this.#options.fetch(read);
      return data.length === read.size ? data : -errnos.EIO;
    } catch (error) {
      return -errnoOfError(error);
    }
  }

  #finish(key: bigint, result: Uint8Array | number): void {
    const read = this.#reads.get(key);
    if (read === undefined) return;
    this.#reads.delete(key);
    this.#watched.delete(key);
    this.#send(read, typeof result === "number" ? result : this.#reply.put(result));
  }

  #interrupt(interrupt: PassedInterrupt): void {
    const key = keyOf(interrupt.unique);
    if (!this.#reads.has(key)) {
      // A worker is about to answer it, or its message is on the way from another worker.
      setTimeout(() => this.#askAgain(interrupt), lookAgainMs).unref();
      return;
    }
    this.#watched.add(key);
    this.#look(key);
    if (this.#watched.size > 0) this.#timer ??= setInterval(() => this.#lookAtAll(), lookAgainMs);
  }

  #lookAtAll(): void {
    for (const key of this.#watched) this.#look(key);
  }

  #look(key: bigint): void {
    const read = this.#reads.get(key);
    if (read !== undefined && this.#options.isEnding(read.pid)) this.#finish(key, -errnos.EINTR);
    if (!this.#reads.has(key)) this.#watched.delete(key);
    if (this.#watched.size === 0) this.#stopWatching();
  }

  /**
   * EAGAIN makes the kernel send an INTERRUPT again while its request is unanswered. It looks for the request at the
   * descriptor where the reply is written only, and that one is not known: all others say ENOENT.
   */
  #askAgain(interrupt: PassedInterrupt): void {
    if (this.#isClosed) return;
    if (this.#reads.has(keyOf(interrupt.unique))) {
      this.#interrupt(interrupt);
      return;
    }
    const unique = interrupt.unique | interruptBit;
    for (const fd of new Set(this.#options.fds)) this.#write(fd, unique, -errnos.EAGAIN);
  }

  #send(read: PassedRead, size: number): void {
    const fd = this.#options.fds[read.descriptor];
    if (fd !== undefined) this.#write(fd, read.unique, size);
  }

  #write(fd: number, unique: bigint, size: number): void {
    const low = Number(unique & 0xffff_ffffn);
    const length = this.#reply.seal(low, Number(unique >> 32n), size);
    this.#options.write(fd, this.#reply.bytes, length);
  }

  #stopWatching(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#watched.clear();
  }
}
