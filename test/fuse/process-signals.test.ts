import { expect, test } from "bun:test";
import { hasFatalSignal, isEnding } from "../../src/fuse/process-signals.ts";

const status = (masks: Record<string, number>) =>
  Object.entries({ SigPnd: 0, ShdPnd: 0, SigBlk: 0, SigIgn: 0, SigCgt: 0, ...masks })
    .map(([name, mask]) => `${name}:\t${mask.toString(16).padStart(16, "0")}\n`)
    .join("");
const bit = (signal: number) => 2 ** (signal - 1);
const [interrupt, quit, kill, user, child, terminate, urgent] = [2, 3, 9, 10, 17, 15, 23].map(bit);

test("signals that end a thread, and signals that don't", () => {
  expect(hasFatalSignal(status({}))).toBe(false);
  expect(hasFatalSignal(status({ SigPnd: kill! }))).toBe(true);
  expect(hasFatalSignal(status({ ShdPnd: terminate! }))).toBe(true);
  expect(hasFatalSignal(status({ ShdPnd: quit!, SigCgt: interrupt! }))).toBe(true);
  expect(hasFatalSignal(status({ ShdPnd: user!, SigCgt: user! }))).toBe(false);
  expect(hasFatalSignal(status({ ShdPnd: user!, SigIgn: user! }))).toBe(false);
  expect(hasFatalSignal(status({ ShdPnd: user!, SigBlk: user! }))).toBe(false);
  expect(hasFatalSignal(status({ ShdPnd: child! + urgent! }))).toBe(false);
});

test("threads that can't be looked at count as ending", () => {
  expect(isEnding(0)).toBe(true);
  expect(isEnding(2 ** 31 - 1)).toBe(true);
});

test.skipIf(process.platform !== "linux")("this process is not ending", () => {
  expect(isEnding(process.pid)).toBe(false);
});
