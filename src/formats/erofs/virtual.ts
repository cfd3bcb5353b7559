import { ClipError } from "../../errors.ts";
import { readU64, struct, viewOf } from "../fields.ts";

/**
 * The virtual device: an aligned address space for data that is not aligned where it lies, or that is pieced
 * together with zeros. Its table says where its bytes really are; what no entry covers reads as zeros.
 */

/** `length` bytes of the virtual device from byte `virtual` are those of `device` (a layer, 1 to n) from byte `at`. */
export interface VirtualExtent {
  readonly virtual: number;
  readonly length: number;
  readonly device: number;
  readonly at: number;
}

/** An entry of the table as it is stored; entries rise by `virtual` and don't overlap. */
export const virtualEntry = struct("virtual extent", 32, {
  virtual: "u64",
  length: "u64",
  at: "u64",
  device: "u32",
  reserved: "u32",
});

/** The table's bytes. */
export function encodeVirtual(extents: readonly VirtualExtent[]): Uint8Array {
  const bytes = new Uint8Array(extents.length * virtualEntry.size);
  const view = viewOf(bytes);
  extents.forEach(({ virtual, length, device, at }, i) => {
    virtualEntry.write(view, i * virtualEntry.size, { virtual, length, device, at });
  });
  return bytes;
}

/** A table in its stored form, searched where it lies. */
export class VirtualTable {
  readonly #view: DataView;
  readonly count: number;

  /**
   * @param deviceSizes bytes of each layer's tar, for checking.
   * @throws ClipError ARCHIVE_CORRUPT where the table is not sorted or points outside the layers.
   */
  constructor(bytes: Uint8Array, deviceSizes: readonly number[]) {
    if (bytes.length % virtualEntry.size !== 0) throw corrupt("has no whole number of entries");
    this.#view = viewOf(bytes);
    this.count = bytes.length / virtualEntry.size;
    let end = 0;
    for (let i = 0; i < this.count; i++) {
      const { virtual, length, device, at } = this.entry(i);
      if (virtual < end || length === 0) throw corrupt(`is out of order at entry ${i}`);
      end = virtual + length;
      const size = deviceSizes[device - 1];
      if (size === undefined || at + length > size || !Number.isSafeInteger(end)) {
        throw corrupt(`points outside the layers at entry ${i}`);
      }
    }
  }

  /** Entry `index`, 0 to `count` - 1. */
  entry(index: number): VirtualExtent {
    const at = index * virtualEntry.size;
    return {
      virtual: readU64(this.#view, at + virtualEntry.at.virtual),
      length: readU64(this.#view, at + virtualEntry.at.length),
      device: this.#view.getUint32(at + virtualEntry.at.device, true),
      at: readU64(this.#view, at + virtualEntry.at.at),
    };
  }

  /**
   * Says piece by piece where `length` bytes of the virtual device from byte `offset` are: `visit` is given a piece's
   * place in the virtual device, its length, and the device and byte where it lies, or device 0 for zeros.
   */
  resolve(
    offset: number,
    length: number,
    visit: (virtual: number, length: number, device: number, at: number) => void,
  ): void {
    const end = offset + length;
    let place = offset;
    for (let i = this.#firstEndingAfter(offset); i < this.count && place < end; i++) {
      const entry = this.entry(i);
      if (entry.virtual >= end) break;
      if (entry.virtual > place) {
        visit(place, entry.virtual - place, 0, 0);
        place = entry.virtual;
      }
      const taken = Math.min(end, entry.virtual + entry.length) - place;
      visit(place, taken, entry.device, entry.at + (place - entry.virtual));
      place += taken;
    }
    if (place < end) visit(place, end - place, 0, 0);
  }

  #firstEndingAfter(offset: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.entry(middle);
      if (entry.virtual + entry.length <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const corrupt = (what: string) =>
  new ClipError(
    "ARCHIVE_CORRUPT",
    `the archive's table of the virtual device ${what}; build the archive again`,
  );
