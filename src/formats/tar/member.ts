import { type ByteString, printable } from "../bytestring.ts";
import {
  type Attributes,
  type LongNames,
  readAttributes,
  readName,
  readNumber,
} from "./attributes.ts";
import type { EntryType, Extent, TarEntry } from "./entry.ts";
import type { TarFaults } from "./faults.ts";
import { blockSize, checksumMatches, textAt, ustar } from "./header.ts";
import { maxPathBytes, maxPaxBytes } from "./limits.ts";
import { parseField } from "./numbers.ts";
import { overlay, type PaxRecords, parsePax } from "./pax.ts";
import { paxSparse, type SparseReader, startGnuSparse } from "./sparse-file.ts";

/** Type flags whose meaning is an entry (POSIX ustar; S and D are GNU's sparse file and dumped directory). */
const types: Readonly<Record<string, EntryType>> = {
  "\0": "file",
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "dir",
  "6": "fifo",
  "7": "file",
  D: "dir",
  S: "file",
};

const refused: Readonly<Record<string, string>> = {
  M: "continues a file of another volume: join the volumes first",
  N: "is of a GNU format for long names that was given up in 1993",
};

/** PAX records that carry metadata which is not taken over. */
const notTaken: Readonly<Record<string, string>> = {
  "SCHILY.acl.access": "access control lists written as text",
  "SCHILY.acl.default": "default access control lists written as text",
  "RHT.security.selinux": "SELinux labels of GNU tar's own kind",
};

/** A header that describes the next one: its body is gathered until it is whole. */
interface Body {
  readonly kind: "x" | "g" | "L" | "K";
  readonly size: number;
  filled: number;
}

const noRecords: PaxRecords = { values: new Map(), pieces: [] };
const noExtents: readonly Extent[] = [];

/**
 * Puts entries together from their blocks: the PAX and GNU headers that come first, the header itself, the blocks of
 * a sparse map. Blocks are given one at a time; after each, `dataLeft` bytes (padding included) are to be passed over.
 */
export class MemberReader {
  /** Bytes of data and padding before the next block; whoever passes over them counts it down. */
  dataLeft = 0;
  /** Name of the last entry, for messages. */
  name: ByteString = "";
  #body: Body | undefined;
  /** Where bodies are gathered, used again for each. */
  #room = Buffer.alloc(4096);
  #sparse: SparseReader | undefined;
  #local: PaxRecords | undefined;
  #long: LongNames = {};
  #global: ReadonlyMap<string, ByteString> = new Map();
  #globalBytes = 0;
  #headerAt = -1;
  readonly #warned = new Set<string>();

  constructor(
    readonly onEntry: (entry: TarEntry) => void,
    readonly onWarning: (text: string) => void,
    readonly faults: TarFaults,
  ) {}

  /** Whether the next block is not a header but belongs to what came before. */
  get wantsMore(): boolean {
    return this.#body !== undefined || this.#sparse !== undefined;
  }

  /** Whether headers have been read that something must follow. */
  get isPending(): boolean {
    return this.wantsMore || this.#headerAt >= 0;
  }

  /** Takes a header block, which lies at `faults.at` of the tar and at `from` of `block`. */
  header(block: Buffer, from: number): void {
    if (this.#headerAt < 0) this.#headerAt = this.faults.at;
    const stored = parseField(block, from + ustar.at.checksum, ustar.fields.checksum.bytes);
    if (!checksumMatches(block, from, stored)) {
      throw this.faults.corrupt("the checksum of a header is wrong");
    }
    const flag = String.fromCharCode(block[from + ustar.at.typeflag]!);
    // Sun's X is an early x; a volume's label (V) describes no file.
    if (flag === "x" || flag === "X") this.#start("x", block, from);
    else if (flag === "g" || flag === "L" || flag === "K") this.#start(flag, block, from);
    else if (flag === "V") this.#headerAt = -1;
    else this.#entry(block, from, flag);
  }

  /** Takes a block that `wantsMore` asked for. */
  more(block: Buffer, from: number): void {
    if (this.#sparse !== undefined) {
      const placed = this.#sparse.block(block, from);
      if (placed === undefined) return;
      this.#sparse = undefined;
      this.#place(placed.attributes, placed.size, placed.extents, placed.stored);
      return;
    }
    const body = this.#body!;
    const taken = Math.min(blockSize, body.size - body.filled);
    block.copy(this.#room, body.filled, from, from + taken);
    body.filled += taken;
    if (body.filled === body.size) this.#finish(body.kind, this.#room.subarray(0, body.size));
  }

  #start(kind: Body["kind"], block: Buffer, from: number): void {
    const size = readNumber(block, from, noRecords.values, "size", "size", this.faults);
    const limit = kind === "x" || kind === "g" ? maxPaxBytes : maxPathBytes + 1;
    if (size > limit) {
      throw this.faults.limit(`a header of type "${kind}" has ${size} bytes; ${limit} are allowed`);
    }
    if (size > this.#room.length) this.#room = Buffer.alloc(size);
    if (size === 0) this.#finish(kind, this.#room.subarray(0, 0));
    else this.#body = { kind, size, filled: 0 };
  }

  #finish(kind: Body["kind"], bytes: Buffer): void {
    this.#body = undefined;
    if (kind === "L") this.#long.name = textAt(bytes, 0, bytes.length);
    else if (kind === "K") this.#long.linkName = textAt(bytes, 0, bytes.length);
    else {
      const records = parsePax(bytes);
      if (records === undefined) throw this.faults.corrupt("a PAX header is malformed");
      if (kind === "x") this.#local = records;
      else this.#addGlobal(records, bytes.length);
    }
  }

  #addGlobal(records: PaxRecords, length: number): void {
    this.#globalBytes += length;
    if (this.#globalBytes > maxPaxBytes) {
      throw this.faults.limit(`global PAX headers hold more than ${maxPaxBytes} bytes`);
    }
    this.#global = new Map(overlay(this.#global, records.values));
    if (this.#local === undefined) this.#headerAt = -1;
  }

  #entry(block: Buffer, from: number, flag: string): void {
    const { faults } = this;
    if (refused[flag] !== undefined) {
      throw faults.unsupported(`the entry of type "${flag}" ${refused[flag]}`);
    }
    const records = this.#local ?? noRecords;
    const pax = overlay(this.#global, records.values);
    const type = this.#typeOf(block, from, flag, pax);
    const attributes = readAttributes(block, from, type, pax, this.#long, this.#headerAt, faults);
    this.name = attributes.name;
    if (pax.size > 0) this.#warnOfLosses(pax);
    // POSIX: links, directories, devices and FIFOs have no data whatever their size says. A dumped directory has.
    const stored =
      type === "file" || flag === "D" ? readNumber(block, from, pax, "size", "size", faults) : 0;
    this.#local = undefined;
    this.#long = {};
    this.#headerAt = -1;
    const draft = { attributes, stored, dataAt: faults.at + blockSize };
    const warn = (text: string) => this.#warn(text);
    const sparse =
      flag === "S"
        ? startGnuSparse(draft, block, from, faults, warn)
        : type === "file"
          ? paxSparse(draft, pax, records.pieces, faults, warn)
          : undefined;
    if (sparse === undefined) {
      const isFile = type === "file" && stored > 0;
      const extents = isFile ? [{ offset: 0, length: stored, at: draft.dataAt }] : noExtents;
      this.#place(attributes, isFile ? stored : 0, extents, stored);
    } else if ("block" in sparse) this.#sparse = sparse;
    else this.#place(attributes, sparse.size, sparse.extents, sparse.stored);
  }

  #typeOf(
    block: Buffer,
    from: number,
    flag: string,
    pax: ReadonlyMap<string, ByteString>,
  ): EntryType {
    const type = types[flag];
    if (type !== undefined && flag !== "\0") return type;
    const name = readName(block, from, pax, this.#long, this.faults);
    if (type !== undefined) return name.endsWith("/") ? "dir" : "file";
    this.#warn(
      `"${printable(name)}" is of the unknown type "${printable(flag)}" and is taken as an ordinary file`,
    );
    return "file";
  }

  #place(attributes: Attributes, size: number, extents: readonly Extent[], stored: number): void {
    this.dataLeft = Math.ceil(stored / blockSize) * blockSize;
    this.onEntry({ ...attributes, size, extents });
  }

  #warnOfLosses(pax: ReadonlyMap<string, ByteString>): void {
    for (const key in notTaken) {
      if (!pax.has(key) || this.#warned.has(key)) continue;
      this.#warned.add(key);
      this.#warn(
        `${notTaken[key]} (${key}) are not taken over; the first is that of "${printable(this.name)}"`,
      );
    }
  }

  #warn(text: string): void {
    this.onWarning(`${this.faults.tarName}: ${text}`);
  }
}
