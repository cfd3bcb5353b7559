import { describe, expect, test } from "bun:test";
import { crc32, deflateRawSync, gzipSync } from "node:zlib";
import { GzipReader } from "../../../src/formats/deflate/gzip-reader.ts";
import { createKernel } from "../../../src/formats/deflate/inflate.ts";
import { piecesOf, pipe, sampleBytes } from "../../layers/samples.ts";

/** Reads a gzip file to its end. */
function read(pieces: Iterable<Uint8Array>): { output: Buffer; members: number } {
  const reader = new GzipReader(createKernel());
  const output: Uint8Array[] = [];
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      at += reader.kernel.feed(piece.subarray(at));
      for (let event = ""; event !== "input"; ) {
        event = reader.step(Number.POSITIVE_INFINITY);
        output.push(reader.output.slice());
      }
    }
  }
  reader.finish();
  return { output: Buffer.concat(output), members: reader.members };
}

const raw = sampleBytes(300_000, 3);

interface HeaderFields {
  flags: number;
  extra?: number;
  text?: string;
}

/** A member written field by field (RFC 1952, 2.3). */
function member({ flags, extra = 0, text = "a name" }: HeaderFields): Buffer {
  const parts = [Buffer.from([0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 255])];
  if (flags & 4) parts.push(Buffer.from([extra & 255, extra >> 8]), Buffer.alloc(extra, 7));
  if (flags & 8) parts.push(Buffer.from(`${text}\0`));
  if (flags & 16) parts.push(Buffer.from(`${text}\0`));
  if (flags & 2) {
    const sum = Buffer.alloc(2);
    sum.writeUInt16LE(crc32(Buffer.concat(parts)) & 0xffff);
    parts.push(sum);
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(raw), 0);
  trailer.writeUInt32LE(raw.length, 4);
  return Buffer.concat([...parts, deflateRawSync(raw), trailer]);
}

const corrupt = (reason: RegExp) =>
  expect.objectContaining({ code: "LAYER_CORRUPT", message: expect.stringMatching(reason) });

describe("gzip members", () => {
  test.each(Array.from({ length: 32 }, (_, flags) => flags))("with flags %d are read", (flags) => {
    const bytes = member({ flags, extra: 3000 });
    for (const largest of [bytes.length, 60]) {
      expect(read(piecesOf(bytes, largest)).output.equals(raw)).toBe(true);
    }
  });

  test("with the longest extra field and a long name are read", () => {
    const bytes = member({ flags: 31, extra: 65535, text: "x".repeat(30_000) });
    expect(read(piecesOf(bytes, 5000)).output.equals(raw)).toBe(true);
  });

  test("follow one another, also empty ones, with zeros after the last", () => {
    const bytes = Buffer.concat([gzipSync(raw), gzipSync(""), gzipSync(raw), Buffer.alloc(700)]);
    for (const largest of [bytes.length, 40]) {
      const { output, members } = read(piecesOf(bytes, largest));
      expect(output.equals(Buffer.concat([raw, raw]))).toBe(true);
      expect(members).toBe(3);
    }
  });

  test.each(["gzip -1", "gzip -9", "pigz -c", "pigz -11 -c", "pigz -i -c"])(
    "made by %s are read",
    (command) => {
      expect(read([pipe(raw, command.split(" "))]).output.equals(raw)).toBe(true);
    },
  );
});

describe("what is wrong with a gzip file is said", () => {
  const good = gzipSync(raw);
  const changed = (at: number, value: number): Uint8Array => {
    const bytes = new Uint8Array(good);
    bytes[at < 0 ? bytes.length + at : at]! ^= value;
    return bytes;
  };
  test.each<[string, Uint8Array, RegExp]>([
    ["magic", changed(1, 1), /start of a gzip member/],
    ["method", changed(2, 1), /not deflated/],
    ["reserved flags", changed(3, 0x40), /reserved flags/],
    ["checksum", changed(-8, 1), /checksum of a gzip member/],
    ["length", changed(-1, 1), /length of a gzip member/],
    ["garbage", Buffer.concat([good, Buffer.from("garbage")]), /start of a gzip member/],
    ["garbage after zeros", Buffer.concat([good, Buffer.from("\0\0\0x")]), /zeros/],
    ["cut trailer", good.subarray(0, -3), /in the middle/],
    ["cut data", good.subarray(0, 900), /in the middle/],
    ["cut header", good.subarray(0, 7), /in the middle/],
    ["header checksum", member({ flags: 2 }).fill(0, 10, 12), /checksum of a gzip header/],
    [
      "endless name",
      Buffer.concat([member({ flags: 8 }).subarray(0, 10), Buffer.alloc(200_000, 97)]),
      /longer than/,
    ],
    ["zeros first", new Uint8Array(40), /start of a gzip member/],
  ])("%s", (_, bytes, reason) => {
    expect(() => read([bytes])).toThrow(corrupt(reason));
    expect(() => read(piecesOf(bytes, 900))).toThrow(corrupt(reason));
  });
});
