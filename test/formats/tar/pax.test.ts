import { expect, test } from "bun:test";
import fc from "fast-check";
import { isClipError } from "../../../src/errors.ts";
import { parsePax } from "../../../src/formats/tar/pax.ts";
import { end, header, octal, padded, pax, scan } from "./scan.ts";

const bytes = (constraints?: { maxLength?: number; minLength?: number }) =>
  fc.uint8Array(constraints).map((value) => Buffer.from(value).toString("latin1"));

const one = (records: [string, string][], global: [string, string][] = []) => {
  const heads = global.length > 0 ? [pax(global, "g")] : [];
  return scan(Buffer.concat([...heads, pax(records), header({}), end])).entries[0]!;
};

test("extended attributes keep every byte", () => {
  fc.assert(
    fc.property(bytes({ maxLength: 2000 }), (value) => {
      const entry = one([["SCHILY.xattr.user.any", value]]);
      expect(entry.xattrs).toEqual([["user.any", value]]);
    }),
    { numRuns: 50 },
  );
});

test("an attribute of 64 KiB and an empty one are taken as they are", () => {
  const large = "\0\n=".repeat(21_845);
  const entry = one([
    ["SCHILY.xattr.user.large", large],
    ["SCHILY.xattr.user.empty", ""],
  ]);
  expect(entry.xattrs).toEqual([
    ["user.large", large],
    ["user.empty", ""],
  ]);
});

test("libarchive's attributes have encoded names and base64 values; star's count before them", () => {
  const entry = one([
    ["LIBARCHIVE.xattr.user.a%3Db", Buffer.from("\xff\0x", "latin1").toString("base64")],
    ["LIBARCHIVE.xattr.user.c", Buffer.from("theirs").toString("base64")],
    ["SCHILY.xattr.user.c", "ours"],
  ]);
  expect(entry.xattrs).toEqual([
    ["user.a=b", "\xff\0x"],
    ["user.c", "ours"],
  ]);
});

test("names, owners and times of records count before the header's", () => {
  const entry = one([
    ["hdrcharset", "BINARY"],
    ["path", "a\xffb\nc"],
    ["uid", "4294967295"],
    ["gid", "3000000000"],
    ["mtime", "-1.5"],
  ]);
  expect(entry).toMatchObject({
    name: "a\xffb\nc",
    uid: 4294967295,
    gid: 3_000_000_000,
    mtime: -2,
    mtimeNs: 500_000_000,
  });
});

test("global records hold until local ones say otherwise; an empty value takes one back", () => {
  const tar = Buffer.concat([
    pax(
      [
        ["uid", "7"],
        ["mtime", "5"],
      ],
      "g",
    ),
    header({ name: "first" }),
    pax([["uid", "8"]]),
    header({ name: "second" }),
    pax([["uid", ""]]),
    header({ name: "third" }),
    pax([["mtime", "6"]], "g"),
    header({ name: "fourth" }),
    end,
  ]);
  const { entries } = scan(tar);
  expect(entries.map(({ name, uid, mtime }) => [name, uid, mtime])).toEqual([
    ["first", 7, 5],
    ["second", 8, 5],
    ["third", 0, 5],
    ["fourth", 7, 6],
  ]);
  // The offset of an entry is that of the first header that is its own.
  expect(entries.map(({ headerAt }) => headerAt)).toEqual([1024, 1536, 3072, 5632]);
});

test("the size of a record counts for finding the next header", () => {
  const tar = Buffer.concat([
    pax([["size", "600"]]),
    header({ name: "large", size: octal(0) }),
    padded("x".repeat(600)),
    header({ name: "next" }),
    end,
  ]);
  const { entries } = scan(tar);
  expect(entries.map(({ name, size }) => [name, size])).toEqual([
    ["large", 600],
    ["next", 0],
  ]);
});

test("malformed records are refused, whatever they are", () => {
  for (const body of ["5 a\n", "x", "9 a=b\n", "6 a=b", "0 a=b\n", "5 =b\n", "99999999999 a=b\n"]) {
    expect(parsePax(Buffer.from(body))).toBeUndefined();
  }
  fc.assert(
    fc.property(bytes({ maxLength: 600 }), (body) => {
      const tar = [header({ type: "x", size: octal(body.length) }), padded(body), header({}), end];
      try {
        scan(Buffer.concat(tar));
      } catch (error) {
        expect(isClipError(error)).toBe(true);
      }
    }),
  );
});

test("headers that are too large are refused before they are read", () => {
  const tar = (type: string, size: number) => header({ type, size: octal(size) });
  for (const [type, size] of [
    ["x", 17 << 20],
    ["g", 17 << 20],
    ["L", 5000],
    ["K", 5000],
  ] as const) {
    expect(() => scan(tar(type, size))).toThrow(/are allowed/);
  }
  expect(() => one([["path", "a".repeat(4097)]])).toThrow(/4097 bytes/);
  expect(() => one([["path", "a\0b"]])).toThrow(/NUL/);
});

test("what is not taken over is named once", () => {
  const records: [string, string][] = [["SCHILY.acl.access", "user::rw-"]];
  const tar = [pax(records), header({}), pax(records), header({}), end];
  const { warnings } = scan(Buffer.concat(tar));
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('the first is that of "file"');
});
