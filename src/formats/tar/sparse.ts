import type { ByteString } from "../bytestring.ts";
import type { Extent } from "./entry.ts";
import { blockSize, gnu, gnuSparseExtension } from "./header.ts";
import { maxSparsePieces } from "./limits.ts";
import { parseDecimal, parseField } from "./numbers.ts";

/** Data of a sparse file, as its map lists it: [offset, length] of each piece, which lie back to back in the tar. */
export type SparsePiece = readonly [offset: number, length: number];

const entryBytes = 24;
const numberBytes = 12;

/**
 * The pieces listed in a GNU `S` header or in one of the blocks that extend it, appended to `pieces`; the list of a
 * block ends at the first entry that is empty. Gives undefined where a number is malformed.
 */
export function readGnuPieces(
  block: Buffer,
  at: number,
  kind: "header" | "extension",
  pieces: SparsePiece[],
): { readonly more: boolean } | undefined {
  const table = kind === "header" ? gnu : gnuSparseExtension;
  const first = at + table.at.sparse;
  const end = first + table.fields.sparse.bytes;
  for (let from = first; from < end; from += entryBytes) {
    if (block[from] === 0) break;
    const offset = parseField(block, from, numberBytes);
    const length = parseField(block, from + numberBytes, numberBytes);
    if (offset === undefined || length === undefined) return undefined;
    pieces.push([offset, length]);
  }
  return { more: block[at + table.at.isExtended] !== 0 };
}

/** The pieces of a PAX map of format 0.0 (numbers of repeated records) or 0.1 (one list with commas). */
export function piecesOfNumbers(numbers: readonly string[]): SparsePiece[] | undefined {
  if (numbers.length % 2 !== 0 || numbers.length > 2 * maxSparsePieces) return undefined;
  const pieces: SparsePiece[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    const offset = parseDecimal(numbers[i]!);
    const length = parseDecimal(numbers[i + 1]!);
    if (offset === undefined || length === undefined) return undefined;
    pieces.push([offset, length]);
  }
  return pieces;
}

/**
 * The map at the start of a PAX 1.0 sparse file's data: decimal numbers with a newline each, first how many pieces,
 * then offset and length of each, padded to a block.
 */
export class SparseMapText {
  blocks = 0;
  #text: ByteString[] = [];
  #lines = 0;
  /** How many lines the map has; known after the first one. */
  #wanted = 1;

  /** Takes the next block. Says whether the map ends in it. */
  add(bytes: Buffer, at: number): boolean {
    this.blocks++;
    this.#text.push(bytes.toString("latin1", at, at + blockSize));
    for (let i = at; i < at + blockSize; i++) {
      if (bytes[i] !== 0x0a) continue;
      this.#lines++;
      if (this.#lines > 1) continue;
      this.#text = [this.#text.join("")];
      const first = this.#text[0]!;
      this.#wanted = 1 + 2 * (parseDecimal(first.slice(0, first.indexOf("\n"))) ?? 0);
    }
    return this.#lines >= this.#wanted;
  }

  /** What a map that has ended lists; undefined where it is malformed. */
  pieces(): SparsePiece[] | undefined {
    const lines = this.#text.join("").split("\n", this.#wanted);
    if (parseDecimal(lines[0]!) === undefined) return undefined;
    return piecesOfNumbers(lines.slice(1));
  }
}

/**
 * Where a sparse file's bytes lie, given its pieces in order, its logical size and where its data starts. Pieces
 * that touch, in the file and in the tar, become one. Gives undefined where the pieces overlap, go backwards, pass
 * the end of the file, or hold more than the `stored` bytes that the tar has.
 */
export function extentsOfPieces(
  pieces: readonly SparsePiece[],
  size: number,
  dataAt: number,
  stored: number,
): Extent[] | undefined {
  const extents: Extent[] = [];
  let filled = 0;
  let at = dataAt;
  for (const [offset, length] of pieces) {
    if (offset < filled || length < 0 || offset + length > size) return undefined;
    filled = offset + length;
    if (length === 0) continue;
    const last = extents.at(-1);
    if (last !== undefined && last.offset + last.length === offset) {
      extents[extents.length - 1] = { ...last, length: last.length + length };
    } else {
      extents.push({ offset, length, at });
    }
    at += length;
  }
  return at - dataAt <= stored ? extents : undefined;
}
