import { maxHeaderBytes, windowSize } from "./codes.ts";

/** Input that the kernel holds at most: room for a gzip header of 128 KiB and for granules. */
export const inputSize = 256 * 1024;

/** Output of one run at most. */
export const outputRoom = 128 * 1024;

/** Loads of 32 bits and the last match may pass the ends of the areas by less than this. */
const slack = 512;

/** Entries of a table: 2^11 and subtables; RFC 1951 alphabets need fewer than 2,400. */
const tableSize = 4096;

export const blockNone = 0;
export const blockStored = 1;
export const blockCoded = 2;

/** The decoder's variables, shared by its loops. Offsets count in the areas; bits from the input area's first. */
export interface State {
  readonly input: Uint8Array;
  readonly inputView: DataView;
  readonly output: Uint8Array;
  readonly outputView: DataView;
  /** Next bit to be read, and the end of the input. */
  bit: number;
  endBit: number;
  /** Next byte of output, and the first one that matches may refer to. */
  at: number;
  floor: number;
  block: number;
  finalBlock: boolean;
  /** Bytes left of a stored block. */
  storedLeft: number;
  literals: Int32Array;
  distances: Int32Array;
  readonly ownLiterals: Int32Array;
  readonly ownDistances: Int32Array;
  /** The header of the block being decoded. */
  readonly header: Uint8Array;
  headerLength: number;
  headerPhase: number;
  /** Matches that refer to output below `markBase` are noted; 0 when none are. */
  markBase: number;
  marked: number;
  readonly marks: Uint8Array;
}

export function createState(): State {
  const input = new Uint8Array(inputSize + slack);
  const output = new Uint8Array(windowSize + outputRoom + slack);
  const ownLiterals = new Int32Array(tableSize);
  const ownDistances = new Int32Array(tableSize);
  return {
    input,
    inputView: new DataView(input.buffer),
    output,
    outputView: new DataView(output.buffer),
    bit: 0,
    endBit: 0,
    at: windowSize,
    floor: windowSize,
    block: blockNone,
    finalBlock: false,
    storedLeft: 0,
    literals: ownLiterals,
    distances: ownDistances,
    ownLiterals,
    ownDistances,
    header: new Uint8Array(maxHeaderBytes + 4),
    headerLength: 0,
    headerPhase: 0,
    markBase: 0,
    marked: 0,
    marks: new Uint8Array(windowSize),
  };
}

/** `count` (at most 25) bits from bit offset `bit` of the input area; bits past the input's end are arbitrary. */
export const peek = (state: State, bit: number, count: number): number =>
  (state.inputView.getInt32(bit >> 3, true) >> (bit & 7)) & ((1 << count) - 1);

/** Marks `length` bytes of the window from output index `from` on as referred to. */
export function mark(state: State, from: number, length: number): void {
  const marks = state.marks;
  const first = from - state.markBase + windowSize;
  let fresh = 0;
  for (let i = first; i < first + length; i++) {
    if (marks[i] === 0) {
      marks[i] = 1;
      fresh++;
    }
  }
  state.marked += fresh;
}
