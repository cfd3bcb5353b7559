import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isClipError } from "../../src/errors.ts";
import {
  decodeResume,
  encodeResume,
  maxEncodedResume,
  maxTail,
  nextByteOf,
  type ResumePoint,
  resumePointOf,
} from "../../src/layers/resume-point.ts";
import { decodeWindow, encodeWindow, sparseWindow } from "../../src/layers/resume-window.ts";
import { windowAfter } from "../../src/layers/window-after.ts";

const bytes = (maxLength: number) => fc.uint8Array({ minLength: 1, maxLength });

const points: fc.Arbitrary<ResumePoint> = fc
  .record({
    kind: fc.constantFrom("start" as const, "block" as const, "inside" as const),
    out: fc.nat({ max: 2 ** 41 }),
    bit: fc.nat({ max: 2 ** 44 }),
    header: fc.record({ phase: fc.nat(7), bytes: bytes(280) }),
    tail: fc.option(bytes(maxTail), { nil: undefined }),
  })
  .map(({ kind, out, bit, header, tail }) => ({
    kind,
    out,
    bit: kind === "start" ? bit - (bit % 8) : bit,
    ...(kind === "inside" && { header }),
    ...(tail && { tail }),
  }));

describe("a suspended point", () => {
  test("survives being written and read", () => {
    fc.assert(
      fc.property(points, (point) => {
        const encoded = encodeResume(point);
        expect(encoded.length).toBeLessThanOrEqual(maxEncodedResume);
        expect(decodeResume(encoded)).toEqual(point);
        expect(nextByteOf(point)).toBe(Math.floor(point.bit / 8) + (point.tail?.length ?? 0));
      }),
    );
    expect(maxEncodedResume).toBeLessThanOrEqual(1024);
  });

  test("that is damaged is refused or is another sound one", () => {
    fc.assert(
      fc.property(
        fc.oneof(bytes(80), points.map(encodeResume)),
        fc.nat(),
        fc.nat(255),
        (raw, at, value) => {
          const damaged = raw.slice();
          damaged[at % damaged.length] = value;
          try {
            expect(encodeResume(decodeResume(damaged))).toEqual(damaged);
          } catch (error) {
            if (!isClipError(error, "CACHE_CORRUPT")) throw error;
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("whose tail is too long is not written", () => {
    const point = { kind: "start", out: 0, bit: 0, tail: new Uint8Array(maxTail + 1) } as const;
    expect(() => encodeResume(point)).toThrow();
  });
});

describe("the window of a checkpoint", () => {
  test("survives being written and read", () => {
    const windows = fc.uint8Array({ maxLength: 2000 });
    const headers = fc.option(fc.record({ phase: fc.nat(7), bytes: bytes(280) }), {
      nil: undefined,
    });
    fc.assert(
      fc.property(windows, headers, (window, header) => {
        const kept = header ? { window, header } : { window };
        expect(decodeWindow(encodeWindow(kept))).toEqual(kept);
      }),
    );
  });

  test("keeps what is marked, and begins with it", () => {
    const window = Uint8Array.of(1, 2, 3, 4, 5, 6);
    const marks = new Uint8Array(32 * 1024);
    expect(sparseWindow(window, marks)).toHaveLength(0);
    marks.set([1, 0, 1], marks.length - 4);
    expect([...sparseWindow(window, marks)]).toEqual([3, 0, 5, 0]);
    expect(sparseWindow(window, undefined)).toBe(window);
  });

  test("that is damaged gives ARCHIVE_CORRUPT or another window", () => {
    const header = { phase: 3, bytes: new Uint8Array(50) };
    const good = encodeWindow({ window: new Uint8Array(3000).fill(3), header });
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
        const damaged = good.slice();
        damaged[at] = value;
        try {
          expect(decodeWindow(damaged).window.length).toBeLessThanOrEqual(32 * 1024);
        } catch (error) {
          if (!isClipError(error, "ARCHIVE_CORRUPT")) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });

  test("that would be huge is refused", () => {
    const bomb = Bun.zstdCompressSync(new Uint8Array(50_000_000));
    for (const window of [bomb, new Uint8Array(70_000)]) {
      const decode = () => resumePointOf({ kind: "block", out: 1, bit: 9, window });
      expect(decode).toThrow(expect.objectContaining({ code: "ARCHIVE_CORRUPT" }));
    }
  });

  test("has the header that a checkpoint inside a block needs", () => {
    const window = encodeWindow({ window: Uint8Array.of(1) });
    const decode = () => resumePointOf({ kind: "inside", out: 1, bit: 9, window });
    expect(decode).toThrow(expect.objectContaining({ code: "ARCHIVE_CORRUPT" }));
  });
});

test("a window is composed of what came since and what was there before", () => {
  const point: ResumePoint = { kind: "block", out: 100, bit: 9, window: Uint8Array.of(1, 2, 3) };
  expect([...windowAfter(point, Uint8Array.of(4, 5))]).toEqual([1, 2, 3, 4, 5]);
  const long = new Uint8Array(40_000).fill(7);
  expect(windowAfter(point, long)).toEqual(long.subarray(-32 * 1024));
  const almost = windowAfter(point, long.subarray(0, 32 * 1024 - 2));
  expect([...almost.subarray(0, 3)]).toEqual([2, 3, 7]);
});
