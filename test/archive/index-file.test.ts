import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { openIndexFile } from "../../src/archive/index-file.ts";
import type { Archive } from "../../src/archive/open.ts";
import { temporaryDirectory } from "../support/tiny-image.ts";
import { archiveBytes, openBytes, sampleImage } from "./sample.ts";

const { contents } = await sampleImage();
const { index } = contents;

let folder: ReturnType<typeof temporaryDirectory>;
let archive: Archive;
/** How often the index was unpacked. */
let unpacked = 0;
beforeEach(async () => {
  folder = temporaryDirectory();
  const opened = await openBytes(archiveBytes(contents));
  unpacked = 0;
  const count = () => {
    unpacked++;
    return opened.index();
  };
  archive = { ...opened, index: count };
});
afterEach(() => folder.remove());

const same = (bytes: Uint8Array) => expect(Buffer.compare(bytes, index)).toBe(0);

test("the index is unpacked once, into a file of this user alone", async () => {
  const first = await openIndexFile(archive, folder.path);
  same(first.bytes);
  expect(statSync(first.path!).mode & 0o777).toBe(0o600);
  const second = await openIndexFile(archive, folder.path);
  same(second.bytes);
  expect(second.path).toBe(first.path);
  expect(unpacked).toBe(1);
  expect(readdirSync(join(folder.path, "index"))).toHaveLength(1);
});

test("a file of that name with other bytes is replaced, and whoever has it open keeps what it has", async () => {
  const { path, bytes } = await openIndexFile(archive, folder.path);
  for (const lie of [
    Buffer.from(index).fill(1, 1000, 1001),
    index.subarray(0, 100),
    Buffer.alloc(0),
  ]) {
    rmSync(path!);
    writeFileSync(path!, lie);
    same((await openIndexFile(archive, folder.path)).bytes);
    same(readFileSync(path!));
    same(bytes);
  }
});

test("a symbolic link in its place is not followed, even to the right bytes", async () => {
  const { path } = await openIndexFile(archive, folder.path);
  const victim = join(folder.path, "victim");
  for (const content of [Buffer.from("precious"), Buffer.from(index)]) {
    rmSync(path!);
    writeFileSync(victim, content);
    symlinkSync(victim, path!);
    same((await openIndexFile(archive, folder.path)).bytes);
    expect(readFileSync(victim).equals(content)).toBe(true);
    expect(lstatSync(path!).isFile()).toBe(true);
  }
});

test("memory stands in where the cache cannot be used", async () => {
  for (const directory of [undefined, "/proc/none", join(folder.path, "file")]) {
    writeFileSync(join(folder.path, "file"), "in the way");
    const file = await openIndexFile(archive, directory);
    same(file.bytes);
    expect(file.path).toBeUndefined();
  }
  mkdirSync(join(folder.path, "index", `${archive.indexDigest.slice(7)}.erofs`), {
    recursive: true,
  });
  expect((await openIndexFile(archive, folder.path)).path).toBeUndefined();
  expect(readdirSync(join(folder.path, "index"))).toHaveLength(1);
});
