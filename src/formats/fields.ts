/**
 * Binary structures as field tables: a structure is declared once, and offsets, size, reader, writer and the
 * field-by-field dump all come from the declaration. Everything is little-endian.
 */

type Kind = "u8" | "u16" | "u32" | "i32" | "u64" | "i64";

/** One field: an integer kind, or a run of `bytes` raw bytes. u64 and i64 are read as JavaScript numbers. */
export type Field = Kind | { readonly bytes: number };

const widths: Record<Kind, number> = { u8: 1, u16: 2, u32: 4, i32: 4, u64: 8, i64: 8 };

type ValueOf<F extends Field> = F extends Kind ? number : Uint8Array;

/** The value of a structure: one property for each field. */
export type ValuesOf<T extends Record<string, Field>> = { [K in keyof T]: ValueOf<T[K]> };

/** A declared structure. `at` maps a field's name to its byte offset from the start of the structure. */
export interface Struct<T extends Record<string, Field>> {
  readonly name: string;
  readonly fields: T;
  readonly size: number;
  readonly at: { readonly [K in keyof T]: number };
  /** Reads a structure at byte offset `offset`. Throws RangeError where it passes the end of the view. */
  read(view: DataView, offset?: number): ValuesOf<T>;
  /** Writes a structure; fields that are left out become zero. Throws RangeError for a number that does not fit. */
  write(view: DataView, offset: number, values: Partial<ValuesOf<T>>): void;
}

const widthOf = (field: Field): number => (typeof field === "string" ? widths[field] : field.bytes);

/**
 * Declares a structure of exactly `size` bytes.
 * @throws Error when the module loads and the fields do not add up to `size`.
 */
export function struct<const T extends Record<string, Field>>(
  name: string,
  size: number,
  fields: T,
): Struct<T> {
  const at: Record<string, number> = {};
  let end = 0;
  for (const [key, field] of Object.entries(fields)) {
    at[key] = end;
    end += widthOf(field);
  }
  if (end !== size) throw new Error(`${name}: fields take ${end} bytes, declared are ${size}`);
  return {
    name,
    fields,
    size,
    at: at as { [K in keyof T]: number },
    read(view, offset = 0) {
      const values: Record<string, number | Uint8Array> = {};
      for (const [key, field] of Object.entries(fields)) {
        values[key] = readField(view, offset + at[key]!, field);
      }
      return values as ValuesOf<T>;
    },
    write(view, offset, values) {
      for (const [key, field] of Object.entries(fields)) {
        writeField(view, offset + at[key]!, field, values[key], `${name}.${key}`);
      }
    },
  };
}

/** A view of the same bytes as `bytes`. */
export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function readField(view: DataView, at: number, field: Field): number | Uint8Array {
  if (typeof field !== "string") {
    if (at + field.bytes > view.byteLength) throw new RangeError("structure passes the end");
    return new Uint8Array(view.buffer, view.byteOffset + at, field.bytes);
  }
  switch (field) {
    case "u8":
      return view.getUint8(at);
    case "u16":
      return view.getUint16(at, true);
    case "u32":
      return view.getUint32(at, true);
    case "i32":
      return view.getInt32(at, true);
    case "u64":
      return readU64(view, at);
    case "i64":
      return Number(view.getBigInt64(at, true));
  }
}

/**
 * Reads a u64. Values of 2^53 and more lose their low bits; a bound check that follows refuses them, since no size
 * or offset that this project accepts is that large.
 */
export const readU64 = (view: DataView, at: number): number =>
  view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000;

/** Writes a u64 below 2^53. */
export function writeU64(view: DataView, at: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not a u64`);
  view.setUint32(at, value % 0x1_0000_0000, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

const limits: Record<Exclude<Kind, "u64" | "i64">, readonly [number, number]> = {
  u8: [0, 0xff],
  u16: [0, 0xffff],
  u32: [0, 0xffff_ffff],
  i32: [-0x8000_0000, 0x7fff_ffff],
};

function writeField(
  view: DataView,
  at: number,
  field: Field,
  value: number | Uint8Array | undefined,
  label: string,
): void {
  if (typeof field !== "string") {
    const target = new Uint8Array(view.buffer, view.byteOffset + at, field.bytes);
    target.fill(0);
    if (value === undefined) return;
    if (typeof value === "number" || value.byteLength > field.bytes) {
      throw new RangeError(`${label} takes at most ${field.bytes} bytes`);
    }
    target.set(value);
    return;
  }
  const number = value ?? 0;
  if (typeof number !== "number") throw new RangeError(`${label} is a number`);
  if (field === "u64") writeU64(view, at, number);
  else if (field === "i64") view.setBigInt64(at, BigInt(number), true);
  else {
    const [low, high] = limits[field];
    if (!Number.isInteger(number) || number < low || number > high) {
      throw new RangeError(`${label}: ${number} does not fit ${field}`);
    }
    if (field === "u8") view.setUint8(at, number);
    else if (field === "u16") view.setUint16(at, number, true);
    else if (field === "u32") view.setUint32(at, number, true);
    else view.setInt32(at, number, true);
  }
}
