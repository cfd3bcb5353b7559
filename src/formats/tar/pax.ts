import type { ByteString } from "../bytestring.ts";

/** What PAX records say of an entry; a key that is absent leaves the header's value as it is. */
export interface PaxRecords {
  /** Values by key. Sparse pieces of format 0.0, whose keys repeat, are gathered in `pieces` instead. */
  readonly values: Map<string, ByteString>;
  /** GNU.sparse.offset and GNU.sparse.numbytes in their order. */
  readonly pieces: string[];
}

const schilyXattr = "SCHILY.xattr.";
const libarchiveXattr = "LIBARCHIVE.xattr.";

const kept = new Set([
  "path",
  "linkpath",
  "size",
  "uid",
  "gid",
  "mtime",
  "SCHILY.devmajor",
  "SCHILY.devminor",
  "SCHILY.acl.access",
  "SCHILY.acl.default",
  "RHT.security.selinux",
  "GNU.sparse.major",
  "GNU.sparse.minor",
  "GNU.sparse.name",
  "GNU.sparse.realsize",
  "GNU.sparse.size",
  "GNU.sparse.map",
]);

const isXattr = (key: string) => key.startsWith(schilyXattr) || key.startsWith(libarchiveXattr);

const none: readonly (readonly [ByteString, ByteString])[] = [];

/**
 * Reads the records of a PAX header, each `LENGTH KEY=VALUE\n` (POSIX.1-2001, pax, "Extended Header"). Values are
 * taken as bytes whatever they hold, so `hdrcharset` makes no difference. Keys that nobody asks for are left out.
 * Gives undefined where the records are malformed.
 */
export function parsePax(bytes: Buffer): PaxRecords | undefined {
  const values = new Map<string, ByteString>();
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    // Some writers pad the records with NULs.
    if (bytes[at] === 0) break;
    const record = nextRecord(bytes, at);
    if (record === undefined) return undefined;
    const { key, valueAt, end } = record;
    at = end;
    if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") {
      if ((key === "GNU.sparse.offset") !== (pieces.length % 2 === 0)) return undefined;
      pieces.push(bytes.toString("latin1", valueAt, end - 1));
    } else if (kept.has(key) || isXattr(key)) {
      values.set(key, bytes.toString("latin1", valueAt, end - 1));
    }
  }
  return { values, pieces };
}

function nextRecord(bytes: Buffer, at: number) {
  let length = 0;
  let i = at;
  for (; i < bytes.length && bytes[i] !== 0x20; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9 || i - at > 9) return undefined;
    length = length * 10 + digit;
  }
  const end = at + length;
  if (i === at || end > bytes.length || end <= i + 1 || bytes[end - 1] !== 0x0a) return undefined;
  const equals = bytes.indexOf(0x3d, i + 1);
  if (equals < 0 || equals === i + 1 || equals >= end) return undefined;
  return { key: bytes.toString("latin1", i + 1, equals), valueAt: equals + 1, end };
}

/**
 * The extended attributes among the records: SCHILY.xattr (raw bytes) of star, GNU tar, Go and bsdtar, and
 * LIBARCHIVE.xattr (name URL-encoded, value base64) of bsdtar, which writes both.
 */
export function xattrsOf(
  values: ReadonlyMap<string, ByteString>,
): readonly (readonly [ByteString, ByteString])[] {
  let some = false;
  for (const key of values.keys()) some ||= isXattr(key);
  if (!some) return none;
  const found = new Map<ByteString, ByteString>();
  for (const [key, value] of values) {
    if (!key.startsWith(libarchiveXattr)) continue;
    const name = key
      .slice(libarchiveXattr.length)
      .replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
    found.set(name, Buffer.from(value, "base64").toString("latin1"));
  }
  for (const [key, value] of values) {
    if (key.startsWith(schilyXattr)) found.set(key.slice(schilyXattr.length), value);
  }
  return [...found];
}

/** `global` with the records of `local` laid over it; an empty value takes a global one back. */
export function overlay(
  global: ReadonlyMap<string, ByteString>,
  local: ReadonlyMap<string, ByteString>,
): ReadonlyMap<string, ByteString> {
  if (global.size === 0) return local;
  const both = new Map(global);
  for (const [key, value] of local) both.set(key, value);
  return both;
}
