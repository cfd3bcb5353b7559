import { expect, test } from "bun:test";
import { ClipError } from "../../src/errors.ts";
import { viewOf } from "../../src/formats/fields.ts";
import { errnos } from "../../src/fuse/errno.ts";
import type { PassedRead } from "../../src/fuse/messages.ts";
import { PendingReads } from "../../src/fuse/pending.ts";

const readOf = (unique: bigint, descriptor = 1, pid = 77): PassedRead => ({
  kind: "read",
  unique,
  descriptor,
  nid: 5,
  offset: 0,
  size: 3,
  pid,
});

/** Pending reads whose fetches end by hand, with what they write. */
function setUp(ending: () => boolean = () => true) {
  const written: { fd: number; error: number; unique: bigint; data: string }[] = [];
  const fetches: PromiseWithResolvers<Uint8Array>[] = [];
  const pending = new PendingReads({
    fds: [10, 11],
    fetch: () => {
      const fetch = Promise.withResolvers<Uint8Array>();
      fetches.push(fetch);
      return fetch.promise;
    },
    isEnding: ending,
    write: (fd, reply, length) => {
      const view = viewOf(reply);
      const data = Buffer.from(reply.subarray(16, length)).toString();
      written.push({ fd, error: view.getInt32(4, true), unique: view.getBigUint64(8, true), data });
    },
  });
  const settle = () => Bun.sleep(0);
  return { pending, written, fetches, settle };
}

test("a read is answered on the descriptor it came from", async () => {
  const { pending, written, fetches, settle } = setUp();
  pending.accept(readOf(8n));
  expect(pending.size).toBe(1);
  fetches[0]!.resolve(Buffer.from("abc"));
  await settle();
  expect(written).toEqual([{ fd: 11, error: 0, unique: 8n, data: "abc" }]);
  expect(pending.size).toBe(0);
});

test("errors become errnos, and data of a wrong length is an error", async () => {
  const { pending, written, fetches, settle } = setUp();
  for (const unique of [2n, 4n, 6n]) pending.accept(readOf(unique));
  fetches[0]!.reject(new ClipError("UNREACHABLE", "no registry"));
  fetches[1]!.reject(new ClipError("INTERRUPTED", "the mount ends"));
  fetches[2]!.resolve(Buffer.from("ab"));
  await settle();
  expect(written.map(({ error }) => error)).toEqual([-errnos.EIO, -errnos.EINTR, -errnos.EIO]);
});

test("an ending reader is answered at once, and the fetch goes on", async () => {
  const { pending, written, fetches, settle } = setUp();
  pending.accept(readOf(8n));
  pending.accept({ kind: "interrupt", unique: 8n, descriptor: 0 });
  expect(written).toEqual([{ fd: 11, error: -errnos.EINTR, unique: 8n, data: "" }]);
  fetches[0]!.resolve(Buffer.from("abc"));
  await settle();
  expect(written.length).toBe(1);
});

test("a reader that goes on is watched until it ends", async () => {
  let ending = false;
  const { pending, written } = setUp(() => ending);
  pending.accept(readOf(8n));
  pending.accept({ kind: "interrupt", unique: 8n, descriptor: 0 });
  expect(written).toEqual([]);
  ending = true;
  while (written.length === 0) await Bun.sleep(5);
  expect(written[0]!.error).toBe(-errnos.EINTR);
  pending.close();
});

test("an INTERRUPT that overtook its request is asked for again, on every descriptor", async () => {
  const { pending, written } = setUp();
  pending.accept({ kind: "interrupt", unique: 8n, descriptor: 0 });
  while (written.length < 2) await Bun.sleep(5);
  expect(written).toEqual([
    { fd: 10, error: -errnos.EAGAIN, unique: 9n, data: "" },
    { fd: 11, error: -errnos.EAGAIN, unique: 9n, data: "" },
  ]);
});

test("an INTERRUPT whose request comes meanwhile is for it", async () => {
  const { pending, written } = setUp();
  pending.accept({ kind: "interrupt", unique: 8n, descriptor: 0 });
  pending.accept(readOf(8n));
  while (written.length < 1) await Bun.sleep(5);
  expect(written).toEqual([{ fd: 11, error: -errnos.EINTR, unique: 8n, data: "" }]);
});

test("a request that is handed out again is fetched once and answered where it came from last", async () => {
  const { pending, written, fetches, settle } = setUp();
  pending.accept(readOf(8n, 1));
  const resent = 8n | (1n << 63n);
  pending.accept(readOf(resent, 0));
  expect([pending.size, fetches.length]).toEqual([1, 1]);
  fetches[0]!.resolve(Buffer.from("abc"));
  await settle();
  expect(written).toEqual([{ fd: 10, error: 0, unique: resent, data: "abc" }]);
});

test("closing answers what is left, and nothing is written afterwards", async () => {
  const { pending, written, fetches } = setUp();
  pending.accept(readOf(8n));
  pending.accept({ kind: "interrupt", unique: 10n, descriptor: 0 });
  pending.close();
  pending.accept(readOf(12n));
  fetches[0]!.resolve(Buffer.from("abc"));
  await Bun.sleep(50);
  expect(written.map(({ error }) => error)).toEqual([-errnos.EINTR]);
});
