import {
  distanceAlphabet,
  distanceBits,
  endEntry,
  literalAlphabet,
  literalBits,
  subtableEntry,
} from "./entries.ts";
import { mark, peek, type State } from "./state.ts";

export type SymbolStop = "input" | "limit" | "end" | "bad-symbol" | "bad-distance" | "too-far";

/**
 * Decodes up to `count` symbols one at a time with every check, up to the first end of a symbol at or after `limit`
 * (an index of the output area), up to the end of the block or of the input. A symbol that is not wholly there is
 * left unread. "limit" is also what it says when `count` is used up.
 *
 * Bits past the end of the input are arbitrary but cannot mislead: an entry whose bits are all there is decided by
 * them alone, since the codes are prefix codes.
 */
export function decodeCareful(state: State, limit: number, count: number): SymbolStop {
  const { output, endBit } = state;
  for (let n = 0; n < count && state.at < limit; n++) {
    const start = state.bit;
    const entry = lookUp(state, start, state.literals, literalBits);
    let bit = start + (entry & 31);
    if (bit > endBit) return "input";
    if (entry < 0) {
      output[state.at++] = entry >> 16;
      state.bit = bit;
      continue;
    }
    if (entry & literalAlphabet.special) {
      if ((entry & endEntry) === 0) return "bad-symbol";
      state.bit = bit;
      return "end";
    }
    const lengthCode = (entry >> 8) & 15;
    const length = (entry >> 16) + peek(state, start + lengthCode, (entry & 31) - lengthCode);

    const far = lookUp(state, bit, state.distances, distanceBits);
    const distanceCode = bit + ((far >> 8) & 15);
    const special = (far & distanceAlphabet.special) !== 0;
    bit += far & 31;
    if (bit > endBit) return "input";
    if (special) return "bad-distance";
    const distance = (far >> 16) + peek(state, distanceCode, bit - distanceCode);
    const from = state.at - distance;
    if (from < state.floor) return "too-far";
    if (from < state.markBase) mark(state, from, Math.min(length, state.markBase - from));
    for (let i = 0; i < length; i++) output[state.at + i] = output[from + i]!;
    state.at += length;
    state.bit = bit;
  }
  return "limit";
}

/** The entry for the bits at `bit`, through a subtable where its code is long. */
function lookUp(state: State, bit: number, table: Int32Array, rootBits: number): number {
  const entry = table[peek(state, bit, rootBits)]!;
  if ((entry & subtableEntry) === 0) return entry;
  const place = (entry >> 16) & 0x3fff;
  return table[place + peek(state, bit + rootBits, (entry >> 8) & 15)]!;
}
