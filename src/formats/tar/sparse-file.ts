import { type ByteString, printable } from "../bytestring.ts";
import type { Attributes } from "./attributes.ts";
import type { Extent } from "./entry.ts";
import type { TarFaults } from "./faults.ts";
import { blockSize, gnu } from "./header.ts";
import { maxSparseMapBytes, maxSparsePieces } from "./limits.ts";
import { parseDecimal, parseField } from "./numbers.ts";
import {
  extentsOfPieces,
  piecesOfNumbers,
  readGnuPieces,
  SparseMapText,
  type SparsePiece,
} from "./sparse.ts";

/** A file whose headers have been read: what the tar stores for it, and where that starts. */
export interface Draft {
  readonly attributes: Attributes;
  /** Bytes after the headers; for PAX 1.0 the map is among them. */
  readonly stored: number;
  readonly dataAt: number;
}

/** A sparse file whose pieces are known. */
export interface Placed {
  readonly attributes: Attributes;
  /** Logical size, and where the data lies. */
  readonly size: number;
  readonly extents: readonly Extent[];
  /** Bytes of data that follow in the tar. */
  readonly stored: number;
}

/** Wants more blocks before the pieces are known. */
export interface SparseReader {
  /** Takes the next block; gives the file once its map is whole. */
  block(block: Buffer, from: number): Placed | undefined;
}

type Warn = (text: string) => void;

/** A file of GNU's type `S`: pieces in the header, and in blocks that extend it. */
export function startGnuSparse(
  draft: Draft,
  block: Buffer,
  from: number,
  faults: TarFaults,
  warn: Warn,
): Placed | SparseReader {
  const size = parseField(block, from + gnu.at.realSize, gnu.fields.realSize.bytes);
  if (size === undefined || size < 0)
    throw faults.corrupt("the size of a sparse file is malformed");
  const pieces: SparsePiece[] = [];
  let dataAt = draft.dataAt;
  const read = (bytes: Buffer, at: number, kind: "header" | "extension") => {
    const answer = readGnuPieces(bytes, at, kind, pieces);
    if (answer === undefined) throw faults.corrupt("a sparse map is malformed");
    if (pieces.length > maxSparsePieces) throw tooMany(faults);
    return answer.more ? undefined : place({ ...draft, dataAt }, pieces, size, faults, warn);
  };
  const placed = read(block, from, "header");
  if (placed !== undefined) return placed;
  return {
    block(bytes, at) {
      dataAt += blockSize;
      return read(bytes, at, "extension");
    },
  };
}

/** A file whose PAX records make it sparse (GNU.sparse.*, formats 0.0, 0.1 and 1.0); undefined where none does. */
export function paxSparse(
  draft: Draft,
  pax: ReadonlyMap<string, ByteString>,
  numbers: readonly string[],
  faults: TarFaults,
  warn: Warn,
): Placed | SparseReader | undefined {
  if (pax.size === 0 && numbers.length === 0) return undefined;
  const major = pax.get("GNU.sparse.major") ?? "0";
  const minor = pax.get("GNU.sparse.minor") ?? "0";
  if (major === "1" && minor === "0") {
    return startMap(draft, realSizeOf(pax, faults), faults, warn);
  }
  if (major !== "0") {
    throw faults.unsupported(
      `the sparse format ${printable(major)}.${printable(minor)} is not known; 0.0, 0.1 and 1.0 are`,
    );
  }
  const list = pax.get("GNU.sparse.map");
  if (list === undefined && numbers.length === 0 && !pax.has("GNU.sparse.size")) return undefined;
  const pieces = piecesOfNumbers(
    list === undefined ? numbers : list === "" ? [] : list.split(",", 2 * maxSparsePieces + 1),
  );
  if (pieces === undefined) throw faults.corrupt("a sparse map is malformed");
  return place(draft, pieces, realSizeOf(pax, faults), faults, warn);
}

function realSizeOf(pax: ReadonlyMap<string, ByteString>, faults: TarFaults): number {
  const size = parseDecimal(pax.get("GNU.sparse.realsize") ?? pax.get("GNU.sparse.size") ?? "");
  if (size === undefined) throw faults.corrupt("the size of a sparse file is malformed");
  return size;
}

/** PAX 1.0: the map lies in front of the data, in blocks of its own. */
function startMap(draft: Draft, size: number, faults: TarFaults, warn: Warn): SparseReader {
  if (draft.stored < blockSize) throw faults.corrupt("a sparse file has no map");
  const map = new SparseMapText();
  return {
    block(bytes, at) {
      const whole = map.add(bytes, at);
      const read = map.blocks * blockSize;
      if (!whole) {
        if (read > maxSparseMapBytes) throw tooMany(faults);
        if (read + blockSize > draft.stored) throw faults.corrupt("a sparse map is cut short");
        return undefined;
      }
      const pieces = map.pieces();
      if (pieces === undefined) throw faults.corrupt("a sparse map is malformed");
      const stored = draft.stored - read;
      return place({ ...draft, stored, dataAt: draft.dataAt + read }, pieces, size, faults, warn);
    },
  };
}

function place(
  draft: Draft,
  pieces: readonly SparsePiece[],
  size: number,
  faults: TarFaults,
  warn: Warn,
): Placed {
  const extents = extentsOfPieces(pieces, size, draft.dataAt, draft.stored);
  if (extents === undefined) {
    throw faults.corrupt("the map of a sparse file is out of order or does not fit its data");
  }
  const { attributes, stored } = draft;
  if (extents.some(({ length }, i) => length % blockSize !== 0 && i < extents.length - 1)) {
    warn(
      `"${printable(attributes.name)}" is a sparse file with pieces that are not multiples of 512 bytes; ` +
        "they are taken to lie back to back, as Python does, not padded, as GNU tar does",
    );
  }
  return { attributes, size, extents, stored };
}

const tooMany = (faults: TarFaults) =>
  faults.limit(`a sparse file has more than ${maxSparsePieces} pieces of data`);
