import { expect, test } from "bun:test";
import { Gate } from "../../src/content/gate.ts";
import { Readahead } from "../../src/content/readahead.ts";

test("a gate lets so many through at once, the others in their order, and forgets who left", async () => {
  const gate = new Gate(2);
  const order: number[] = [];
  const releases: (() => void)[] = [];
  const enter = (name: number, signal?: AbortSignal) =>
    gate.run(async () => {
      order.push(name);
      await new Promise<void>((resolve) => releases.push(resolve));
    }, signal);
  const abort = new AbortController();
  const first = [enter(1), enter(2)];
  const left = enter(3, abort.signal).catch((reason) => reason);
  const later = [enter(4), enter(5)];
  abort.abort("left");
  expect(await left).toBe("left");
  expect(order).toEqual([1, 2]);
  releases[0]!();
  await first[0];
  await Promise.resolve();
  expect(order).toEqual([1, 2, 4]);
  releases[1]!();
  await first[1];
  await Promise.resolve();
  expect(order).toEqual([1, 2, 4, 5]);
  for (const release of releases) release();
  await Promise.all(later);
  const failing = gate.run(() => Promise.reject(new Error("no")));
  await expect(failing).rejects.toThrow("no");
  const free = [enter(6), enter(7)];
  await Promise.resolve();
  expect(order.slice(-2)).toEqual([6, 7]);
  for (const release of releases) release();
  await Promise.all(free);
});

test("only a reader that goes on gets more than it asks for, and never more than half of what it took", () => {
  const readahead = new Readahead();
  expect(readahead.bytesFor(0)).toBe(0);
  readahead.fetched(0, 200_000, 65_536);
  expect(readahead.bytesFor(5_000_000)).toBe(0);
  readahead.fetched(5_000_000, 5_100_000, 65_536);
  expect(readahead.bytesFor(200_000)).toBe(32_768);
  readahead.fetched(200_000, 600_000, 131_072);
  expect(readahead.bytesFor(610_000)).toBe(98_304);
  readahead.fetched(610_000, 90_000_000, 50_000_000);
  expect(readahead.bytesFor(90_000_000)).toBe(4 * 1024 * 1024);
  expect(readahead.bytesFor(5_100_000)).toBe(32_768);
  for (let i = 0; i < 20; i++) readahead.fetched(1e9 + i * 1e7, 1e9 + i * 1e7, 10);
  expect(readahead.bytesFor(5_100_000)).toBe(0);
});
