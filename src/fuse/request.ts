import { readU64, viewOf } from "../formats/fields.ts";
import { getxattrIn, inHeader } from "./wire.ts";

/**
 * A request as it lies in the buffer that `read(2)` fills, again and again. Nothing is decoded in advance, and names
 * come as views that are made once for each length.
 */
export class Request {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Offset of what follows the header. */
  readonly body = inHeader.size;
  /** Bytes of the request in `bytes`. */
  length = 0;
  readonly #names = new NameViews(inHeader.size);
  readonly #attributeNames = new NameViews(inHeader.size + getxattrIn.size);

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }

  /** Whether what was read is one whole request. */
  get isWhole(): boolean {
    return (
      this.length >= inHeader.size && this.view.getUint32(inHeader.at.length, true) === this.length
    );
  }

  get opcode(): number {
    return this.view.getUint32(inHeader.at.opcode, true);
  }

  /** Low and high half of the number that the reply repeats; the highest bit tells a resent request. */
  get uniqueLow(): number {
    return this.view.getUint32(inHeader.at.unique, true);
  }

  get uniqueHigh(): number {
    return this.view.getUint32(inHeader.at.unique + 4, true);
  }

  get node(): number {
    return readU64(this.view, inHeader.at.node);
  }

  /** Whether at least `size` bytes follow the header. */
  holds(size: number): boolean {
    return this.length >= this.body + size;
  }

  /** Thread that asks, as the mounter's pid namespace numbers it; 0 where it is not in there. */
  get pid(): number {
    return this.view.getUint32(inHeader.at.pid, true);
  }

  /** The name that follows the header, without its NUL. */
  get name(): Uint8Array {
    return this.#names.of(this.bytes, this.length);
  }

  /** The name that follows fuse_getxattr_in, without its NUL. */
  get attributeName(): Uint8Array {
    return this.#attributeNames.of(this.bytes, this.length);
  }
}

/** Views of the names that start at one place, by their length. */
class NameViews {
  readonly #views: Uint8Array[] = [];

  constructor(readonly start: number) {}

  of(bytes: Uint8Array, end: number): Uint8Array {
    const nul = bytes.indexOf(0, this.start);
    const length = Math.max(0, (nul >= 0 && nul < end ? nul : end) - this.start);
    let view = this.#views[length];
    if (view === undefined) {
      view = bytes.subarray(this.start, this.start + length);
      if (length <= maxKeptLength) this.#views[length] = view;
    }
    return view;
  }
}

/** NAME_MAX and XATTR_NAME_MAX of linux/limits.h. */
const maxKeptLength = 255;
