import { describe, expect, test } from "bun:test";
import { isClipError } from "../../src/errors.ts";
import type { TarEntry } from "../../src/formats/tar/entry.ts";
import { createTree } from "../../src/tree/tree.ts";
import { build, dir, entry, file, hardlink, paths, symlink, walk } from "./entries.ts";

const seen = (...layers: TarEntry[][]) => walk(build(layers).image);

test("without any layer there is a root directory", () => {
  const image = walk(build([]).image);
  expect([...image.keys()]).toEqual(["/"]);
  expect(image.get("/")).toMatchObject({ mode: 0o40755, uid: 0, gid: 0, mtime: 0, nlink: 2 });
});

test("the root's entry gives it its attributes", () => {
  for (const name of ["./", "/", ".", "a/.."]) {
    const root = seen([dir(name, { mode: 0o1777, uid: 3, mtime: -7 })]).get("/");
    expect(root).toMatchObject({ mode: 0o41777, uid: 3, mtime: -7 });
  }
  expect(() => seen([symlink("/", "x")])).toThrow(/the root something else/);
});

test("directories that only paths tell of are of root, 0755, from 1970, and keep what later entries say", () => {
  const tree = seen([file("a/b/c"), dir("a", { uid: 9, mtime: 5 })], [file("a/d")]);
  expect(tree.get("/a")).toMatchObject({ uid: 9, mtime: 5 });
  expect(tree.get("/a/b")).toMatchObject({ mode: 0o40755, uid: 0, gid: 0, mtime: 0 });
});

test("of several entries of one name the last one counts", () => {
  expect(paths([[file("x", 1), file("x", 2)]])).toEqual(["x:2"]);
  expect(paths([[file("x", 1)], [file("x", 2)]])).toEqual(["x:2"]);
});

test("a directory's entry changes its attributes and leaves its content", () => {
  const old = dir("a", { mode: 0o700, xattrs: [["user.x", "y"]] });
  const tree = seen([old, file("a/x")], [dir("a/", { mode: 0o2775, gid: 4 })]);
  expect(tree.get("/a")).toMatchObject({ mode: 0o42775, gid: 4, xattrSize: 0 });
  expect(tree.has("/a/x")).toBe(true);
});

test("a file replaces a directory with its content, and a directory a file or a link", () => {
  expect(paths([[dir("a"), file("a/x")], [file("a", 1)]])).toEqual(["a:1"]);
  expect(paths([[file("a", 1)], [dir("a"), file("a/x")]])).toEqual(["a/", "a/x"]);
  expect(
    paths([
      [dir("b"), symlink("a", "b")],
      [dir("a"), file("a/x")],
    ]),
  ).toEqual(["a/", "a/x", "b/"]);
});

test("all mode bits, owners and times before 1970 are kept", () => {
  const fields = {
    mode: 0o7751,
    uid: 4294967294,
    gid: 70000,
    mtime: -3_000_000_000,
    mtimeNs: 999_999_999,
  };
  const tree = seen([entry("file", "x", fields)]);
  expect(tree.get("/x")).toMatchObject({ ...fields, mode: 0o107751 });
});

test("devices have their numbers, FIFOs none; symbolic links have all permissions", () => {
  const tree = seen([
    entry("char", "c", { devMajor: 4095, devMinor: 1048575, mode: 0o600 }),
    entry("block", "b", { devMajor: 8, devMinor: 300 }),
    entry("char", "zero"),
    entry("fifo", "f"),
    entry("symlink", "l", { linkName: "to", mode: 0o644 }),
  ]);
  expect(tree.get("/c")!.rdev).toBe(0xffff_ffff);
  expect(tree.get("/b")!.rdev).toBe((44 | (8 << 8) | (1 << 20)) >>> 0);
  expect(tree.get("/zero")).toMatchObject({ type: "char", rdev: 0 });
  expect(tree.get("/f")).toMatchObject({ type: "fifo", rdev: 0 });
  expect(tree.get("/l")!.mode).toBe(0o120777);
  expect(() => seen([entry("char", "c", { devMajor: 4096 })])).toThrow(/4096:0/);
});

describe("hard links", () => {
  test("have one inode with the true link count, over layers too", () => {
    const tree = seen([file("a", 1), hardlink("b", "a")], [hardlink("d/c", "/b")]);
    expect(new Set(["/a", "/b", "/d/c"].map((path) => tree.get(path)!.nid)).size).toBe(1);
    expect(tree.get("/a")!.nlink).toBe(3);
  });

  test("join links, devices and FIFOs as well", () => {
    for (const one of [
      symlink("a", "x"),
      entry("fifo", "a"),
      entry("block", "a", { devMinor: 3 }),
    ]) {
      const tree = seen([one, hardlink("b", "a")]);
      expect(tree.get("/a")!.nid).toBe(tree.get("/b")!.nid);
      expect(tree.get("/b")!.nlink).toBe(2);
    }
  });

  test("keep the old inode when their target is replaced or hidden", () => {
    const replaced = seen([file("a", 1)], [hardlink("b", "a"), file("a", 2)]);
    expect(replaced.get("/a")).toMatchObject({ uid: 2, nlink: 1 });
    expect(replaced.get("/b")).toMatchObject({ uid: 1, nlink: 1 });
    const hidden = seen([file("a", 1)], [hardlink("b", "a"), file(".wh.a")]);
    expect([...hidden.keys()]).toEqual(["/", "/b"]);
    expect(hidden.get("/b")!.nlink).toBe(1);
  });

  test("change nothing of their target, whatever their header says", () => {
    const link = entry("hardlink", "b", { linkName: "a", mode: 0o777, uid: 9, mtime: 9 });
    expect(seen([file("a", 1), link]).get("/b")).toMatchObject({
      uid: 1,
      mode: 0o100644,
      mtime: 0,
    });
  });

  test("replace what was there, even the directory that held their target", () => {
    expect(paths([[file("d/x", 1), hardlink("d", "d/x")]])).toEqual(["d:1"]);
    const own = seen([file("a", 1), hardlink("a", "a"), hardlink("./a", "/a")]);
    expect(own.get("/a")).toMatchObject({ uid: 1, nlink: 1 });
  });

  test("lose the names that go with a directory", () => {
    const tree = seen(
      [file("a", 1), hardlink("d/b", "a"), hardlink("d/e/c", "a")],
      [file(".wh.d")],
    );
    expect(tree.get("/a")!.nlink).toBe(1);
  });

  test("to nothing, or to a directory, are errors that name layer and entry", () => {
    const wrong = (...entries: TarEntry[]) => {
      const tree = createTree();
      tree.beginLayer(0, "layer sha256:abc");
      for (const one of entries) tree.add(one);
    };
    expect(() => wrong(hardlink("b", "gone"))).toThrow(
      'layer sha256:abc: the entry "b" is a hard link to "gone", which does not exist',
    );
    expect(() => wrong(dir("d"), hardlink("b", "d"))).toThrow(/the directory "d"/);
    expect(() => wrong(hardlink("b", "/"))).toThrow(/does not exist/);
  });
});

describe("entries stay inside the root", () => {
  test("`..` and a leading slash lead to the root at most", () => {
    const names = ["../../x", "/y", "//a//../../z", "a/./../w"];
    expect(paths([names.map((name) => file(name))])).toEqual(["w", "x", "y", "z"]);
  });

  test("symbolic links on the way are followed as in a chroot", () => {
    const links = [
      dir("etc"),
      symlink("abs", "/etc"),
      symlink("up", "../../../etc"),
      symlink("l", "abs"),
    ];
    expect(paths([[...links, file("abs/1"), file("up/2"), file("l/3")]])).toEqual([
      "abs",
      "etc/",
      "etc/1",
      "etc/2",
      "etc/3",
      "l",
      "up",
    ]);
  });

  test("`..` in a link goes up from where the link led", () => {
    const links = [dir("a/b"), symlink("l", "a/b"), symlink("m", "l/../c")];
    expect(paths([[...links, file("m/x")]])).toEqual(["a/", "a/b/", "a/c/", "a/c/x", "l", "m"]);
  });

  test("what a link leads to is made where it is missing", () => {
    expect(paths([[symlink("l", "/gone/../new/dir"), file("l/x")]])).toEqual([
      "l",
      "new/",
      "new/dir/",
      "new/dir/x",
    ]);
  });

  test("the last component is never followed", () => {
    expect(paths([[symlink("l", "/etc"), file("l", 1)]])).toEqual(["l:1"]);
    const linked = seen([file("t"), symlink("l", "t"), hardlink("h", "l")]);
    expect(linked.get("/h")!.type).toBe("symlink");
  });

  test("loops and files on the way are errors", () => {
    expect(() => seen([symlink("a", "b"), symlink("b", "a"), file("a/x")])).toThrow(
      /too many symbolic links/,
    );
    expect(() => seen([file("f"), file("f/x")])).toThrow(/something else \("f"\)/);
  });

  test("a directory that was replaced is not remembered", () => {
    const entries = [dir("a"), file("a/1"), symlink("a", "b"), file("a/2"), dir("a"), file("a/3")];
    expect(paths([entries])).toEqual(["a/", "a/3", "b/", "b/2"]);
  });
});

test("directories count their subdirectories as links", () => {
  const tree = seen([dir("a/b"), dir("a/c"), file("a/f")]);
  expect(tree.get("/")!.nlink).toBe(3);
  expect(tree.get("/a")!.nlink).toBe(4);
  expect(tree.get("/a/b")!.nlink).toBe(2);
});

describe("what Linux could not hold is refused", () => {
  const refused = (one: TarEntry) => {
    let caught: unknown;
    try {
      seen([one]);
    } catch (error) {
      caught = error;
    }
    expect(isClipError(caught, "LAYER_CORRUPT", "LIMIT_EXCEEDED")).toBe(true);
  };
  test("names over 255 bytes", () => {
    expect(paths([[file("n".repeat(255))]])).toEqual(["n".repeat(255)]);
    refused(file("n".repeat(256)));
    refused(file(`${"d".repeat(256)}/x`));
  });
  test("link targets that are empty or over 4095 bytes", () => {
    expect(seen([symlink("l", "t".repeat(4095))]).get("/l")!.size).toBe(4095);
    refused(symlink("l", ""));
    refused(symlink("l", "t".repeat(4096)));
  });
  test("metadata without end", () => {
    const tree = createTree();
    tree.beginLayer(0);
    const large = "v".repeat(2 ** 26);
    const add = () => tree.add(entry("file", "x", { xattrs: [["user.x", large]] }));
    expect(() => {
      for (let i = 0; i < 17; i++) add();
    }).toThrow(/takes the metadata of the image over/);
  });
});

test("directories deeper than any path, which links make possible, are no trouble", () => {
  const deep = "d/".repeat(1000);
  const layer: TarEntry[] = [];
  for (let i = 0; i < 20; i++) {
    const path = `${i === 0 ? "" : `l${i - 1}/`}${deep}`;
    layer.push(dir(path), symlink(`l${i}`, path));
  }
  expect(build([layer]).stats.directories).toBe(20_001);
  expect(build([layer, [file(".wh.d")]]).stats.directories).toBe(1);
});
