import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ErofsImage } from "../../src/formats/erofs/image.ts";
import { emptyInode } from "../../src/formats/erofs/inode.ts";
import { verifyImage } from "../../src/formats/erofs/verify.ts";
import type { Extent } from "../../src/formats/tar/entry.ts";
import { createTree } from "../../src/tree/tree.ts";
import { writeIndex } from "../../src/tree/write-index.ts";
import { build, dir, entry, file, hardlink, readFile, symlink, walk } from "./entries.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");

test("the same tree gives the same bytes, in whatever order its entries came", () => {
  const entries = [dir("a"), file("a/x", 1), file("a/y", 2), symlink("l", "a"), file("b", 3)];
  const image = build([entries]).image.bytes;
  expect(build([entries]).image.bytes).toEqual(image);
  expect(build([[...entries].reverse()]).image.bytes).toEqual(image);
  expect(build([[...entries, file("c")]]).image.bytes).not.toEqual(image);
});

test("the root is nid 2, so that nids 0 and 1 mean nothing", () => {
  const { image } = build([[file("x")]]);
  expect(image.root).toBe(2);
  expect(image.lookup(2, bytes("x"))).toBeGreaterThan(2);
});

test("stats count inodes and names", () => {
  const one = { offset: 0, length: 100, at: 512 };
  const big = entry("file", "a/f", { size: 100, extents: [one] });
  const { stats } = build([[big, hardlink("g", "a/f"), symlink("l", "x"), entry("fifo", "p")]]);
  expect(stats).toEqual({
    inodes: 5,
    directories: 2,
    files: 1,
    symlinks: 1,
    specials: 1,
    names: 5,
    fileBytes: 100,
  });
});

describe("directories of any shape can be searched and listed", () => {
  const name = fc
    .uint8Array({ minLength: 1, maxLength: 255 })
    .map((value) => Buffer.from(value).toString("latin1").replace(/[/\0]/g, "_"))
    .filter((text) => text !== "." && text !== ".." && !text.startsWith(".wh."));
  test("any names", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(name, { maxLength: 60 }),
        fc.uniqueArray(name),
        (names, others) => {
          const { image } = build([names.map((one, i) => file(one, i + 1))]);
          const inode = emptyInode();
          const listed: string[] = [];
          image.readdir(image.root, 0, (found) => {
            listed.push(Buffer.from(found).toString("latin1"));
            return true;
          });
          expect(listed).toEqual([...names, ".", ".."].sort());
          names.forEach((one, i) => {
            image.inode(image.lookup(image.root, bytes(one)), inode);
            expect(inode.uid).toBe(i + 1);
          });
          for (const other of others) {
            if (!names.includes(other)) expect(image.lookup(image.root, bytes(other))).toBe(0);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("every number of names, so that blocks are filled to every degree", () => {
    for (let count = 0; count < 120; count++) {
      const names = Array.from({ length: count }, (_, i) => `name-${String(i).padStart(3, "0")}`);
      const { image } = build([names.map((one) => file(one))]);
      for (const one of names) expect(image.lookup(image.root, bytes(one))).toBeGreaterThan(0);
      expect(image.lookup(image.root, bytes("name-"))).toBe(0);
      expect(image.lookup(image.root, bytes("name-999"))).toBe(0);
    }
  });
});

test("a listing goes on from every cookie", () => {
  const names = Array.from({ length: 100 }, (_, i) => `n${i}`);
  const { image } = build([names.map((one) => file(one))]);
  const all: string[] = [];
  const cookies: number[] = [0];
  image.readdir(image.root, 0, (name, _nid, _type, next) => {
    all.push(Buffer.from(name).toString());
    cookies.push(next);
    return true;
  });
  expect(all).toHaveLength(102);
  cookies.forEach((cookie, i) => {
    const rest: string[] = [];
    image.readdir(image.root, cookie, (name) => rest.push(Buffer.from(name).toString()) < 5);
    expect(rest).toEqual(all.slice(i, i + 5));
  });
  image.readdir(image.root, 1e9, () => expect.unreachable());
});

test("`..` leads up", () => {
  const { image } = build([[file("a/b/c")]]);
  const a = image.lookup(image.root, bytes("a"));
  const b = image.lookup(a, bytes("b"));
  expect([image.parent(b), image.parent(a), image.parent(image.root)]).toEqual([
    a,
    image.root,
    image.root,
  ]);
});

test("link targets of every length are read back", () => {
  const lengths = [1, 31, 32, 384, 385, 447, 448, 449, 511, 512, 513, 600, 960, 1024, 2000, 4095];
  for (const xattrs of [[], [["user.x", "y".repeat(700)]] as const]) {
    const links = lengths.map((n) =>
      entry("symlink", `l${n}`, { linkName: "abcdefg".repeat(600).slice(0, n), xattrs }),
    );
    const { image } = build([links]);
    for (const n of lengths) {
      const target = image.readlink(image.lookup(image.root, bytes(`l${n}`)));
      expect(Buffer.from(target).toString()).toBe("abcdefg".repeat(600).slice(0, n));
    }
  }
});

describe("extended attributes", () => {
  test("of all namespaces that EROFS has are kept, sorted, the last of a name", () => {
    const xattrs = [
      ["user.b", "\0\n\xff"],
      ["trusted.t", ""],
      ["security.capability", "\x01\0\0\x02"],
      ["system.posix_acl_access", "\x02\0\0\0"],
      ["system.posix_acl_default", "\x02\0\0\0"],
      ["user.b", "last"],
      ["user.large", "v".repeat(65_535)],
    ] as const;
    const { image, warnings } = build([[entry("file", "x", { xattrs })]]);
    expect(warnings).toEqual([]);
    const nid = image.lookup(image.root, bytes("x"));
    const found = [...image.xattrs(nid)].map((pair) =>
      pair.map((b) => Buffer.from(b).toString("latin1")),
    );
    expect(found as unknown).toEqual([...new Map(xattrs as never)].sort());
    expect(Buffer.from(image.xattr(nid, bytes("user.b"))!).toString()).toBe("last");
    expect(image.xattr(nid, bytes("user.c"))).toBeUndefined();
    expect(image.xattr(image.root, bytes("user.b"))).toBeUndefined();
  });

  test("that EROFS can't hold are named with their path", () => {
    const xattrs = [
      ["user.fine", "x"],
      ["user.", "x"],
      ["other.x", "x"],
      ["system.posix_acl_access.x", "x"],
      ["user.large", "v".repeat(65_536)],
      [`user.${"n".repeat(251)}`, "x"],
      ["user.nul\0", "x"],
    ] as const;
    const { image, warnings } = build([[entry("file", "some/dir/x", { xattrs })]]);
    expect(warnings).toHaveLength(6);
    for (const text of warnings) expect(text).toContain('"/some/dir/x" loses');
    const dirNid = image.lookup(image.lookup(image.root, bytes("some")), bytes("dir"));
    expect([...image.xattrs(image.lookup(dirNid, bytes("x")))]).toHaveLength(1);
  });

  test("that are too large together are named too", () => {
    const xattrs = Array.from({ length: 5 }, (_, i) => [`user.${i}`, "v".repeat(60_000)] as const);
    expect(build([[entry("file", "x", { xattrs })]]).warnings).toHaveLength(1);
  });

  test("that are lost by the thousand are listed up to a point", () => {
    const lossy = (i: number) => entry("file", `f${i}`, { xattrs: [["other.x", ""]] });
    const { warnings } = build([Array.from({ length: 500 }, (_, i) => lossy(i))]);
    expect(warnings).toHaveLength(201);
    expect(warnings.at(-1)).toContain("300 more");
  });
});

describe("file data", () => {
  /** A tar of 64 KiB of which every byte can be told by its place, and a file of it. */
  const tar = Buffer.from(Array.from({ length: 65_536 }, (_, i) => (i * 31 + (i >> 8)) & 0xff));
  const indexOf = (size: number, extents: readonly Extent[]) =>
    build([[], [entry("file", "x", { size, extents })]], tar.length);
  const expected = (size: number, extents: readonly Extent[]) => {
    const content = Buffer.alloc(size);
    for (const { offset, length, at } of extents)
      content.set(tar.subarray(at, at + length), offset);
    return content;
  };
  const check = (size: number, extents: readonly Extent[]) => {
    const index = indexOf(size, extents);
    const nid = index.image.lookup(index.image.root, bytes("x"));
    const content = readFile(index, nid, [Buffer.alloc(0), tar]);
    expect(content.equals(expected(size, extents))).toBe(true);
    return { ...index, nid };
  };

  test("of an ordinary file is one run of its layer", () => {
    const { image, nid, virtual } = check(5000, [{ offset: 0, length: 5000, at: 1024 }]);
    expect(virtual).toEqual([]);
    expect(image.virtualDevice).toBe(0);
    const runs: number[][] = [];
    image.extents(nid, 100, 1e6, (...run) => runs.push(run));
    expect(runs).toEqual([[100, 4900, 2, 1124]]);
    expect(image.allocatedBlocks(nid)).toBe(10);
    expect(image.seek(nid, 17, "data")).toBe(17);
    expect(image.seek(nid, 17, "hole")).toBe(5000);
    expect(image.seek(nid, 5000, "hole")).toBe(-1);
  });

  test("of a file that is not aligned lies in the virtual device", () => {
    const { image, virtual } = check(5000, [{ offset: 0, length: 5000, at: 777 }]);
    expect(image.virtualDevice).toBe(3);
    expect(virtual).toEqual([{ virtual: 0, length: 5000, device: 2, at: 777 }]);
  });

  test("of a sparse file is found by chunks, holes are holes", () => {
    const { image, nid, virtual } = check(1_000_000, [
      { offset: 8192, length: 4096, at: 512 },
      { offset: 65536, length: 16384, at: 512 + 4096 },
    ]);
    expect(virtual).toEqual([]);
    expect(image.allocatedBlocks(nid)).toBe(40);
    expect([0, 8192, 12288, 70_000, 90_000].map((at) => image.seek(nid, at, "data"))).toEqual([
      8192, 8192, 65536, 70_000, -1,
    ]);
    expect([0, 8192, 70_000, 90_000].map((at) => image.seek(nid, at, "hole"))).toEqual([
      0, 12288, 81920, 90_000,
    ]);
    const runs: number[][] = [];
    image.extents(nid, 10_000, 60_000, (...run) => runs.push(run));
    expect(runs).toEqual([
      [10_000, 2288, 2, 2320],
      [12_288, 53_248, 0, 0],
      [65_536, 4464, 2, 4608],
    ]);
  });

  test("of a huge sparse file needs no more indexes than there may be", () => {
    const size = 1.25e12;
    const extents = [
      { offset: 4096, length: 4096, at: 512 },
      { offset: 1e12, length: 8192, at: 4608 },
    ];
    const { image, virtual } = indexOf(size, extents);
    expect(image.bytes.length).toBeLessThan(600_000);
    expect(virtual.map(({ length }) => length)).toEqual([4096, 8192]);
    verifyImage(image);
  });

  test("pieces of any place and length come out right", () => {
    const pieces = fc.array(
      fc.tuple(fc.nat(3000), fc.integer({ min: 1, max: 3000 }), fc.nat(60_000), fc.boolean()),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(pieces, fc.nat(2000), fc.boolean(), (parts, rest, aligned) => {
        let offset = 0;
        const extents = parts.map(([gap, length, at, align]) => {
          const round = (n: number) => (aligned || align ? Math.ceil(n / 512) * 512 : n);
          const extent = { offset: offset + round(gap), length: round(length), at: round(at) };
          offset = extent.offset + extent.length;
          return extent;
        });
        check(offset + rest, extents);
      }),
      { numRuns: 150 },
    );
  });

  test("behind the end of its tar is refused", () => {
    expect(() => indexOf(5000, [{ offset: 0, length: 5000, at: 64_000 }])).toThrow(
      /behind the end/,
    );
  });
});

test("a tar of 2 TiB is refused", () => {
  const tree = createTree();
  tree.beginLayer(0);
  expect(() => writeIndex(tree.finish(), [2 ** 41])).toThrow(/2 TiB/);
});

test("an image names its devices and their sizes", () => {
  const { image } = build([[file("x")], [], []], 1000);
  expect(image.layers).toBe(3);
  expect(image.deviceBlocks).toEqual([2, 2, 2]);
  expect(new ErofsImage(image.bytes).inodes).toBe(2);
  expect([...walk(image).keys()]).toEqual(["/", "/x"]);
});
