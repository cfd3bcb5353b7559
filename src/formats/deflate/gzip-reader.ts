import { crc32 } from "node:zlib";
import { viewOf } from "../fields.ts";
import { corrupt } from "./corrupt.ts";
import { gzipHeaderLength, gzipTrailerSize } from "./gzip-header.ts";
import type { DeflatePoint, InflateKernel } from "./kernel.ts";

/** What {@link GzipReader.step} met. The kernel's position is where it happened. */
export type GzipEvent =
  /** All input was used. */
  | "input"
  /** A member begins here: its first byte is there, its header not yet read. */
  | "member"
  /** The output area is full. */
  | "output"
  /** `stopAt` was reached, at most 257 bytes late. */
  | "stopped"
  /** A deflate block ended, and another one of the same member follows. */
  | "block"
  /** A member's data ended; its trailer comes next. */
  | "memberEnd";

/** What the next bytes are. */
export type GzipPhase = "member" | "header" | "data" | "trailer" | "padding";

const nothing = new Uint8Array(0);

/**
 * Reads a gzip file (RFC 1952) of any number of members by a kernel, from its start or from a point inside. Zeros after
 * a member are padding, which must reach to the end. Anything else that breaks the format is LAYER_CORRUPT.
 */
export class GzipReader {
  /** Members whose header was read. */
  members = 0;
  /** The output of the last step; valid until the next one. */
  output: Uint8Array = nothing;
  #phase: GzipPhase = "member";
  #mayBePadding = false;
  /** Of the member's output so far; undefined when it was not decoded from its start. */
  #sums: { crc: number; length: number } | undefined;

  constructor(readonly kernel: InflateKernel) {
    this.startAt(0, 0);
  }

  get phase(): GzipPhase {
    return this.#phase;
  }

  /** Goes to the start of a member (or to padding): bit offset `bit` of the blob, byte-aligned, and output offset `out`. */
  startAt(bit: number, out: number): void {
    this.kernel.resume({ bit, out, window: nothing });
    this.#phase = "member";
    this.#mayBePadding = bit > 0;
  }

  /** Goes into a member's data. Its checksum cannot be verified then. */
  resumeAt(point: DeflatePoint): void {
    this.kernel.resume(point);
    this.#phase = "data";
    this.#sums = undefined;
  }

  /** Goes on to the next event. */
  step(stopAt: number): GzipEvent {
    this.output = nothing;
    for (;;) {
      if (this.#phase === "data") return this.#inflate(stopAt);
      const event =
        this.#phase === "member"
          ? this.#awaitMember()
          : this.#phase === "header"
            ? this.#readHeader()
            : this.#phase === "trailer"
              ? this.#readTrailer()
              : this.#skipPadding();
      if (event !== undefined) return event;
    }
  }

  /** To be called after the last byte. Throws LAYER_CORRUPT where something is unfinished. */
  finish(): void {
    if (this.#phase === "member" || this.#phase === "padding") return;
    throw corrupt("it ends in the middle of a gzip member", this.#at);
  }

  get #at(): number {
    return Math.floor(this.kernel.bit / 8);
  }

  #awaitMember(): GzipEvent | undefined {
    const next = this.kernel.unread()[0];
    if (next === undefined) return "input";
    if (next === 0 && this.#mayBePadding) {
      this.#phase = "padding";
      return undefined;
    }
    this.#phase = "header";
    return "member";
  }

  #readHeader(): GzipEvent | undefined {
    const length = gzipHeaderLength(this.kernel.unread(), this.#at);
    if (length === undefined) return "input";
    this.kernel.skip(length);
    this.kernel.restart();
    this.members++;
    this.#sums = { crc: 0, length: 0 };
    this.#phase = "data";
    return undefined;
  }

  #inflate(stopAt: number): GzipEvent {
    const stop = this.kernel.run(stopAt);
    this.output = this.kernel.produced;
    if (this.#sums !== undefined && this.output.length > 0) {
      this.#sums.crc = crc32(this.output, this.#sums.crc);
      this.#sums.length += this.output.length;
    }
    if (stop !== "end") return stop;
    this.#phase = "trailer";
    return "memberEnd";
  }

  #readTrailer(): GzipEvent | undefined {
    const begun = this.kernel.bit % 8 === 0 ? 0 : 1;
    const unread = this.kernel.unread();
    if (unread.length < begun + gzipTrailerSize) return "input";
    const sums = this.#sums;
    if (sums !== undefined) {
      const trailer = viewOf(unread);
      if (trailer.getUint32(begun, true) !== sums.crc) {
        throw corrupt("the checksum of a gzip member is wrong", this.#at);
      }
      if (trailer.getUint32(begun + 4, true) !== sums.length % 2 ** 32) {
        throw corrupt("the length of a gzip member is wrong", this.#at);
      }
    }
    this.kernel.skip(gzipTrailerSize);
    this.#phase = "member";
    this.#mayBePadding = true;
    return undefined;
  }

  #skipPadding(): GzipEvent {
    const unread = this.kernel.unread();
    const odd = unread.findIndex((byte) => byte !== 0);
    if (odd >= 0)
      throw corrupt("something else than zeros follows the last gzip member", this.#at + odd);
    this.kernel.skip(unread.length);
    return "input";
  }
}
