import { viewOf } from "../formats/fields.ts";
import { maxReadSize } from "./limits.ts";
import { outHeader } from "./wire.ts";

/** The buffer in which replies are made, one after another: a header, and what a handler puts behind it. */
export class Reply {
  readonly bytes = new Uint8Array(outHeader.size + maxReadSize);
  readonly view = viewOf(this.bytes);
  /** Offset of what follows the header, and how much can follow. */
  readonly body = outHeader.size;
  readonly capacity = maxReadSize;

  /** Puts `bytes` behind the header; returns their number. */
  put(bytes: Uint8Array): number {
    this.bytes.set(bytes, this.body);
    return bytes.length;
  }

  /**
   * Completes the header for a reply of `size` bytes behind it, or an error where `size` is -errno. `unique` comes in
   * two halves, so that no request makes a BigInt. Returns the reply's length.
   */
  seal(uniqueLow: number, uniqueHigh: number, size: number): number {
    const length = outHeader.size + Math.max(0, size);
    this.view.setUint32(outHeader.at.length, length, true);
    this.view.setInt32(outHeader.at.error, Math.min(0, size), true);
    this.view.setUint32(outHeader.at.unique, uniqueLow, true);
    this.view.setUint32(outHeader.at.unique + 4, uniqueHigh, true);
    return length;
  }
}
