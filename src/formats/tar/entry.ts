import type { ByteString } from "../bytestring.ts";

/** What a tar entry stands for, after the type flags of ustar, GNU and PAX have been understood. */
export type EntryType = "file" | "hardlink" | "symlink" | "char" | "block" | "dir" | "fifo";

/** Data of a file: `length` bytes of the file from `offset` lie in the uncompressed tar at byte `at`. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
  readonly at: number;
}

/** One member of a tar, all headers that describe it (PAX, GNU long names, sparse maps) already applied. */
export interface TarEntry {
  readonly type: EntryType;
  /** The name as the tar has it, not yet made safe: may be absolute, hold `..`, end in `/`. */
  readonly name: ByteString;
  /** Target of a hard link or symbolic link, as the tar has it; empty otherwise. */
  readonly linkName: ByteString;
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, rounded down (may be negative), and 0 to 999,999,999 nanoseconds more. */
  readonly mtime: number;
  readonly mtimeNs: number;
  readonly devMajor: number;
  readonly devMinor: number;
  /** Logical size of a file in bytes, holes included; 0 for everything else. */
  readonly size: number;
  /** Where the data lies, in rising order of `offset`, not overlapping; what no extent covers is a hole. */
  readonly extents: readonly Extent[];
  /** Extended attributes, [name, value], in the order of the tar. */
  readonly xattrs: readonly (readonly [ByteString, ByteString])[];
  /** Byte offset of the entry's first header block in the uncompressed tar, for messages. */
  readonly headerAt: number;
}
