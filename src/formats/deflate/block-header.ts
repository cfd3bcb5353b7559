import { codeLengthOrder, endOfBlock, maxDistanceCodes, maxLiteralCodes } from "./codes.ts";
import { codeLengthAlphabet, distanceAlphabet, literalAlphabet } from "./entries.ts";
import { fixedTables } from "./fixed-tables.ts";
import { buildTable } from "./huffman.ts";
import { blockCoded, blockStored, peek, type State } from "./state.ts";

/** What came of reading a header: "ok", "input" when it is not wholly there, otherwise what is wrong with it. */
export type HeaderResult = "ok" | "input" | (string & {});

const lengths = new Uint8Array(maxLiteralCodes + maxDistanceCodes);
const codeLengths = new Uint8Array(19);
const codeLengthTable = new Int32Array(1 << codeLengthAlphabet.rootBits);

/** Reads the header of a block (RFC 1951, 3.2.3 to 3.2.7) and makes its tables. Reads nothing unless all of it is there. */
export function readBlockHeader(state: State): HeaderResult {
  const start = state.bit;
  if (start + 3 > state.endBit) return "input";
  const bits = peek(state, start, 3);
  const kind = bits >> 1;
  const result =
    kind === 0
      ? readStored(state)
      : kind === 1
        ? takeFixed(state)
        : kind === 2
          ? readDynamic(state)
          : "a block of the reserved type 3";
  if (result !== "ok") return result;
  state.finalBlock = (bits & 1) !== 0;
  const first = start >> 3;
  const last = (state.bit + 7) >> 3;
  state.headerPhase = start & 7;
  state.headerLength = last - first;
  if (state.block === blockCoded) state.header.set(state.input.subarray(first, last));
  return "ok";
}

function readStored(state: State): HeaderResult {
  const at = (state.bit + 3 + 7) >> 3;
  if ((at + 4) * 8 > state.endBit) return "input";
  const length = state.inputView.getUint16(at, true);
  if ((length ^ 0xffff) !== state.inputView.getUint16(at + 2, true)) {
    return "the length of a stored block does not match its complement";
  }
  state.block = blockStored;
  state.storedLeft = length;
  state.bit = (at + 4) * 8;
  return "ok";
}

function takeFixed(state: State): HeaderResult {
  const fixed = fixedTables();
  state.block = blockCoded;
  state.literals = fixed.literals;
  state.distances = fixed.distances;
  state.bit += 3;
  return "ok";
}

function readDynamic(state: State): HeaderResult {
  const start = state.bit;
  if (start + 17 > state.endBit) return "input";
  const counts = peek(state, start + 3, 14);
  const literals = 257 + (counts & 31);
  const distances = 1 + ((counts >> 5) & 31);
  const codes = 4 + (counts >> 10);
  if (literals > maxLiteralCodes || distances > maxDistanceCodes) {
    return "a block has too many length or distance codes";
  }
  let bit = start + 17;
  if (bit + codes * 3 > state.endBit) return "input";
  codeLengths.fill(0);
  for (let i = 0; i < codes; i++, bit += 3) {
    codeLengths[codeLengthOrder[i]!] = peek(state, bit, 3);
  }
  if (buildTable(codeLengths, 0, 19, codeLengthAlphabet, codeLengthTable) !== "complete") {
    return "a block's code length codes are not a complete prefix code";
  }
  const end = readLengths(state, bit, literals + distances);
  if (typeof end === "string") return end;
  if (lengths[endOfBlock] === 0) return "a block has no code for its end";
  if (!isUsable(buildTable(lengths, 0, literals, literalAlphabet, state.ownLiterals))) {
    return "a block's literal and length codes are not a prefix code";
  }
  if (!isUsable(buildTable(lengths, literals, distances, distanceAlphabet, state.ownDistances))) {
    return "a block's distance codes are not a prefix code";
  }
  state.block = blockCoded;
  state.literals = state.ownLiterals;
  state.distances = state.ownDistances;
  state.bit = end;
  return "ok";
}

const isUsable = (set: ReturnType<typeof buildTable>): boolean =>
  set !== "overfull" && set !== "incomplete";

/** Reads `count` code lengths into `lengths`; returns the bit after them. */
function readLengths(state: State, start: number, count: number): number | HeaderResult {
  let bit = start;
  let previous = -1;
  for (let have = 0; have < count; ) {
    const entry = codeLengthTable[peek(state, bit, codeLengthAlphabet.rootBits)]!;
    const symbol = entry >> 16;
    const codeBits = entry & 31;
    const extra = symbol < 16 ? 0 : symbol === 16 ? 2 : symbol === 17 ? 3 : 7;
    if (bit + codeBits + extra > state.endBit) return "input";
    const repeat = peek(state, bit + codeBits, extra);
    bit += codeBits + extra;
    if (symbol < 16) {
      lengths[have++] = previous = symbol;
      continue;
    }
    if (symbol === 16 && previous < 0) return "a block repeats a code length before the first";
    const times = repeat + (symbol === 18 ? 11 : 3);
    if (have + times > count) return "a block repeats a code length too often";
    if (symbol !== 16) previous = 0;
    lengths.fill(previous, have, have + times);
    have += times;
  }
  return bit;
}
