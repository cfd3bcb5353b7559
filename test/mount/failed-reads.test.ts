import { expect, test } from "bun:test";
import type { PassedRead } from "../../src/fuse/messages.ts";
import { FailedReads } from "../../src/mount/failed-reads.ts";

const read = (offset: number, size: number, pid = 7, nid = 40): PassedRead =>
  ({ kind: "read", nid, offset, size, pid }) as PassedRead;

test("the kernel's second asking after a long wait gets the failure that is known", () => {
  const failed = new FailedReads();
  const error = new Error("no answer");
  failed.remember(read(8192, 65_536), error, 0, 45_000);
  expect(failed.failureOf(read(8192, 4096), 45_001)).toBe(error);
  expect(failed.failureOf(read(65_536, 4096), 45_001)).toBe(error);
});

test("other bytes, files and threads are tried, and the same ones after a moment", () => {
  const failed = new FailedReads();
  failed.remember(read(8192, 65_536), new Error("no answer"), 0, 45_000);
  for (const other of [
    read(0, 4096),
    read(73_728, 4096),
    read(8192, 4096, 8),
    read(8192, 4096, 7, 41),
  ]) {
    expect(failed.failureOf(other, 45_001)).toBeUndefined();
  }
  expect(failed.failureOf(read(8192, 4096), 45_600)).toBeUndefined();
});

test("what failed at once is tried again", () => {
  const failed = new FailedReads();
  failed.remember(read(0, 4096), new Error("refused"), 45_000, 45_010);
  expect(failed.failureOf(read(0, 4096), 45_011)).toBeUndefined();
});
