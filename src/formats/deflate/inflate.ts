import { readBlockHeader } from "./block-header.ts";
import { windowSize } from "./codes.ts";
import { corrupt } from "./corrupt.ts";
import type { BlockHeader, DeflatePoint, InflateKernel, Stop } from "./kernel.ts";
import { blockCoded, blockNone, blockStored, createState, inputSize, outputRoom } from "./state.ts";
import { decodeCareful, type SymbolStop } from "./symbols-careful.ts";
import { decodeFast } from "./symbols-fast.ts";

const symbolErrors: Partial<Record<SymbolStop, string>> = {
  "bad-symbol": "an impossible literal or length code",
  "bad-distance": "an impossible distance code",
  "too-far": "a match refers to bytes before the start",
};

/** Symbols that the careful loop takes at a time before the fast one is tried again. */
const carefulCount = 16;

/** The end of the output area; a run that starts within `windowSize` of it moves the window to the front first. */
const outputEnd = windowSize + outputRoom;

/** An {@link InflateKernel} in TypeScript. */
export function createKernel(): InflateKernel {
  const state = createState();
  let inputBase = 0; // absolute byte offset of the input area's first byte
  let outBase = -windowSize; // absolute output offset of the output area's first byte
  let runStart = windowSize;
  let ended = false;

  const positionOf = (): number => inputBase + Math.floor(state.bit / 8);

  function beginStream(): void {
    state.block = blockNone;
    state.finalBlock = false;
    state.markBase = 0;
    ended = false;
  }

  function resume({ bit, out, window, header }: DeflatePoint): void {
    if (window.length > windowSize) throw corrupt("a window of more than 32 KiB", bit / 8);
    beginStream();
    state.output.set(window, windowSize - window.length);
    state.at = runStart = windowSize;
    state.floor = windowSize - window.length;
    outBase = out - windowSize;
    if (header !== undefined) readAgain(header, bit);
    inputBase = Math.floor(bit / 8);
    state.bit = bit % 8;
    state.endBit = 0;
  }

  function readAgain({ phase, bytes }: BlockHeader, bit: number): void {
    const fits = bytes.length <= state.header.length && phase >= 0 && phase < 8;
    if (!fits) throw corrupt("a kept block header is not one", Math.floor(bit / 8));
    state.input.set(bytes);
    state.bit = phase;
    state.endBit = bytes.length * 8;
    const result = bytes.length === 0 ? "input" : readBlockHeader(state);
    if (result !== "ok") throw corrupt("a kept block header is not one", Math.floor(bit / 8));
  }

  function feed(bytes: Uint8Array): number {
    const begun = state.bit >> 3;
    let end = state.endBit >> 3;
    if (end + bytes.length > inputSize && begun > 0) {
      state.input.copyWithin(0, begun, end);
      inputBase += begun;
      end -= begun;
      state.bit &= 7;
    }
    const taken = Math.min(bytes.length, inputSize - end);
    state.input.set(taken === bytes.length ? bytes : bytes.subarray(0, taken), end);
    state.endBit = (end + taken) * 8;
    return taken;
  }

  function makeRoom(): void {
    const shift = state.at - windowSize;
    if (state.at + windowSize <= outputEnd || shift <= 0) return;
    state.output.copyWithin(0, shift, state.at);
    state.at = windowSize;
    state.floor = Math.max(0, state.floor - shift);
    state.markBase = Math.max(0, state.markBase - shift);
    outBase += shift;
  }

  function run(stopAt: number): Stop {
    makeRoom();
    runStart = state.at;
    const stopIndex = stopAt - outBase;
    const limit = Math.min(stopIndex, outputEnd);
    for (;;) {
      if (ended) return "end";
      if (state.at >= limit) return state.at >= stopIndex ? "stopped" : "output";
      if (state.block === blockNone) {
        const result = readBlockHeader(state);
        if (result === "input") return "input";
        if (result !== "ok") throw corrupt(result, positionOf());
      }
      const done = state.block === blockStored ? copyStored(limit) : decodeSymbols(limit);
      if (done === "input") return "input";
      if (done === "end") {
        state.block = blockNone;
        ended = state.finalBlock;
        return ended ? "end" : "block";
      }
    }
  }

  function decodeSymbols(limit: number): "input" | "end" | "limit" {
    while (state.at < limit) {
      decodeFast(state, limit);
      const stop = decodeCareful(state, limit, carefulCount);
      if (stop === "input" || stop === "end") return stop;
      const error = symbolErrors[stop];
      if (error !== undefined) throw corrupt(error, positionOf());
    }
    return "limit";
  }

  function copyStored(limit: number): "input" | "end" | "limit" {
    const from = state.bit >> 3;
    const there = (state.endBit >> 3) - from;
    const count = Math.min(state.storedLeft, limit - state.at, there);
    state.output.set(state.input.subarray(from, from + count), state.at);
    state.at += count;
    state.bit += count * 8;
    state.storedLeft -= count;
    if (state.storedLeft === 0) return "end";
    return state.at >= limit ? "limit" : "input";
  }

  function header(): BlockHeader {
    if (state.block === blockCoded) {
      return { phase: state.headerPhase, bytes: state.header.slice(0, state.headerLength) };
    }
    return storedHeader(state.storedLeft, state.finalBlock);
  }

  return {
    resume,
    restart() {
      beginStream();
      state.floor = state.at;
    },
    feed,
    unread: () => state.input.subarray(state.bit >> 3, state.endBit >> 3),
    skip(count) {
      state.bit = Math.min(((state.bit + 7) >> 3) * 8 + count * 8, state.endBit);
    },
    run,
    get bit() {
      return inputBase * 8 + state.bit;
    },
    get out() {
      return outBase + state.at;
    },
    get produced() {
      return state.output.subarray(runStart, state.at);
    },
    get insideBlock() {
      return state.block !== blockNone;
    },
    header,
    window: () => state.output.slice(Math.max(state.floor, state.at - windowSize), state.at),
    startMarking() {
      state.marks.fill(0);
      state.marked = 0;
      state.markBase = state.at;
    },
    stopMarking() {
      state.markBase = 0;
    },
    get marked() {
      return state.marked;
    },
    marks: state.marks,
  };
}

/** A header for a stored block of `length` bytes whose data follows at a byte boundary. */
export function storedHeader(length: number, final: boolean): BlockHeader {
  const bytes = new Uint8Array(5);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, final ? 1 : 0);
  view.setUint16(1, length, true);
  view.setUint16(3, length ^ 0xffff, true);
  return { phase: 0, bytes };
}
