import { expect, test } from "bun:test";
import { pack } from "tar-stream";
import { contentOf, end, header, octal, padded, pax, scan, sign } from "./scan.ts";

const hello = padded("hello");

test("the same tar gives the same entries whole and in pieces of any size", () => {
  const tar = Buffer.concat([
    pax([
      ["path", "p".repeat(300)],
      ["SCHILY.xattr.user.x", "\0\n\xff"],
    ]),
    header({ size: octal(5) }),
    hello,
    header({ name: "././@LongLink", type: "L", size: octal(200), magic: "ustar  \0" }),
    padded(`${"l".repeat(199)}\0`),
    header({ size: octal(5), magic: "ustar  \0" }),
    hello,
    header({ name: "last", type: "5" }),
    end,
  ]);
  const whole = scan(tar).entries;
  expect(whole.map(({ name }) => name)).toEqual(["p".repeat(300), "l".repeat(199), "last"]);
  for (const pieceSize of [1, 7, 511, 512, 513, 1000, 4096]) {
    expect(scan(tar, pieceSize).entries).toEqual(whole);
  }
});

test("data is found where it lies", () => {
  const tar = Buffer.concat([
    header({ name: "a" }),
    header({ name: "b", size: octal(5) }),
    hello,
    end,
  ]);
  const [empty, file] = scan(tar).entries;
  expect(empty!.extents).toEqual([]);
  expect(file!.extents).toEqual([{ offset: 0, length: 5, at: 1024 }]);
  expect(contentOf(tar, file!).toString()).toBe("hello");
});

test("every type flag stands for what POSIX and GNU say", () => {
  const typeOf = (type: string, name = "x") =>
    scan(Buffer.concat([header({ type, name, linkName: "to" }), end])).entries[0];
  expect(typeOf("\0")!.type).toBe("file");
  expect(typeOf("\0", "x/")!.type).toBe("dir");
  expect(typeOf("0")!.type).toBe("file");
  expect(typeOf("1")).toMatchObject({ type: "hardlink", linkName: "to" });
  expect(typeOf("2")).toMatchObject({ type: "symlink", linkName: "to" });
  expect(typeOf("3")!.type).toBe("char");
  expect(typeOf("4")!.type).toBe("block");
  expect(typeOf("5")!.type).toBe("dir");
  expect(typeOf("6")!.type).toBe("fifo");
  expect(typeOf("7")!.type).toBe("file");
  expect(typeOf("V")).toBeUndefined();
  for (const type of ["M", "N"]) expect(() => typeOf(type)).toThrow(/the entry of type/);
});

test("an unknown type is an ordinary file, with a warning", () => {
  const tar = Buffer.concat([header({ type: "Z", size: octal(5) }), hello, end]);
  const { entries, warnings } = scan(tar);
  expect(entries[0]).toMatchObject({ type: "file", size: 5 });
  expect(warnings.join()).toContain('unknown type "Z"');
});

test("warnings without end are cut off", () => {
  const tar = Buffer.concat([...Array.from({ length: 300 }, () => header({ type: "Z" })), end]);
  const { entries, warnings } = scan(tar);
  expect(entries).toHaveLength(300);
  expect(warnings).toHaveLength(101);
});

test("links and directories have no data, whatever size they claim", () => {
  const tar = Buffer.concat([
    header({ type: "1", name: "link", linkName: "x", size: octal(5) }),
    header({ type: "5", name: "dir", size: octal(4096) }),
    header({ name: "after" }),
    end,
  ]);
  expect(scan(tar).entries.map(({ name, size }) => [name, size])).toEqual([
    ["link", 0],
    ["dir", 0],
    ["after", 0],
  ]);
});

test("the prefix belongs to the name in ustar and star, not in GNU's format and v7", () => {
  const nameOf = (block: Buffer) => scan(Buffer.concat([block, end])).entries[0]!.name;
  expect(nameOf(header({ prefix: "some/dir" }))).toBe("some/dir/file");
  expect(nameOf(header({ prefix: "0123", magic: "ustar  \0" }))).toBe("file");
  expect(nameOf(header({ prefix: "0123", magic: "" }))).toBe("file");
  const star = header({ prefix: "p".repeat(131) });
  star.write("00000000000 00000000000 ", 476, "latin1");
  star.write("tar\0", 508, "latin1");
  expect(nameOf(sign(star))).toBe(`${"p".repeat(131)}/file`);
});

test("checksums are verified; sums of signed bytes count too", () => {
  const block = header({ name: "\xe9" });
  const wrong = Buffer.from(block);
  wrong[0]! ^= 1;
  expect(() => scan(Buffer.concat([wrong, end]))).toThrow(/at byte 0, the checksum/);
  const signed = Buffer.from(block);
  const sum = Number.parseInt(block.toString("latin1", 148, 154), 8) - 256;
  signed.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  expect(scan(Buffer.concat([signed, end])).entries[0]!.name).toBe("\xe9");
});

test("the end is two zero blocks, after which anything may follow, or the end of the stream", () => {
  const file = header({});
  for (const tail of [end, Buffer.alloc(512), Buffer.alloc(0), Buffer.alloc(10240)]) {
    expect(scan(Buffer.concat([file, tail])).entries).toHaveLength(1);
  }
  const garbage = Buffer.concat([file, end, Buffer.from("garbage"), file]);
  expect(scan(garbage).entries).toHaveLength(1);
  expect(scan(Buffer.alloc(0)).entries).toHaveLength(0);
  expect(() => scan(Buffer.concat([file, Buffer.alloc(512), file]))).toThrow(/at byte 1024/);
});

test("a tar that is cut short is refused with the offset, wherever it is cut", () => {
  const tar = Buffer.concat([
    pax([["path", "x"]]),
    header({ size: octal(600) }),
    Buffer.alloc(1024),
  ]);
  for (const cut of [1, 511, 512, 700, 1024, 1300, 1536, 1700, 2100, tar.length - 1]) {
    expect(() => scan(tar.subarray(0, cut))).toThrow(`at byte ${cut},`);
  }
  expect(() => scan(Buffer.concat([pax([["path", "x"]]), end]))).toThrow(/announces an entry/);
  expect(scan(tar).entries).toHaveLength(1);
});

test("what tar-stream packs is read back", async () => {
  const packer = pack();
  packer.entry({ name: "dir", type: "directory", mode: 0o1777 });
  packer.entry({ name: `${"ü".repeat(120)}.txt`, mtime: new Date(5000), uid: 200_000 }, "text");
  packer.entry({ name: "link", type: "symlink", linkname: "t".repeat(150) });
  packer.entry({ name: "hard", type: "link", linkname: "dir/x" });
  packer.entry({ name: "tty", type: "character-device", devmajor: 4, devminor: 64 });
  packer.entry({ name: "pax", pax: { "SCHILY.xattr.user.k": "v" } }, "");
  packer.finalize();
  const pieces: Uint8Array[] = [];
  for await (const piece of packer) pieces.push(piece as Uint8Array);
  const tar = Buffer.concat(pieces);
  const { entries } = scan(tar, 777);
  expect(entries).toMatchObject([
    { name: "dir", type: "dir", mode: 0o1777 },
    {
      name: Buffer.from(`${"ü".repeat(120)}.txt`).toString("latin1"),
      mtime: 5,
      uid: 200_000,
      size: 4,
    },
    { name: "link", type: "symlink", linkName: "t".repeat(150) },
    { name: "hard", type: "hardlink", linkName: "dir/x" },
    { name: "tty", type: "char", devMajor: 4, devMinor: 64 },
    { name: "pax", xattrs: [["user.k", "v"]] },
  ]);
  expect(contentOf(tar, entries[1]!).toString()).toBe("text");
});
