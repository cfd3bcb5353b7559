/** A reader that waits for tar bytes `from` to `to` of one span, and where it wants them. */
export class Waiter {
  /** Resolves with the tar offset from which on (up to `to`) the bytes were delivered. */
  readonly done: Promise<number>;
  #deliveredFrom: number;
  #settled = false;
  readonly #resolve: (deliveredFrom: number) => void;
  readonly #reject: (error: unknown) => void;

  /** Bytes from `from` on go to `into`, from index `at` on. */
  constructor(
    readonly span: number,
    readonly from: number,
    readonly to: number,
    readonly into: Uint8Array,
    readonly at: number,
  ) {
    this.#deliveredFrom = to;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.done = promise;
    // A flight may fail before the reader has come to wait; that alone must not end the program.
    promise.catch(() => undefined);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Takes what it needs of decoded bytes that lie at tar offset `out`. They come in order. */
  deliver(out: number, bytes: Uint8Array): void {
    const start = Math.max(out, this.from);
    const end = Math.min(out + bytes.length, this.to);
    if (this.#settled || start >= end) return;
    this.into.set(bytes.subarray(start - out, end - out), this.at + start - this.from);
    this.#deliveredFrom = Math.min(this.#deliveredFrom, start);
    if (end === this.to) this.settle(this.#deliveredFrom);
  }

  /** Ends the waiting; by itself, without anything delivered: the reader has to look again. */
  settle(deliveredFrom = this.to): void {
    this.#settled = true;
    this.#resolve(deliveredFrom);
  }

  fail(error: unknown): void {
    this.#settled = true;
    this.#reject(error);
  }
}
