import { describe, expect, test } from "bun:test";
import {
  isCandidate,
  isForced,
  isWorthIt,
  isWorthStarting,
  policyFor,
} from "../../src/layers/checkpoint-policy.ts";

const MiB = 1024 * 1024;
const policy = policyFor(2 * MiB);

describe("the policy of checkpoints", () => {
  test("wants no place close after the last, nor one without output between", () => {
    expect(isCandidate(policy, { bytes: 10_000, out: MiB })).toBe(false);
    expect(isCandidate(policy, { bytes: 100_000, out: 0 })).toBe(false);
    expect(isCandidate(policy, { bytes: 100_000, out: MiB })).toBe(true);
  });

  test("pays more for a window the longer the span has become", () => {
    const dearest = (bytes: number): number => {
      let referred = 0;
      while (isWorthIt(policy, { bytes, out: MiB }, referred + 1)) referred++;
      return referred;
    };
    expect(dearest(65_536)).toBeLessThan(10);
    expect(dearest(130_000)).toBeGreaterThan(150);
    expect(dearest(260_000)).toBeGreaterThan(4 * dearest(130_000));
  });

  test("ends a span that has become too long in any case", () => {
    expect(isForced(policy, { bytes: 5, out: 2 * MiB - 1 })).toBe(false);
    expect(isForced(policy, { bytes: 5, out: 2 * MiB })).toBe(true);
  });

  test("takes starts that need no window when they are not too close", () => {
    expect(isWorthStarting(policy, { bytes: 700, out: 3000 }, undefined)).toBe(false);
    expect(isWorthStarting(policy, { bytes: 70_000, out: 3000 }, undefined)).toBe(true);
    expect(isWorthStarting(policy, { bytes: 70_000, out: 0 }, undefined)).toBe(false);
    expect(isWorthStarting(policy, { bytes: 700, out: 1.5 * MiB }, undefined)).toBe(true);
    expect(isWorthStarting(policy, { bytes: 700, out: 1.5 * MiB }, 3000)).toBe(false);
    expect(isWorthStarting(policy, { bytes: 700, out: 3000 }, 4 * MiB)).toBe(true);
  });

  test("puts everything closer when less is allowed between", () => {
    const close = policyFor(MiB / 2);
    expect(close.maxOut).toBe(MiB / 2);
    expect(close.minBytes).toBeLessThan(policy.minBytes);
    expect(isWorthIt(policy, { bytes: 66_000, out: MiB }, 900)).toBe(false);
    expect(isWorthIt(close, { bytes: 66_000, out: MiB }, 900)).toBe(true);
  });
});
