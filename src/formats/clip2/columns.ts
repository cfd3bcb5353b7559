/**
 * Tables stored column by column, which zstd packs far better than rows: all values of the first column, then all of
 * the second, … Numbers are little-endian; a `rising` column holds each value's distance from the one before it.
 */
import { readU64, viewOf, writeU64 } from "../fields.ts";
import { corruptArchive } from "./corrupt.ts";

/** `rising` and `u64` take 8 bytes, `u32` 4, `u8` 1, `sha256` 32. */
export type Column = "rising" | "u64" | "u32" | "u8" | "sha256";

const widths: Record<Column, number> = { rising: 8, u64: 8, u32: 4, u8: 1, sha256: 32 };

/** Numbers as Float64Array (exact below 2^53), digests as 32 bytes each in one array. */
export type ColumnValues<C extends Column> = C extends "sha256" ? Uint8Array : Float64Array;

export interface Table<T extends Record<string, Column>> {
  readonly name: string;
  readonly columns: T;
  /** Bytes of one row. */
  readonly width: number;
  encode(values: { readonly [K in keyof T]: ColumnValues<T[K]> }, rows: number): Uint8Array;
  /** @throws ClipError ARCHIVE_CORRUPT for a part of a row, or a number that passes 2^53. */
  decode(bytes: Uint8Array): {
    readonly rows: number;
    readonly values: { [K in keyof T]: ColumnValues<T[K]> };
  };
}

export function table<const T extends Record<string, Column>>(name: string, columns: T): Table<T> {
  const width = Object.values(columns).reduce((sum, column) => sum + widths[column], 0);
  return {
    name,
    columns,
    width,
    encode(values, rows) {
      const bytes = new Uint8Array(rows * width);
      let at = 0;
      for (const [key, column] of Object.entries(columns)) {
        encodeColumn(viewOf(bytes), at, column, values[key as keyof T] as Float64Array, rows);
        at += rows * widths[column];
      }
      return bytes;
    },
    decode(bytes) {
      const rows = bytes.length / width;
      if (!Number.isInteger(rows))
        throw corruptArchive(`has a table of ${name} with a part of a row`);
      const values: Record<string, Float64Array | Uint8Array> = {};
      let at = 0;
      for (const [key, column] of Object.entries(columns)) {
        values[key] = decodeColumn(viewOf(bytes), at, column, rows, name);
        at += rows * widths[column];
      }
      return { rows, values: values as { [K in keyof T]: ColumnValues<T[K]> } };
    },
  };
}

function encodeColumn(
  view: DataView,
  start: number,
  column: Column,
  values: Float64Array | Uint8Array,
  rows: number,
): void {
  if (column === "sha256") {
    new Uint8Array(view.buffer, view.byteOffset + start, rows * 32).set(values);
    return;
  }
  let before = 0;
  for (let row = 0; row < rows; row++) {
    const value = values[row]!;
    const at = start + row * widths[column];
    if (column === "u8") view.setUint8(at, value);
    else if (column === "u32") view.setUint32(at, value, true);
    else if (column === "u64") writeU64(view, at, value);
    else {
      // A layer's values begin below the last layer's: its first row holds the value itself.
      writeU64(view, at, value >= before ? (value - before) * 2 : value * 2 + 1);
      before = value;
    }
  }
}

function decodeColumn(
  view: DataView,
  start: number,
  column: Column,
  rows: number,
  name: string,
): Float64Array | Uint8Array {
  if (column === "sha256") return new Uint8Array(view.buffer, view.byteOffset + start, rows * 32);
  const values = new Float64Array(rows);
  let before = 0;
  for (let row = 0; row < rows; row++) {
    const at = start + row * widths[column];
    if (column === "u8") values[row] = view.getUint8(at);
    else if (column === "u32") values[row] = view.getUint32(at, true);
    else {
      const stored = readU64(view, at);
      if (column === "u64") values[row] = stored;
      else values[row] = stored % 2 === 0 ? before + stored / 2 : (stored - 1) / 2;
      before = values[row]!;
      if (!Number.isSafeInteger(before))
        throw corruptArchive(`has a number in its ${name} that is too large`);
    }
  }
  return values;
}
