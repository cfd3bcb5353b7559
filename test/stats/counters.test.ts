import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CounterName } from "../../src/stats/counter-table.ts";
import { createCounters, openCounters } from "../../src/stats/counters.ts";
import { renderJson, renderText } from "../../src/stats/render.ts";
import { snapshot } from "../../src/stats/snapshot.ts";

let folder = "";
let path = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "clip-counters-"));
  path = join(folder, "mount.stats");
});
afterEach(() => rmSync(folder, { recursive: true }));

const shape = {
  layers: [
    { digest: "sha256:aa", tarSize: 10_000, checkpoints: 3 },
    { digest: "sha256:bb", tarSize: 5_000_000_000, checkpoints: 200_000 },
  ],
  events: 8,
};
const event = (nid: number) => ({
  ...{ timeUs: 1_760_000_000_000_000, pid: 7, nid, offset: 4096, length: 10 },
  ...{ outcome: "origin" as const, durationNs: 12_345 },
});

test("what one opener counts another one sees", () => {
  const writer = createCounters(path, shape);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  writer.add("reads");
  writer.add("fetchedBytes", 5_000_000_000);
  writer.add("fetchedBytes", 6);
  writer.add("requestsInFlight", 2);
  writer.add("requestsInFlight", -1);
  for (const ns of [1000, 3000, 2000]) writer.observe("localRead", ns);
  writer.countCheckpoint(0, 2);
  writer.countCheckpoint(0, 3);
  writer.countCheckpoint(1, 199_999);
  writer.countCheckpoint(2, 0);
  writer.event(event(42));
  const { counters, histograms, layers, events, nextEvent } = snapshot(openCounters(path), {
    eventsFrom: 0,
  });
  expect(counters.reads).toBe(1);
  expect(counters.fetchedBytes).toBe(5_000_000_006);
  expect(counters.requestsInFlight).toBe(1);
  expect(histograms.localRead).toMatchObject({ count: 3, sumNs: 6000, maxNs: 3000 });
  expect(layers[0]!.uses).toEqual([0, 0, 1]);
  expect(layers[1]!.uses.at(-1)).toBe(1);
  expect(events).toEqual([event(42)]);
  expect(nextEvent).toBe(1);
});

test("residency is counted by parts of the tar", () => {
  const counters = createCounters(undefined, shape);
  counters.addResidency(0, 0, 10_000);
  counters.addResidency(1, 4096, 3_000_000_000);
  counters.addResidency(1, 4_999_999_999, 5_000_000_000);
  counters.addResidency(0, 9_999, 10_001);
  const [a, b] = snapshot(counters).layers;
  expect(a!.residentBytes).toBe(10_000);
  expect(a!.residency).toHaveLength(3);
  for (const bytes of a!.residency) expect(Math.abs(bytes - 10_000 / 3)).toBeLessThan(2);
  expect(b!.residentBytes).toBe(3_000_000_000 - 4096 + 1);
  expect(b!.residency.at(-1)).toBe(1);
  counters.clearResidency(1);
  expect(snapshot(counters).layers[1]!.residentBytes).toBe(0);
});

test("the ring keeps the last events, in order", () => {
  const counters = createCounters(path, shape);
  for (let nid = 1; nid <= 20; nid++) counters.event(event(nid));
  expect(counters.events(0).events.map(({ nid }) => nid)).toEqual([13, 14, 15, 16, 17, 18, 19, 20]);
  expect(counters.events(18).events.map(({ nid }) => nid)).toEqual([19, 20]);
  expect(counters.events(0, 1).events.map(({ nid }) => nid)).toEqual([20]);
  expect(counters.events(20)).toEqual({ events: [], next: 20 });
});

test("counters outlive the process that made them, unless the archive is another one", () => {
  createCounters(path, shape).add("reads", 3);
  expect(snapshot(createCounters(path, shape)).counters.reads).toBe(3);
  expect(snapshot(createCounters(path, { layers: [] })).counters.reads).toBe(0);
});

test("nothing is lost when processes count at the same time", async () => {
  createCounters(path, shape);
  const counters = JSON.stringify(join(import.meta.dir, "../../src/stats/counters.ts"));
  const script = `import { openCounters } from ${counters}; const c = openCounters(${JSON.stringify(path)});
    for (let i = 0; i < 20000; i++) { c.add("reads"); c.add("servedBytes", 4096); c.observe("originRead", i); }`;
  const run = () => Bun.spawn([process.execPath, "-e", script], { stderr: "inherit" }).exited;
  expect(await Promise.all([run(), run()])).toEqual([0, 0]);
  const taken = snapshot(openCounters(path));
  expect(taken.counters.reads).toBe(40_000);
  expect(taken.counters.servedBytes).toBe(40_000 * 4096);
  expect(taken.histograms.originRead).toMatchObject({ count: 40_000, maxNs: 19_999 });
});

test("a file of another kind, version or length is refused; names of another version are 0", () => {
  createCounters(path, shape);
  const whole = readFileSync(path);
  const refused = (bytes: Uint8Array, why: string) => {
    writeFileSync(`${path}2`, bytes);
    expect(() => openCounters(`${path}2`)).toThrow(why);
  };
  refused(new Uint8Array(100), "is not a counters file");
  refused(Uint8Array.of(1), "is too short");
  refused(new Uint8Array(0), "is not a counters file");
  refused(Buffer.from(whole).fill(9, 8, 9), "is of version 9, not 1");
  refused(whole.subarray(0, whole.length - 8), "is cut off");
  expect(() => openCounters(join(folder, "none"))).toThrow("no such file");
  const older = Buffer.from(whole);
  older.write('"zeads":', whole.indexOf('"reads":'));
  writeFileSync(path, older);
  const { counters } = snapshot(openCounters(path));
  expect(counters.reads).toBe(0);
});

test("a hostile layout is refused, not followed", () => {
  createCounters(path, shape);
  const whole = readFileSync(path);
  const at = whole.indexOf('"reads":') + 8;
  const patched = Buffer.from(whole);
  patched.fill("9", at, whole.indexOf(",", at));
  writeFileSync(path, patched);
  let refused = "";
  try {
    openCounters(path);
  } catch (error) {
    refused = (error as Error).message;
  }
  expect(refused).toContain("has a layout that points outside it");
});

test("renderings are of one frozen snapshot", () => {
  const counters = createCounters(undefined, shape);
  counters.add("requests", 5);
  counters.observe("originRead", 25_000_000);
  const taken = snapshot(counters);
  expect(Object.isFrozen(taken) && Object.isFrozen(taken.counters)).toBe(true);
  expect(renderText(taken)).toContain("requests    5  requests sent to the origin");
  expect(renderText(taken)).toContain("ms");
  const parsed = JSON.parse(renderJson(taken));
  expect(parsed.counters.requests).toBe(5 satisfies number);
  expect(parsed.layers).toEqual([
    { digest: "sha256:aa", tarSize: 10_000, checkpoints: 3, residentBytes: 0 },
    { digest: "sha256:bb", tarSize: 5_000_000_000, checkpoints: 200_000, residentBytes: 0 },
  ]);
});

test("counting is cheap", () => {
  const counters = createCounters(path, shape);
  const name: CounterName = "reads";
  for (let i = 0; i < 20_000; i++) counters.add(name);
  const started = Bun.nanoseconds();
  for (let i = 0; i < 100_000; i++) counters.add(name);
  // Some 30 ns; the bound only tells a thousand times that from a thing that makes system calls.
  expect((Bun.nanoseconds() - started) / 100_000).toBeLessThan(1000);
});
