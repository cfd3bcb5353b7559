import { describe, expect, test } from "bun:test";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { isClipError } from "../../../src/errors.ts";
import { createKernel } from "../../../src/formats/deflate/inflate.ts";
import type { DeflatePoint } from "../../../src/formats/deflate/kernel.ts";
import { piecesOf, randomFrom, sampleBytes } from "../../layers/samples.ts";

interface Place extends DeflatePoint {
  readonly stop: string;
}

const nothing = new Uint8Array(0);

/** Inflates a whole raw stream fed in pieces; notes every block end and every stop at a multiple of `stopEvery`. */
function inflate(pieces: Iterable<Uint8Array>, stopEvery = Number.POSITIVE_INFINITY) {
  const kernel = createKernel();
  kernel.resume({ bit: 0, out: 0, window: nothing });
  const output: Uint8Array[] = [];
  const places: Place[] = [];
  let stopAt = stopEvery;
  let ended = false;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length && !ended; ) {
      at += kernel.feed(piece.subarray(at));
      for (;;) {
        const stop = kernel.run(stopAt);
        output.push(kernel.produced.slice());
        if (stop === "end") ended = true;
        if (stop === "input" || ended) break;
        if (stop === "output") continue;
        const header = kernel.insideBlock ? { header: kernel.header() } : {};
        places.push({ stop, bit: kernel.bit, out: kernel.out, window: kernel.window(), ...header });
        if (stop === "stopped") stopAt += stopEvery;
      }
    }
  }
  return { output: Buffer.concat(output), places, ended, bit: kernel.bit };
}

const flushed = (bytes: Uint8Array, flush: string): Uint8Array => {
  const script = `
import sys, zlib
data = sys.stdin.buffer.read()
c = zlib.compressobj(6, zlib.DEFLATED, -15)
for i in range(0, len(data), 9973):
    sys.stdout.buffer.write(c.compress(data[i:i+9973]) + c.flush(zlib.${flush}))
sys.stdout.buffer.write(c.flush())`;
  return new Uint8Array(Bun.spawnSync(["python3", "-c", script], { stdin: bytes }).stdout);
};

const sample = sampleBytes(1_500_000);
const streams: Record<string, [Uint8Array, Uint8Array]> = {
  "stored blocks": [sample, deflateRawSync(sample, { level: 0 })],
  "level 1": [sample, deflateRawSync(sample, { level: 1 })],
  "level 6": [sample, deflateRawSync(sample, { level: 6 })],
  "level 9": [sample, deflateRawSync(sample, { level: 9 })],
  "fixed codes": [sample, deflateRawSync(sample, { strategy: constants.Z_FIXED })],
  "no matches": [sample, deflateRawSync(sample, { strategy: constants.Z_HUFFMAN_ONLY })],
  "runs only": [sample, deflateRawSync(sample, { strategy: constants.Z_RLE })],
  "small window": [sample, deflateRawSync(sample, { windowBits: 9 })],
  "small blocks": [sample, deflateRawSync(sample, { memLevel: 1 })],
  "sync flushes": [sample, flushed(sample, "Z_SYNC_FLUSH")],
  "full flushes": [sample, flushed(sample, "Z_FULL_FLUSH")],
  zeros: [new Uint8Array(9_000_000), deflateRawSync(new Uint8Array(9_000_000))],
  nothing: [nothing, deflateRawSync(nothing)],
};

describe.each(Object.entries(streams))("inflating %s", (_, [raw, deflated]) => {
  test("gives the same bytes whole and in pieces", () => {
    for (const largest of [deflated.length, 70_000, 300]) {
      const { output, ended, bit } = inflate(piecesOf(deflated, largest));
      expect(ended).toBe(true);
      expect(Math.ceil(bit / 8)).toBe(deflated.length);
      expect(output.equals(raw)).toBe(true);
    }
  });

  test("stops at the same places however it is fed, and goes on from each of them", () => {
    const { places } = inflate([deflated], 40_009);
    expect(inflate(piecesOf(deflated, 500), 40_009).places).toEqual(places);
    for (const place of places.filter((_, i) => i % Math.ceil(places.length / 40) === 0)) {
      const kernel = createKernel();
      kernel.resume(place);
      kernel.feed(deflated.subarray(Math.floor(place.bit / 8)));
      for (const until = place.out + 66_000; ; ) {
        const stop = kernel.run(until);
        const { produced, out } = kernel;
        expect(Buffer.compare(produced, raw.subarray(out - produced.length, out))).toBe(0);
        if (stop === "stopped" || stop === "end" || stop === "input") break;
      }
      expect(kernel.out).toBeGreaterThanOrEqual(Math.min(raw.length, place.out + 60_000));
    }
  });

  test("needs no byte of a window but those marked", () => {
    const { places } = inflate([deflated], 130_003);
    for (const place of places.filter((_, i) => i % Math.ceil(places.length / 25) === 0)) {
      const kernel = createKernel();
      const decode = (window: Uint8Array): Uint8Array => {
        kernel.resume({ ...place, window });
        kernel.startMarking();
        kernel.feed(deflated.subarray(Math.floor(place.bit / 8)));
        const parts: Uint8Array[] = [];
        for (let stop = ""; stop !== "stopped" && stop !== "end" && stop !== "input"; ) {
          stop = kernel.run(place.out + 100_000);
          parts.push(kernel.produced.slice());
        }
        return Buffer.concat(parts);
      };
      const wanted = decode(place.window);
      const marks = kernel.marks.slice(kernel.marks.length - place.window.length);
      expect(marks.reduce((sum, mark) => sum + mark, 0)).toBe(kernel.marked);
      const sparse = place.window.map((byte, i) => (marks[i] ? byte : byte ^ 0xff));
      expect(Buffer.compare(decode(sparse), wanted)).toBe(0);
    }
  });
});

/** What node:zlib makes of a raw stream: its output, or undefined where it refuses the data. */
function oracle(deflated: Uint8Array): Uint8Array | undefined {
  try {
    return inflateRawSync(deflated, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return undefined;
  }
}

function kernelOn(deflated: Uint8Array): Uint8Array | undefined {
  try {
    return inflate(piecesOf(deflated, 60, deflated.length)).output;
  } catch (error) {
    if (isClipError(error, "LAYER_CORRUPT")) return undefined;
    throw error;
  }
}

function expectAgreement(deflated: Uint8Array): void {
  const wanted = oracle(deflated);
  const got = kernelOn(deflated);
  expect(got === undefined).toBe(wanted === undefined);
  if (got && wanted) expect(Buffer.compare(got, wanted)).toBe(0);
}

describe("hostile streams", () => {
  test("are refused exactly where zlib refuses them", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => expectAgreement(bytes)),
      { numRuns: 3000 },
    );
  });

  test("with dynamic blocks of arbitrary headers agree with zlib", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 200 }), (bytes) => {
        bytes[0] = (bytes[0]! & 0xf8) | 4 | (bytes[0]! & 1);
        expectAgreement(bytes);
      }),
      { numRuns: 3000 },
    );
  });

  test("made of good ones by flipping bits, cutting and splicing agree with zlib", () => {
    const random = randomFrom(5);
    const goods = [1, 6, 9].map((level) => deflateRawSync(sample.subarray(0, 30_000), { level }));
    for (let n = 0; n < 600; n++) {
      const bytes = new Uint8Array(goods[n % goods.length]!);
      for (let flips = 1 + random() * 3; flips > 0; flips--) {
        const at = Math.floor(random() ** 3 * bytes.length);
        bytes[at]! ^= 1 << (random() * 8);
      }
      expectAgreement(n % 5 === 0 ? bytes.subarray(0, random() * bytes.length) : bytes);
    }
  });

  test.each([
    ["a reserved block type", [0x07]],
    ["a stored length that is not confirmed", [0x01, 5, 0, 0, 0]],
    ["a distance before the start", [0x4b, 0x02, 0x42, 0x00]],
  ])("%s is LAYER_CORRUPT", (_, bytes) => {
    const run = () => inflate([Uint8Array.from(bytes)]);
    expect(run).toThrow(expect.objectContaining({ code: "LAYER_CORRUPT" }));
  });

  test("kept headers that are none are refused", () => {
    for (const bytes of [nothing, new Uint8Array(5000), Uint8Array.of(7), Uint8Array.of(4)]) {
      const run = () =>
        createKernel().resume({ bit: 0, out: 0, window: nothing, header: { phase: 0, bytes } });
      expect(run).toThrow(expect.objectContaining({ code: "LAYER_CORRUPT" }));
    }
  });
});
