import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseDecimal, parseField, parseTime } from "../../../src/formats/tar/numbers.ts";

const field = (bytes: string | number[]) => {
  const block = Buffer.from(bytes as string, "latin1");
  return parseField(block, 0, block.length);
};

test("octal fields take spaces and NULs around their digits", () => {
  for (const text of ["0000644\0", " 644 \0\0\0", "\0\x00644\0 ", "644", "000644 \0"]) {
    expect(field(text)).toBe(0o644);
  }
  expect(field("\0\0\0\0")).toBe(0);
  expect(field("        ")).toBe(0);
});

test("what is no octal number is no number", () => {
  for (const text of ["0000648\0", "-1", "0x10", "12 34", "abc"]) {
    expect(field(text)).toBeUndefined();
  }
});

test("base-256 fields hold any number that is safe", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const bytes = Buffer.alloc(12);
      let rest = BigInt.asUintN(95, BigInt(value));
      for (let i = 11; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
      bytes[0]! |= 0x80;
      expect(parseField(bytes, 0, 12)).toBe(value);
    }),
  );
  expect(field([0xff, 0xff, 0xff, 0xff])).toBe(-1);
  expect(field([0x80, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])).toBeUndefined();
  expect(field([0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])).toBeUndefined();
});

test("decimal numbers of PAX are whole and not negative", () => {
  expect(parseDecimal("0")).toBe(0);
  expect(parseDecimal("9007199254740991")).toBe(Number.MAX_SAFE_INTEGER);
  for (const text of ["", "-1", "1.5", "9007199254740992", "1e3", " 1", "0x1"]) {
    expect(parseDecimal(text)).toBeUndefined();
  }
});

test("times keep nanoseconds, also before 1970", () => {
  fc.assert(
    fc.property(fc.bigInt(-(10n ** 20n), 10n ** 20n), (nanoseconds) => {
      const sign = nanoseconds < 0n ? "-" : "";
      const digits = (nanoseconds < 0n ? -nanoseconds : nanoseconds).toString().padStart(10, "0");
      const time = parseTime(`${sign}${digits.slice(0, -9)}.${digits.slice(-9)}`)!;
      expect(BigInt(time.seconds) * 10n ** 9n + BigInt(time.nanoseconds)).toBe(nanoseconds);
      expect(time.nanoseconds).toBeWithin(0, 1e9);
    }),
  );
  expect(parseTime("12")).toEqual({ seconds: 12, nanoseconds: 0 });
  expect(parseTime("12.")).toEqual({ seconds: 12, nanoseconds: 0 });
  expect(parseTime("1.5")).toEqual({ seconds: 1, nanoseconds: 500_000_000 });
  expect(parseTime("-0.25")).toEqual({ seconds: -1, nanoseconds: 750_000_000 });
  expect(parseTime("1.1234567899999")).toEqual({ seconds: 1, nanoseconds: 123_456_789 });
  for (const text of ["", ".", "-", "1e9", "now", "1.5x"]) expect(parseTime(text)).toBeUndefined();
});
