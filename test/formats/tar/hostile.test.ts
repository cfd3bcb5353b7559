import { expect, test } from "bun:test";
import fc from "fast-check";
import { isClipError } from "../../../src/errors.ts";
import { end, header, octal, padded, pax, scan, sign } from "./scan.ts";

const tar = Buffer.concat([
  pax([
    ["path", "long"],
    ["mtime", "1.5"],
    ["SCHILY.xattr.user.x", "y"],
  ]),
  header({ size: octal(5) }),
  padded("hello"),
  pax([
    ["GNU.sparse.major", "1"],
    ["GNU.sparse.minor", "0"],
    ["GNU.sparse.realsize", "9000"],
  ]),
  header({ size: octal(1024) }),
  padded("1\n4096\n512\n"),
  padded("data"),
  header({ type: "L", size: octal(20), magic: "ustar  \0" }),
  padded("a long name"),
  header({ type: "2", linkName: "target", magic: "ustar  \0" }),
  end,
]);

function expectClipErrorOnly(bytes: Uint8Array): void {
  try {
    const { entries } = scan(bytes, 600);
    for (const { extents, size } of entries) {
      let filled = 0;
      for (const { offset, length, at } of extents) {
        expect(offset).toBeGreaterThanOrEqual(filled);
        filled = offset + length;
        expect(at + length).toBeLessThanOrEqual(bytes.length);
      }
      expect(filled).toBeLessThanOrEqual(size);
    }
  } catch (error) {
    if (!isClipError(error)) throw error;
  }
}

test("flipped bytes never do worse than a ClipError", () => {
  const flips = fc.array(fc.tuple(fc.nat(tar.length - 1), fc.nat(255)), {
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(flips, fc.boolean(), (changes, repair) => {
      const broken = Buffer.from(tar);
      for (const [at, value] of changes) broken[at] = value;
      // With right checksums the damage gets past the first check.
      const blocks = [0, 1024, 2048, 3072, 4608, 5632];
      if (repair) for (const at of blocks) sign(broken.subarray(at, at + 512) as Buffer);
      expectClipErrorOnly(broken);
    }),
    { numRuns: 500 },
  );
});

test("bytes of any kind never do worse than a ClipError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => expectClipErrorOnly(bytes)),
    { numRuns: 100 },
  );
});
