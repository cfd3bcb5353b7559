import { describe, expect, test } from "bun:test";
import { constants, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { isClipError } from "../../../src/errors.ts";
import { maxWindow, readFrameHeader } from "../../../src/formats/zstd/frame-header.ts";
import { ZstdReader } from "../../../src/formats/zstd/zstd-reader.ts";
import { piecesOf, pipe, sampleBytes } from "../../layers/samples.ts";

/** Reads a zstd stream to its end. */
function read(pieces: Iterable<Uint8Array>) {
  const reader = new ZstdReader(0);
  const output: Uint8Array[] = [];
  const starts: number[] = [];
  try {
    for (const piece of pieces) {
      reader.feed(piece);
      for (let event = ""; event !== "input"; ) {
        event = reader.step();
        output.push(reader.output.slice());
        if (event === "frame") starts.push(reader.at);
      }
    }
    reader.finish();
    return { output: Buffer.concat(output), starts, frames: reader.frames };
  } finally {
    reader.close();
  }
}

const raw = sampleBytes(1_200_000, 4);

function skippable(length: number): Buffer {
  const frame = Buffer.alloc(8 + length, 0x28);
  frame.writeUInt32LE(0x184d2a5e, 0);
  frame.writeUInt32LE(length, 4);
  return frame;
}

const checksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };

describe("zstd streams", () => {
  test.each<[string, () => Uint8Array, number]>([
    ["one frame", () => zstdCompressSync(raw), 1],
    ["one frame with checksum", () => zstdCompressSync(raw, checksum), 1],
    ["a frame of unknown length, by zstd", () => pipe(raw, ["zstd", "-c", "--no-content-size"]), 1],
    ["level 19 with a long window", () => pipe(raw, ["zstd", "-19", "--long=27", "-c"]), 1],
    ["frames of pzstd", () => pipe(raw, ["pzstd", "-c", "-p", "2"]), Number.NaN],
    [
      "frames between skippable ones",
      () =>
        Buffer.concat([
          skippable(0),
          zstdCompressSync(raw.subarray(0, 500_000), checksum),
          skippable(90_000),
          zstdCompressSync(raw.subarray(500_000)),
          zstdCompressSync(Buffer.alloc(0)),
          skippable(5),
        ]),
      3,
    ],
  ])("of %s are read whole and in pieces", (_, make, frames) => {
    const bytes = make();
    const whole = read([bytes]);
    expect(whole.output.equals(raw)).toBe(true);
    if (!Number.isNaN(frames)) expect(whole.frames).toBe(frames);
    for (const largest of [50_000, 300]) expect(read(piecesOf(bytes, largest))).toEqual(whole);
  });

  test("that blow up are read in bounded steps", () => {
    const bytes = zstdCompressSync(Buffer.alloc(200_000_000));
    const reader = new ZstdReader(0);
    reader.feed(bytes);
    let total = 0;
    for (let event = ""; event !== "input"; ) {
      event = reader.step();
      expect(reader.output.length).toBeLessThanOrEqual(2 * 1024 * 1024);
      total += reader.output.length;
    }
    reader.close();
    expect(total).toBe(200_000_000);
  });
});

describe("what is wrong with a zstd stream is said", () => {
  const good = zstdCompressSync(raw, checksum);
  const changed = (at: number): Uint8Array => {
    const bytes = new Uint8Array(good);
    bytes.at(at);
    bytes[at < 0 ? bytes.length + at : at]! ^= 0x55;
    return bytes;
  };
  test.each<[string, Uint8Array]>([
    ["magic", changed(1)],
    ["checksum", changed(-1)],
    ["cut in a block", good.subarray(0, 5000)],
    ["cut before the checksum", good.subarray(0, -4)],
    ["cut header", good.subarray(0, 5)],
    ["garbage", Buffer.concat([good, Buffer.from("garbage")])],
    ["cut skippable frame", skippable(100).subarray(0, 50)],
  ])("%s", (_, bytes) => {
    expect(() => read([bytes])).toThrow(expect.objectContaining({ code: "LAYER_CORRUPT" }));
  });

  test("windows over 128 MiB", () => {
    const bytes = pipe(new Uint8Array(1000), ["zstd", "--long=28", "-c"]);
    const wide = new Uint8Array(bytes);
    const at = (wide[4]! & 0x20) === 0 ? 5 : undefined;
    expect(at).toBe(5);
    wide[5] = 18 << 3;
    expect(() => read([wide])).toThrow(
      expect.objectContaining({ code: "UNSUPPORTED", message: expect.stringContaining("--long") }),
    );
  });

  test("dictionaries", () => {
    const header = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x58, 9);
    expect(() => readFrameHeader(header, 0)).toThrow(
      expect.objectContaining({ code: "UNSUPPORTED" }),
    );
  });

  test("any damage is a ClipError or changes nothing but what is decoded", () => {
    const small = zstdCompressSync(raw.subarray(0, 20_000));
    fc.assert(
      fc.property(fc.nat(small.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = new Uint8Array(small);
        bytes[at]! ^= flip;
        try {
          read(piecesOf(bytes, 3000));
        } catch (error) {
          if (!isClipError(error, "LAYER_CORRUPT", "UNSUPPORTED")) throw error;
        }
      }),
      { numRuns: 400 },
    );
  });
});

test("frame headers of every shape say their sizes", () => {
  const windows = [0, 1, 10 << 3, (16 << 3) | 7, 17 << 3];
  for (const window of windows) {
    const bytes = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, window);
    const header = readFrameHeader(bytes, 0);
    expect(header?.kind === "frame" && header.windowSize <= maxWindow).toBe(true);
    for (let end = 0; end < bytes.length; end++) {
      expect(readFrameHeader(bytes.subarray(0, end), 0)).toBeUndefined();
    }
  }
});
