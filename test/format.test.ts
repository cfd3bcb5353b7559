import { expect, test } from "bun:test";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatMode,
  formatTable,
  formatTime,
  shortDigest,
} from "../src/format.ts";

test("bytes", () => {
  const shown = [0, 1023, 1024, 10_240, 1 << 20, 3 * 2 ** 40, 5000 * 2 ** 40].map(formatBytes);
  expect(shown).toEqual([
    ...["0 B", "1023 B", "1.00 KiB", "10.0 KiB", "1.00 MiB", "3.00 TiB", "5000.0 TiB"],
  ]);
});

test("durations never show sixty of anything", () => {
  const times = [0, 999, 999.7, 1000, 9999, 59_499, 59_600, 93_000, 3_599_900, 7_260_000, 2e8];
  expect(times.map(formatDuration)).toEqual([
    ...["0 ms", "999 ms", "1.0s", "1.0s", "10s", "59s", "1m00s", "1m33s", "1h00m", "2h01m", "2d7h"],
  ]);
});

test("counts and digests", () => {
  expect(formatCount(1234567)).toBe("1,234,567");
  expect(shortDigest(`sha256:${"0123456789abcdef".repeat(4)}`)).toBe("sha256:0123456789ab");
});

test("modes as ls -l shows them", () => {
  const modes = [0o100644, 0o104755, 0o102640, 0o41777, 0o41776, 0o120777, 0o60660, 0o20600];
  expect(modes.map(formatMode)).toEqual([
    ...["-rw-r--r--", "-rwsr-xr-x", "-rw-r-S---", "drwxrwxrwt", "drwxrwxrwT"],
    ...["lrwxrwxrwx", "brw-rw----", "crw-------"],
  ]);
});

test("times before 1970, with nanoseconds, and beyond what a Date holds", () => {
  expect(formatTime(0, 5)).toBe("1970-01-01 00:00:00.000000005 UTC");
  expect(formatTime(-1, 999_999_999)).toBe("1969-12-31 23:59:59.999999999 UTC");
  expect(formatTime(1e15, 0)).toBe("@1000000000000000.000000000");
});

test("tables: columns as wide as their widest cell, wide characters counted twice", () => {
  expect(
    formatTable(
      ["A", ">N"],
      [
        ["ab", "1"],
        ["漢字", "22"],
      ],
    ),
  ).toEqual(["A      N", "ab     1", "漢字  22"]);
});
