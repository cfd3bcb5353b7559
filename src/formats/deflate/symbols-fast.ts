import { distanceBits, literalBits, subtableEntry } from "./entries.ts";
import { mark, type State } from "./state.ts";

/** Bits of input that one turn of the loop may look at beyond where it began: 22 of literals, 48 of a match, 32 of a load. */
const lookahead = 128;

const literalMask = (1 << literalBits) - 1;
const distanceMask = (1 << distanceBits) - 1;

/**
 * Decodes symbols while neither the end of the input nor `limit` (an index of the output area) is near; leaves what
 * is unusual (the end of the block, every error) and the rest to the careful loop.
 *
 * One 32-bit load at any bit offset gives at least 25 bits: two literals of up to 11 bits, or a length with its extra
 * bits (20), or a distance of a short code (9 + 13). Nothing but the bit offset is carried from load to load.
 */
export function decodeFast(state: State, limit: number): void {
  const input = state.inputView;
  const output = state.output;
  const view = state.outputView;
  const literals = state.literals;
  const distances = state.distances;
  const floor = state.floor;
  const markBase = state.markBase;
  const inputLimit = state.endBit - lookahead;
  const outputLimit = limit - 2;
  let bit = state.bit;
  let at = state.at;

  while (bit < inputLimit && at < outputLimit) {
    let hold = input.getInt32(bit >> 3, true) >> (bit & 7);
    let entry = literals[hold & literalMask]!;
    if (entry < 0) {
      output[at++] = entry >> 16;
      bit += entry & 31;
      hold >>= entry & 31;
      entry = literals[hold & literalMask]!;
      if (entry < 0) {
        output[at++] = entry >> 16;
        bit += entry & 31;
        continue;
      }
      hold = input.getInt32(bit >> 3, true) >> (bit & 7);
    }
    if (entry >= 1 << 30) {
      if ((entry & subtableEntry) === 0) break;
      const place = (entry >> 16) & 0x3fff;
      const bits = (entry >> 8) & 15;
      entry = literals[place + ((hold >> literalBits) & ((1 << bits) - 1))]!;
      if (entry < 0) {
        output[at++] = entry >> 16;
        bit += entry & 31;
        continue;
      }
      if (entry >= 1 << 30) break;
    }
    const start = bit;
    const length = (entry >> 16) + ((hold & ((1 << (entry & 31)) - 1)) >> ((entry >> 8) & 15));
    bit += entry & 31;

    hold = input.getInt32(bit >> 3, true) >> (bit & 7);
    entry = distances[hold & distanceMask]!;
    let distance: number;
    if (entry >= 0) {
      distance = (entry >> 16) + ((hold & ((1 << (entry & 31)) - 1)) >> ((entry >> 8) & 15));
      bit += entry & 31;
    } else {
      const place = (entry >> 16) & 0x3fff;
      const bits = (entry >> 8) & 15;
      const special = (entry & subtableEntry) === 0;
      entry = special ? -1 : distances[place + ((hold >> distanceBits) & ((1 << bits) - 1))]!;
      if (entry < 0) {
        bit = start;
        break;
      }
      const code = (entry >> 8) & 15;
      const extra = (entry & 31) - code;
      bit += code;
      hold = input.getInt32(bit >> 3, true) >> (bit & 7);
      distance = (entry >> 16) + (hold & ((1 << extra) - 1));
      bit += extra;
    }

    let from = at - distance;
    if (from < floor) {
      bit = start;
      break;
    }
    if (from < markBase) mark(state, from, Math.min(length, markBase - from));
    const end = at + length;
    if (distance >= 4) {
      // Four bytes at a time; up to three too many are overwritten by what follows.
      do {
        view.setInt32(at, view.getInt32(from, true), true);
        at += 4;
        from += 4;
      } while (at < end);
    } else if (distance === 1) {
      const four = Math.imul(output[from]!, 0x01010101);
      do {
        view.setInt32(at, four, true);
        at += 4;
      } while (at < end);
    } else {
      do output[at++] = output[from++]!;
      while (at < end);
    }
    at = end;
  }
  state.bit = bit;
  state.at = at;
}
