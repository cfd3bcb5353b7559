import { expect, test } from "bun:test";
import { agree, writeInitOut } from "../../src/fuse/init.ts";
import { initOut } from "../../src/fuse/wire.ts";

const all = 0xffff_ffff;
const unused = new Uint8Array(44);
const offer = { major: 7, minor: 45, maxReadahead: 131072, flags: all, flags2: all, unused };

test("a kernel that offers everything gets what serves a tree that never changes", () => {
  const init = agree(offer);
  expect(init).toMatchObject({ major: 7, minor: 41, maxPages: 256, maxReadahead: 131072 });
  const flag = (bit: number) => (init.flags & (1 << bit)) !== 0;
  // ASYNC_READ, DO_READDIRPLUS, PARALLEL_DIROPS, MAX_PAGES, CACHE_SYMLINKS, INIT_EXT
  expect([0, 13, 18, 22, 23, 30].map(flag)).toEqual(Array(6).fill(true));
  // No POSIX_LOCKS, SPLICE_*, ASYNC_DIO, WRITEBACK_CACHE, HANDLE_KILLPRIV, SUBMOUNTS
  expect([1, 7, 8, 9, 15, 16, 19, 27].map(flag)).toEqual(Array(8).fill(false));
  // HAS_RESEND, bit 39
  expect(init.flags2).toBe(1 << 7);
  expect(structuredClone(init)).toEqual(init);
  expect(JSON.parse(JSON.stringify(init))).toEqual(init);
});

test("nothing is agreed to that was not offered", () => {
  const init = agree({ ...offer, minor: 31, flags: 1 << 22 });
  expect(init).toMatchObject({ minor: 31, flags: 1 << 22, flags2: 0 });
});

test("the reply is as the kernel reads it", () => {
  const view = new DataView(new ArrayBuffer(100));
  expect(writeInitOut(view, 16, agree(offer))).toBe(64);
  expect(initOut.read(view, 16)).toMatchObject({ major: 7, maxWrite: 4096, maxBackground: 256 });
});

test("other and older protocols are refused with a way out", () => {
  for (const version of [{ major: 8 }, { major: 6 }, { minor: 27 }]) {
    expect(() => agree({ ...offer, ...version })).toThrow("clip cat");
  }
});
