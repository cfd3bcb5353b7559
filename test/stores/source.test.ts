import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { OriginSpec } from "../../src/stores/origin.ts";
import { formatSource, parseSource } from "../../src/stores/source.ts";
import { osPath, pathOf } from "../../src/system/paths.ts";
import { failing } from "../support/failing.ts";
import { temporaryDirectory } from "../support/tiny-image.ts";

const directory = temporaryDirectory();
const at = (name: string): string => join(directory.path, name);
const foreign = pathOf(Buffer.concat([Buffer.from(`${directory.path}/caf`), Buffer.of(0xe9)]));
beforeAll(() => {
  for (const name of ["dir", "dir:with", "dir:with:colons"]) mkdirSync(at(name));
  mkdirSync(osPath(foreign));
  for (const name of ["a.tar", "a.tar:b"]) writeFileSync(at(name), "");
});
afterAll(() => directory.remove());

test("layouts: the longest directory that is there counts", () => {
  const layout = (path: string, tag?: string): OriginSpec => ({
    kind: "oci-layout",
    path,
    ...(tag !== undefined && { tag }),
  });
  expect(parseSource(`oci:${at("dir")}`)).toEqual(layout(at("dir")));
  expect(parseSource(`oci:${at("dir")}:`)).toEqual(layout(at("dir")));
  expect(parseSource(`oci:${at("dir")}:v1`)).toEqual(layout(at("dir"), "v1"));
  expect(parseSource(`oci:${at("dir")}:r.io:5000/a/b:v1`)).toEqual(
    layout(at("dir"), "r.io:5000/a/b:v1"),
  );
  expect(parseSource(`oci:${at("dir:with")}`)).toEqual(layout(at("dir:with")));
  expect(parseSource(`oci:${at("dir:with:colons")}:t`)).toEqual(layout(at("dir:with:colons"), "t"));
  expect(parseSource(`oci:${at("dir:with:more")}`)).toEqual(layout(at("dir:with"), "more"));
  // What is not there parts at the first colon.
  expect(parseSource("oci:/no/where:a:b")).toEqual(layout("/no/where", "a:b"));
  expect(parseSource("oci:/no/where")).toEqual(layout("/no/where"));
  // A file is no layout.
  expect(parseSource(`oci:${at("a.tar:b")}`)).toEqual(layout(at("a.tar"), "b"));
});

test("archives: the longest file that is there counts", () => {
  expect(parseSource(`oci-archive:${at("a.tar")}:v`)).toEqual({
    kind: "oci-archive",
    path: at("a.tar"),
    tag: "v",
  });
  expect(parseSource(`docker-archive:${at("a.tar:b")}:r.io/a:v`)).toEqual({
    kind: "docker-archive",
    path: at("a.tar:b"),
    tag: "r.io/a:v",
  });
});

test("paths that are not UTF-8 are kept", () => {
  expect(parseSource(`oci:${foreign}:v`)).toEqual({ kind: "oci-layout", path: foreign, tag: "v" });
  expect(formatSource(parseSource(`oci:${foreign}:v`))).toBe(`oci:${directory.path}/caf\\xe9:v`);
});

test("references, with docker:// or bare", () => {
  const reference = "docker.io/library/alpine:3";
  for (const text of ["alpine:3", "docker://alpine:3", "docker.io/library/alpine:3"]) {
    expect(parseSource(text)).toEqual({ kind: "registry", reference });
  }
  expect(formatSource(parseSource("alpine:3"))).toBe(`docker://${reference}`);
});

test.each(["", "oci:", "oci-archive:", "docker-archive:", "docker://", "containers-storage:x/Y"])(
  "%p is refused",
  async (text) => {
    await failing("BAD_REFERENCE", () => parseSource(text));
  },
);
