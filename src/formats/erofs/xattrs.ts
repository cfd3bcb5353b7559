import type { ByteString } from "../bytestring.ts";
import { xattrEntry, xattrHeader, xattrPrefixes } from "./layout.ts";

export type Xattr = readonly [name: ByteString, value: ByteString];

/** Why an attribute can't be held, in words for a warning. */
export type XattrLoss = { readonly name: ByteString; readonly why: string };

const maxValueBytes = 0xffff;
/** XATTR_NAME_MAX of linux/limits.h. */
const maxXattrNameBytes = 255;
/** The inode counts the attributes' space in units of 4 bytes, in 16 bits. */
const maxBodyBytes = xattrHeader.size + 4 * 0xfffe;

const prefixes = Object.entries(xattrPrefixes).map(([number, text]) => ({
  number: Number(number),
  text,
}));

/** The number of a name's prefix and what follows it; undefined where EROFS knows no such namespace. */
export function splitXattrName(
  name: ByteString,
): { readonly prefix: number; readonly rest: ByteString } | undefined {
  for (const { number, text } of prefixes) {
    if (!name.startsWith(text)) continue;
    const rest = name.slice(text.length);
    // The names of access control lists are whole; in a namespace there must be a name.
    if (text.endsWith(".") === rest.length > 0) return { prefix: number, rest };
  }
  return undefined;
}

/** The attributes that EROFS can hold, sorted by name, the last of a name only; and those that it can't. */
export function selectXattrs(xattrs: readonly Xattr[]): {
  readonly kept: readonly Xattr[];
  readonly lost: readonly XattrLoss[];
} {
  const lost: XattrLoss[] = [];
  const kept: Xattr[] = [];
  let size: number = xattrHeader.size;
  for (const [name, value] of [...new Map(xattrs)].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const split = splitXattrName(name);
    const space = split === undefined ? 0 : entrySize(split.rest, value);
    const why = name.includes("\0")
      ? "its name holds a NUL byte"
      : name.length > maxXattrNameBytes
        ? `its name has ${name.length} bytes; ${maxXattrNameBytes} are possible`
        : split === undefined
          ? "EROFS has no place for its namespace"
          : value.length > maxValueBytes
            ? `its value has ${value.length} bytes; ${maxValueBytes} are possible`
            : size + space > maxBodyBytes
              ? `the attributes of one file may take ${maxBodyBytes} bytes together`
              : undefined;
    if (why === undefined) {
      kept.push([name, value]);
      size += space;
    } else lost.push({ name, why });
  }
  return { kept, lost };
}

const entrySize = (rest: ByteString, value: ByteString): number =>
  (xattrEntry.size + rest.length + value.length + 3) & ~3;

/** Bytes that `xattrs`, all of which {@link selectXattrs} kept, take behind the inode; 0 where there are none. */
export function xattrsSize(xattrs: readonly Xattr[]): number {
  if (xattrs.length === 0) return 0;
  let size: number = xattrHeader.size;
  for (const [name, value] of xattrs) size += entrySize(splitXattrName(name)!.rest, value);
  return size;
}

/** What the inode's xattrCount says for a body of `size` bytes (erofs_xattr_ibody_size, the other way round). */
export const xattrCountOf = (size: number): number =>
  size === 0 ? 0 : (size - xattrHeader.size) / 4 + 1;

/** Writes the attributes of an inode at `at` of `image`, which must hold zeros. */
export function writeXattrs(
  image: Buffer,
  view: DataView,
  at: number,
  xattrs: readonly Xattr[],
): void {
  let place = at + xattrHeader.size;
  for (const [name, value] of xattrs) {
    const { prefix, rest } = splitXattrName(name)!;
    xattrEntry.write(view, place, {
      nameLength: rest.length,
      prefix,
      valueSize: value.length,
    });
    image.write(rest, place + xattrEntry.size, "latin1");
    image.write(value, place + xattrEntry.size + rest.length, "latin1");
    place += entrySize(rest, value);
  }
}
