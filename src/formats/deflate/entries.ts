import {
  distanceBases,
  distanceExtraBits,
  endOfBlock,
  lengthBases,
  lengthExtraBits,
} from "./codes.ts";

/**
 * What the decoding tables hold: one 32-bit number that says all about a code.
 *
 *     bits 0–4    bits to consume: the code and, for lengths and distances, its extra bits
 *     bits 8–11   bits of the code alone
 *     bits 16–30  the literal, the shortest length or distance, or the place of a subtable
 *     bit 31      literal (in the table of literals and lengths); special (in the table of distances)
 *     bit 30      special (in the table of literals and lengths)
 *
 * A special entry has one of the bits 5 to 7 set. A subtable's place is relative to the table, its index bits are
 * in bits 8–11.
 */
export const literalBits = 11;
export const distanceBits = 9;

export const endEntry = 1 << 5;
export const invalidEntry = 1 << 6;
export const subtableEntry = 1 << 7;

const literalSpecial = 1 << 30;
const distanceSpecial = 1 << 31;

/** One alphabet: how to make the entry of a symbol, of a subtable and of an impossible code. */
export interface Alphabet {
  readonly rootBits: number;
  /** The entry of a symbol without the length of its code: low bits hold the extra bits. */
  readonly symbols: Int32Array;
  /** What marks an entry as special. */
  readonly special: number;
}

const literalSymbols = new Int32Array(288);
for (let symbol = 0; symbol < 256; symbol++) literalSymbols[symbol] = (1 << 31) | (symbol << 16);
literalSymbols[endOfBlock] = literalSpecial | endEntry;
lengthBases.forEach((base, i) => {
  literalSymbols[endOfBlock + 1 + i] = (base << 16) | lengthExtraBits[i]!;
});
literalSymbols.fill(literalSpecial | invalidEntry, endOfBlock + 1 + lengthBases.length);

const distanceSymbols = new Int32Array(32);
distanceBases.forEach((base, i) => {
  distanceSymbols[i] = (base << 16) | distanceExtraBits[i]!;
});
distanceSymbols.fill(distanceSpecial | invalidEntry, distanceBases.length);

export const literalAlphabet: Alphabet = {
  rootBits: literalBits,
  symbols: literalSymbols,
  special: literalSpecial,
};

export const distanceAlphabet: Alphabet = {
  rootBits: distanceBits,
  symbols: distanceSymbols,
  special: distanceSpecial,
};

/** Code lengths are never followed by bits that belong to their entry; 7 bits at most, so no subtables. */
export const codeLengthAlphabet: Alphabet = {
  rootBits: 7,
  symbols: Int32Array.from({ length: 19 }, (_, symbol) => symbol << 16),
  special: literalSpecial,
};
