import { maxCodeBits } from "./codes.ts";
import { type Alphabet, invalidEntry, subtableEntry } from "./entries.ts";

/** What a set of code lengths can be: `empty` and `single` (one code of one bit) leave bit patterns without a meaning. */
export type CodeSet = "complete" | "single" | "empty" | "incomplete" | "overfull";

const counts = new Int32Array(maxCodeBits + 1);
const nextOfLength = new Int32Array(maxCodeBits + 2);
const sorted = new Int32Array(320);

/**
 * Builds the decoding table of a canonical Huffman code (RFC 1951, 3.2.2).
 * `lengths[from .. from + count)` are the code lengths, 0 for symbols that do not occur. Nothing is written to
 * `table` when the set is `incomplete` or `overfull`. The table needs 2^rootBits entries and room for subtables.
 */
export function buildTable(
  lengths: Uint8Array,
  from: number,
  count: number,
  alphabet: Alphabet,
  table: Int32Array,
): CodeSet {
  counts.fill(0);
  for (let i = 0; i < count; i++) counts[lengths[from + i]!]!++;
  const set = judge();
  if (set === "incomplete" || set === "overfull") return set;
  const { rootBits, symbols, special } = alphabet;
  if (set !== "complete") table.fill(special | invalidEntry | 1, 0, 1 << rootBits);

  nextOfLength[1] = 0;
  for (let length = 1; length <= maxCodeBits; length++) {
    nextOfLength[length + 1] = nextOfLength[length]! + counts[length]!;
  }
  const used = nextOfLength[maxCodeBits + 1]!;
  for (let symbol = 0; symbol < count; symbol++) {
    const length = lengths[from + symbol]!;
    if (length !== 0) sorted[nextOfLength[length]!++] = symbol;
  }

  let code = 0; // with its bits reversed, as they come in the stream
  let subtable = -1; // index of the subtable being filled
  let subtableBits = 0;
  let subtableRoot = -1;
  let free = 1 << rootBits;
  for (let i = 0; i < used; i++) {
    const symbol = sorted[i]!;
    const length = lengths[from + symbol]!;
    const entry = symbols[symbol]! + (length | (length << 8));
    if (length <= rootBits) {
      for (let at = code; at < 1 << rootBits; at += 1 << length) table[at] = entry;
    } else {
      const root = code & ((1 << rootBits) - 1);
      if (root !== subtableRoot) {
        subtableRoot = root;
        subtable = free;
        subtableBits = subtableSize(length - rootBits, rootBits);
        free += 1 << subtableBits;
        table[root] = special | (subtable << 16) | subtableEntry | (subtableBits << 8);
      }
      const step = 1 << (length - rootBits);
      for (let at = code >> rootBits; at < 1 << subtableBits; at += step) {
        table[subtable + at] = entry;
      }
    }
    counts[length]!--;
    code = next(code, length);
  }
  return set;
}

/** Whether the lengths counted in `counts` make a prefix code (Kraft's sum is 1), judged as zlib judges them. */
function judge(): CodeSet {
  let left = 1;
  let longest = 0;
  for (let length = 1; length <= maxCodeBits; length++) {
    left = left * 2 - counts[length]!;
    if (left < 0) return "overfull";
    if (counts[length] !== 0) longest = length;
  }
  if (longest === 0) return "empty";
  if (left === 0) return "complete";
  return longest === 1 ? "single" : "incomplete";
}

/** Index bits of a subtable whose first code has `bits` bits beyond the root: enough for all codes that are left with its prefix. */
function subtableSize(bits: number, rootBits: number): number {
  let size = bits;
  let left = (1 << size) - counts[size + rootBits]!;
  while (left > 0 && size + rootBits < maxCodeBits) {
    size++;
    left = left * 2 - counts[size + rootBits]!;
  }
  return size;
}

/** The code after `code` among codes of `length` bits, counted from the reversed end: the bit order of the stream. */
function next(code: number, length: number): number {
  let bit = 1 << (length - 1);
  while (code & bit) bit >>= 1;
  return bit === 0 ? 0 : (code & (bit - 1)) | bit;
}
