import type { ByteString } from "../bytestring.ts";
import type { EntryType, TarEntry } from "./entry.ts";
import type { TarFaults } from "./faults.ts";
import { type Flavour, flavourOf, star, textAt, ustar } from "./header.ts";
import { maxPathBytes } from "./limits.ts";
import { parseDecimal, parseField, parseTime, type Time } from "./numbers.ts";
import { xattrsOf } from "./pax.ts";

type PaxValues = ReadonlyMap<string, ByteString>;
type NumberField = "mode" | "uid" | "gid" | "size" | "mtime" | "devMajor" | "devMinor";

/** An entry as its headers describe it, before its data has been placed. */
export type Attributes = Omit<TarEntry, "size" | "extents">;

/** Names from GNU headers of type `L` and `K`, which come before the entry's own header. */
export interface LongNames {
  name?: ByteString;
  linkName?: ByteString;
}

const maxOwner = 0xffff_ffff;

/** The entry that the header block at `from` and the records in force describe. */
export function readAttributes(
  block: Buffer,
  from: number,
  type: EntryType,
  pax: PaxValues,
  long: LongNames,
  headerAt: number,
  faults: TarFaults,
): Attributes {
  const isLink = type === "hardlink" || type === "symlink";
  const isDevice = type === "char" || type === "block";
  const time = readTime(block, from, pax, faults);
  return {
    type,
    name: readName(block, from, pax, long, faults),
    linkName: isLink ? readLinkName(block, from, pax, long, faults) : "",
    mode: readField(block, from, "mode", faults) & 0o7777,
    uid: readOwner(block, from, pax, "uid", faults),
    gid: readOwner(block, from, pax, "gid", faults),
    mtime: time.seconds,
    mtimeNs: time.nanoseconds,
    devMajor: isDevice ? readNumber(block, from, pax, "SCHILY.devmajor", "devMajor", faults) : 0,
    devMinor: isDevice ? readNumber(block, from, pax, "SCHILY.devminor", "devMinor", faults) : 0,
    xattrs: xattrsOf(pax),
    headerAt,
  };
}

/** The entry's name; for sparse files of PAX 1.0 the real one, which stands in a record of its own. */
export function readName(
  block: Buffer,
  from: number,
  pax: PaxValues,
  long: LongNames,
  faults: TarFaults,
): ByteString {
  const name =
    textOf(pax, "GNU.sparse.name") ?? textOf(pax, "path") ?? long.name ?? headerName(block, from);
  return checkName(name, faults);
}

function readLinkName(
  block: Buffer,
  from: number,
  pax: PaxValues,
  long: LongNames,
  faults: TarFaults,
): ByteString {
  const inHeader = () => textAt(block, from + ustar.at.linkName, ustar.fields.linkName.bytes);
  return checkName(textOf(pax, "linkpath") ?? long.linkName ?? inHeader(), faults);
}

function checkName(name: ByteString, faults: TarFaults): ByteString {
  if (name.length > maxPathBytes) {
    throw faults.limit(
      `a name has ${name.length} bytes; Linux can open no more than ${maxPathBytes}`,
    );
  }
  if (name.includes("\0")) throw faults.corrupt("a name holds a NUL byte");
  return name;
}

const prefixBytes: Readonly<Record<Flavour, number>> = {
  v7: 0,
  gnu: 0,
  ustar: ustar.fields.prefix.bytes,
  star: star.fields.prefix.bytes,
};

function headerName(block: Buffer, from: number): ByteString {
  const name = textAt(block, from + ustar.at.name, ustar.fields.name.bytes);
  if (block[from + ustar.at.prefix] === 0) return name;
  const prefix = textAt(block, from + ustar.at.prefix, prefixBytes[flavourOf(block, from)]);
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** POSIX: a record without a value takes away what others say, and the header counts again. */
const textOf = (pax: PaxValues, key: string): ByteString | undefined => pax.get(key) || undefined;

/** A number of the header. Throws where it is malformed or, but for `mtime`, negative. */
function readField(block: Buffer, from: number, field: NumberField, faults: TarFaults): number {
  const value = parseField(block, from + ustar.at[field], ustar.fields[field].bytes);
  if (value === undefined || (value < 0 && field !== "mtime")) {
    throw faults.corrupt(`the field ${field} is malformed`);
  }
  return value;
}

/** A number that a PAX record may give instead of the header. */
export function readNumber(
  block: Buffer,
  from: number,
  pax: PaxValues,
  key: string,
  field: NumberField,
  faults: TarFaults,
): number {
  const text = textOf(pax, key);
  if (text === undefined) return readField(block, from, field, faults);
  const value = parseDecimal(text);
  if (value === undefined) throw faults.corrupt(`the PAX record ${key} is malformed`);
  return value;
}

function readOwner(
  block: Buffer,
  from: number,
  pax: PaxValues,
  field: "uid" | "gid",
  faults: TarFaults,
): number {
  const value = readNumber(block, from, pax, field, field, faults);
  if (value > maxOwner) throw faults.corrupt(`${field} ${value} does not fit 32 bits`);
  return value;
}

function readTime(block: Buffer, from: number, pax: PaxValues, faults: TarFaults): Time {
  const text = textOf(pax, "mtime");
  if (text === undefined) {
    return { seconds: readField(block, from, "mtime", faults), nanoseconds: 0 };
  }
  const time = parseTime(text);
  if (time === undefined) throw faults.corrupt("the PAX record mtime is malformed");
  return time;
}
