import { distanceAlphabet, literalAlphabet } from "./entries.ts";
import { buildTable } from "./huffman.ts";

interface Tables {
  readonly literals: Int32Array;
  readonly distances: Int32Array;
}

let made: Tables | undefined;

/** The tables of blocks with fixed codes (RFC 1951, 3.2.6). */
export function fixedTables(): Tables {
  made ??= makeTables();
  return made;
}

function makeTables(): Tables {
  const lengths = new Uint8Array(288);
  lengths.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280, 288);
  const literals = new Int32Array(1 << literalAlphabet.rootBits);
  const distances = new Int32Array(1 << distanceAlphabet.rootBits);
  buildTable(lengths, 0, 288, literalAlphabet, literals);
  buildTable(new Uint8Array(32).fill(5), 0, 32, distanceAlphabet, distances);
  return { literals, distances };
}
