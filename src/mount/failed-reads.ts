import type { PassedRead } from "../fuse/messages.ts";

interface FailedRead {
  readonly read: PassedRead;
  readonly error: unknown;
  readonly untilMs: number;
}

/** What failed sooner may as well be tried again. */
const longWaitMs = 1000;
/** Long enough for the kernel to ask again, and too short for a program that tries again to notice. */
const rememberedMs = 500;
const maxRemembered = 256;

/**
 * Reads that failed a moment ago, after a long wait. When its read-ahead fails, the kernel asks again for the page that the program
 * wants (mm/filemap.c, filemap_update_page): without this, a program would wait for an origin that does not answer
 * twice as long as a fetch may take.
 */
export class FailedReads {
  #failed: FailedRead[] = [];

  /** `startedMs`: when the read began, by performance.now(). */
  remember(read: PassedRead, error: unknown, startedMs: number, nowMs = performance.now()): void {
    if (nowMs - startedMs < longWaitMs) return;
    this.#failed.push({ read, error, untilMs: nowMs + rememberedMs });
    if (this.#failed.length > maxRemembered) this.#failed.shift();
  }

  /** What a read failed with that `read` is the second asking of: by the same thread, for a part of the same bytes. */
  failureOf(read: PassedRead, nowMs = performance.now()): unknown {
    this.#failed = this.#failed.filter(({ untilMs }) => untilMs > nowMs);
    return this.#failed.find(({ read: { nid, pid, offset, size } }) => {
      const isSameBytes = nid === read.nid && read.offset < offset + size;
      return isSameBytes && read.offset >= offset && pid === read.pid;
    })?.error;
  }
}
