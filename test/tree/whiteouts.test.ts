import { describe, expect, test } from "bun:test";
import { build, dir, file, hardlink, paths, symlink, walk } from "./entries.ts";

const lower = [dir("a"), file("a/one"), file("a/two"), dir("a/sub"), file("a/sub/x"), file("b")];

test("a whiteout hides a file of a lower layer", () => {
  expect(paths([lower, [file("a/.wh.one")]])).toEqual(["a/", "a/sub/", "a/sub/x", "a/two", "b"]);
});

test("a whiteout hides a directory with all that is in it", () => {
  expect(paths([lower, [file(".wh.a")]])).toEqual(["b"]);
});

test("a whiteout hides nothing of its own layer, wherever it stands", () => {
  const result = ["b:7"];
  expect(paths([[file("b")], [file("b", 7), file(".wh.b")]])).toEqual(result);
  expect(paths([[file("b")], [file(".wh.b"), file("b", 7)]])).toEqual(result);
});

describe("a whiteout of a directory that its layer fills again leaves what is new", () => {
  const added = [dir("a", { uid: 5 }), file("a/new")];
  test.each([[[file(".wh.a"), ...added]], [[...added, file(".wh.a")]]])("%#", (layer) => {
    const { image } = build([lower, layer]);
    expect([...walk(image).keys()]).toEqual(["/", "/a", "/a/new", "/b"]);
    expect(walk(image).get("/a")!.uid).toBe(5);
  });
});

describe("a directory that only its new content keeps has nobody's attributes", () => {
  const old = [
    dir("a", { uid: 5, mode: 0o700, mtime: 9, xattrs: [["user.x", "y"]] }),
    file("a/one"),
  ];
  test.each([[[file(".wh.a"), file("a/new")]], [[file("a/new"), file(".wh.a")]]])("%#", (layer) => {
    const seen = walk(build([old, layer]).image);
    expect([...seen.keys()]).toEqual(["/", "/a", "/a/new"]);
    expect(seen.get("/a")).toMatchObject({ uid: 0, mode: 0o40755, mtime: 0, xattrSize: 0 });
  });
});

describe("an opaque directory hides what lower layers put in it, and nothing of its own layer", () => {
  const added = [dir("a", { uid: 5 }), file("a/new"), file("a/sub/y")];
  const mark = file("a/.wh..wh..opq");
  test.each([[[mark, ...added]], [[...added, mark]], [[added[1]!, mark, added[0]!, added[2]!]]])(
    "%#",
    (layer) => {
      expect(paths([lower, layer])).toEqual(["a/", "a/new", "a/sub/", "a/sub/y", "b"]);
    },
  );
  test("its own attributes stay where it has no entry", () => {
    const seen = walk(
      build([
        [dir("a", { uid: 5 }), file("a/x")],
        [mark, file("a/y")],
      ]).image,
    );
    expect([...seen.keys()]).toEqual(["/", "/a", "/a/y"]);
    expect(seen.get("/a")!.uid).toBe(5);
  });
});

test("an opaque root hides all lower layers", () => {
  expect(paths([lower, [file("new"), file(".wh..wh..opq"), file("a/late")]])).toEqual([
    "a/",
    "a/late",
    "new",
  ]);
});

test("an opaque mark counts once; the layers above have their own", () => {
  const layers = [
    lower,
    [file("a/.wh..wh..opq"), file("a/second")],
    [file("a/third"), file("a/.wh..wh..opq")],
  ];
  expect(paths(layers)).toEqual(["a/", "a/third", "b"]);
});

test("a name that a hard link gave in this layer is of this layer, whatever its inode's age", () => {
  const link = hardlink("a/link", "b");
  for (const layer of [
    [link, file("a/.wh.link"), file("a/.wh..wh..opq")],
    [file("a/.wh..wh..opq"), link],
  ]) {
    expect(paths([lower, layer])).toEqual(["a/", "a/link", "b"]);
  }
  expect(paths([lower, [link], [file("a/.wh..wh..opq")]])).toEqual(["a/", "b"]);
});

test("aufs's own names are passed over", () => {
  const own = [
    file(".wh..wh.aufs"),
    dir(".wh..wh.plnk"),
    file(".wh..wh.plnk/1.2"),
    dir(".wh..wh.orph"),
    file(".wh..wh.plnk/.wh..wh..opq"),
  ];
  expect(paths([lower, own])).toEqual(paths([lower]));
});

test("whiteouts that name nothing, or lead nowhere, change nothing", () => {
  const marks = [
    ".wh.",
    ".wh..",
    ".wh...",
    "a/.wh.",
    "nowhere/.wh.x",
    "b/.wh.x",
    "no/.wh..wh..opq",
  ];
  const { warnings } = build([lower, marks.map((name) => file(name))]);
  expect(paths([lower, marks.map((name) => file(name))])).toEqual(paths([lower]));
  expect(warnings).toHaveLength(4);
});

test("a whiteout takes a symbolic link away, not what it leads to; links on the way are followed", () => {
  const links = [...lower, symlink("l", "a")];
  expect(paths([links, [file(".wh.l")]])).toEqual(paths([lower]));
  expect(paths([links, [file("l/.wh.one")]])).toEqual([
    "a/",
    "a/sub/",
    "a/sub/x",
    "a/two",
    "b",
    "l",
  ]);
});
