import { expect, test } from "bun:test";
import fc from "fast-check";
import { isClipError } from "../../../src/errors.ts";
import { ErofsImage } from "../../../src/formats/erofs/image.ts";
import { emptyInode } from "../../../src/formats/erofs/inode.ts";
import {
  chunkIndex,
  inodeExtended,
  slotSize,
  superblock,
  superOffset,
} from "../../../src/formats/erofs/layout.ts";
import { verifyImage } from "../../../src/formats/erofs/verify.ts";
import { viewOf } from "../../../src/formats/fields.ts";
import { build, dir, entry, file, hardlink, symlink, walk } from "../../tree/entries.ts";

const names = Array.from({ length: 60 }, (_, i) => file(`many/name-${i}`, i));
const good = build([
  [
    dir("many", {
      xattrs: [
        ["user.x", "y".repeat(30)],
        ["trusted.z", ""],
      ],
    }),
    ...names,
    entry("file", "data", { size: 9000, extents: [{ offset: 0, length: 9000, at: 512 }] }),
    entry("file", "sparse", {
      size: 100_000,
      extents: [
        { offset: 4096, length: 4096, at: 10_240 },
        { offset: 20_000, length: 100, at: 20_480 },
      ],
    }),
    hardlink("again", "data"),
    symlink("link", "many/name-1"),
    symlink("long", "t".repeat(1500)),
    entry("char", "null", { devMajor: 1, devMinor: 3 }),
  ],
]).image.bytes;
const view = viewOf(good);
const metaAt = view.getUint32(superOffset + superblock.at.metaBlock, true) * 512;
const placeOf = (path: string): number =>
  metaAt + walk(new ErofsImage(good)).get(path)!.nid * slotSize;

/** Calls everything that a mount calls, on every nid there could be. */
function useAll(bytes: Uint8Array): void {
  const image = new ErofsImage(bytes);
  const inode = emptyInode();
  for (let nid = 0; nid <= bytes.length / slotSize; nid++) {
    const calls = [
      () => image.inode(nid, inode),
      () => image.lookup(nid, Buffer.from("name-30")),
      () => image.lookup(nid, Buffer.from("many")),
      () => image.parent(nid),
      () => image.readdir(nid, 0, () => true),
      () => image.readdir(nid, 70, () => true),
      () => image.readlink(nid),
      () => [...image.xattrs(nid)],
      () => image.xattr(nid, Buffer.from("user.x")),
      () => image.extents(nid, 4000, 1e15, () => {}),
      () => image.allocatedBlocks(nid),
      () => image.seek(nid, 5000, "data"),
      () => image.seek(nid, 5000, "hole"),
    ];
    for (const call of calls) clipErrorsOnly(call);
  }
}

/** Runs `call`; gives whether it failed, which it may only do with a ClipError. */
function clipErrorsOnly(call: () => unknown): boolean {
  try {
    call();
    return false;
  } catch (error) {
    if (!isClipError(error, "ARCHIVE_CORRUPT")) throw error;
    return true;
  }
}

const changed = (changes: readonly (readonly [at: number, value: number])[]): Uint8Array => {
  const bytes = Uint8Array.from(good);
  for (const [at, value] of changes) bytes[at] = value;
  return bytes;
};

test("the undamaged image verifies", () => {
  expect(verifyImage(new ErofsImage(good))).toEqual({
    inodes: 67,
    directories: 2,
    files: 62,
    fileBytes: 109_000,
  });
});

test("flipped bytes never do worse than a ClipError", () => {
  const flip = fc.tuple(fc.integer({ min: superOffset, max: good.length - 1 }), fc.nat(255));
  fc.assert(
    fc.property(fc.array(flip, { minLength: 1, maxLength: 20 }), (flips) => {
      const bytes = changed(flips);
      clipErrorsOnly(() => verifyImage(new ErofsImage(bytes)));
      clipErrorsOnly(() => useAll(bytes));
    }),
    { numRuns: 150 },
  );
}, 20_000);

test("an image that is cut short or lengthened is refused", () => {
  for (let length = 0; length < good.length; length += 97) {
    expect(clipErrorsOnly(() => new ErofsImage(good.subarray(0, length)))).toBe(true);
  }
  expect(clipErrorsOnly(() => new ErofsImage(Buffer.concat([good, Buffer.alloc(512)])))).toBe(true);
});

test("bytes of any kind are refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 3000 }), (bytes) => {
      expect(clipErrorsOnly(() => new ErofsImage(bytes))).toBe(true);
    }),
  );
});

/** Changes a field of one inode, and expects verification to say `problem`. */
function damaged(path: string, at: number, value: number, bytes: 2 | 4, problem: RegExp): void {
  const copy = Uint8Array.from(good);
  const place = placeOf(path) + at;
  if (bytes === 2) viewOf(copy).setUint16(place, value, true);
  else viewOf(copy).setUint32(place, value, true);
  expect(() => verifyImage(new ErofsImage(copy))).toThrow(problem);
}

const field = inodeExtended.at;

test("verification finds what reading alone would not", () => {
  damaged("/data", field.nlink, 3, 4, /another number of names/);
  damaged("/many", field.nlink, 3, 4, /wrong link count/);
  damaged("/data", field.mode, 0o120777, 2, /data layout/);
  damaged("/null", field.mode, 0o060644, 2, /another type/);
  damaged(
    "/data",
    inodeExtended.size + chunkIndex.at.startBlock,
    0xffff_fff0,
    4,
    /outside the layers/,
  );
  damaged("/data", inodeExtended.size + chunkIndex.at.device, 7, 2, /outside the layers/);
  damaged("/link", field.size, 0, 4, /without a target/);
  damaged("/many", field.size, 2 ** 31, 4, /image|shares/);
});

/** Replaces the nid of the entry `name` of the directory at `path` by that of `target`. */
function redirected(path: string, name: string, target: string): Uint8Array {
  const copy = Buffer.from(good);
  const nidOf = (at: string) => walk(new ErofsImage(good)).get(at)!.nid;
  const image = new ErofsImage(copy);
  image.readdir(nidOf(path), 0, (found, _nid, _type, next) => {
    if (Buffer.from(found).toString() !== name) return true;
    // The entry's index in its block is the low part of the cookie; the block starts where its names' offsets count from.
    const index = (next - 1) % 64;
    const block = Math.floor((found.byteOffset - copy.byteOffset) / 512) * 512;
    const inline = placeOf(path) + inodeExtended.size;
    const start = block < inline && inline < block + 512 ? inline : block;
    viewOf(copy).setUint32(start + index * 12, nidOf(target), true);
    return false;
  });
  return copy;
}

test("directories must form a tree", () => {
  const verify = (bytes: Uint8Array) => () => verifyImage(new ErofsImage(bytes));
  expect(verify(redirected("/", "many", "/"))).toThrow(/reached in two ways/);
  expect(verify(redirected("/many", "..", "/many"))).toThrow(/wrong "\.\."/);
  expect(verify(redirected("/many", ".", "/"))).toThrow(/wrong "\."/);
  expect(verify(redirected("/", "link", "/long"))).toThrow(/another number of names|inodes where/);
});
