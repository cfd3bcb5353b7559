import { describe, expect, test } from "bun:test";
import { httpFailure } from "../../src/registry/failure.ts";
import { createHostSlots } from "../../src/registry/host-slots.ts";
import { parseContentRange } from "../../src/registry/ranged-read.ts";
import { createRetrier, parseRetryAfter } from "../../src/registry/retry.ts";
import { isLoopback, redactUrl } from "../../src/registry/url.ts";
import { failing } from "../support/failing.ts";

test("Retry-After in seconds or as a date", () => {
  const now = Date.parse("Tue, 24 Nov 2026 12:00:00 GMT");
  expect(parseRetryAfter("7", now)).toBe(7000);
  expect(parseRetryAfter(" 0 ", now)).toBe(0);
  expect(parseRetryAfter("Tue, 24 Nov 2026 12:00:30 GMT", now)).toBe(30_000);
  expect(parseRetryAfter("Tue, 24 Nov 2026 11:00:00 GMT", now)).toBe(0);
  for (const nonsense of [null, "", "-1", "soon", "1e9", "99999999999999"]) {
    expect(parseRetryAfter(nonsense, now)).toBeUndefined();
  }
});

test("Content-Range", () => {
  expect(parseContentRange("bytes 5-9/20")).toEqual({ start: 5, end: 9, total: 20 });
  expect(parseContentRange("bytes 5-9/*")).toEqual({ start: 5, end: 9 });
  for (const nonsense of [null, "", "bytes 9-5/20", "bytes */20", "items 1-2/3", "bytes -1-2/3"]) {
    expect(parseContentRange(nonsense)).toBeUndefined();
  }
});

test("URLs in messages hold neither userinfo nor query values", () => {
  expect(redactUrl(new URL("https://u:p@h.io:8443/a/b?X-Sig=secret#f"))).toBe(
    "https://h.io:8443/a/b?…",
  );
});

test.each([
  ["localhost", true],
  ["a.localhost", true],
  ["127.0.0.1", true],
  ["127.8.9.1", true],
  ["[::1]", true],
  ["127.0.0.1.evil.io", false],
  ["localhost.evil.io", false],
  ["0.0.0.0", false],
  ["[::2]", false],
])("%s is this machine: %p", (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

describe("retrying", () => {
  const asked = { method: "GET", url: new URL("http://h/") };
  const failure = (retryable: boolean, retryAfterMs?: number) =>
    httpFailure("UNREACHABLE", asked, "broke", {
      retryable,
      ...(retryAfterMs && { retryAfterMs }),
    });
  const policy = { attempts: 3, baseMs: 1, capMs: 2, retryAfterCapMs: 5 };

  test("stops after the last attempt with the last error", async () => {
    const reasons: string[] = [];
    const retrier = createRetrier(policy, { onRetry: (reason) => reasons.push(reason) });
    await retrier.afterFailure(failure(true));
    await retrier.afterFailure(failure(true));
    const last = failure(true);
    expect(await failing("UNREACHABLE", () => retrier.afterFailure(last))).toBe(last);
    expect(reasons).toHaveLength(2);
  });

  test("counts afresh after progress", async () => {
    const retrier = createRetrier(policy);
    for (let i = 0; i < 6; i++) {
      await retrier.afterFailure(failure(true));
      retrier.progressed();
    }
  });

  test("does not repeat what cannot succeed", async () => {
    await failing("UNREACHABLE", () => createRetrier(policy).afterFailure(failure(false)));
  });

  test("grants Retry-After up to the bound, and ends at once when it is interrupted", async () => {
    const startedAt = performance.now();
    await createRetrier(policy).afterFailure(failure(true, 3_600_000));
    expect(performance.now() - startedAt).toBeLessThan(1000);
    const controller = new AbortController();
    const patient = { ...policy, retryAfterCapMs: 3_600_000 };
    const waiting = createRetrier(patient, { signal: controller.signal }).afterFailure(
      failure(true, 3_600_000),
    );
    controller.abort();
    await failing("INTERRUPTED", () => waiting);
  });
});

describe("slots of a host", () => {
  test("are given first come, first served, and hosts do not wait for one another", async () => {
    const slots = createHostSlots(2);
    const order: number[] = [];
    const first = await slots.take("a");
    await slots.take("a");
    const third = slots.take("a").then(() => order.push(3));
    const fourth = slots.take("a").then((release) => {
      order.push(4);
      return release;
    });
    (await slots.take("b"))();
    expect(order).toEqual([]);
    first();
    first();
    await third;
    await Promise.resolve();
    expect(order).toEqual([3]);
    const another = slots.take("a");
    expect(await Promise.race([fourth, another, Promise.resolve("waiting")])).toBe("waiting");
  });

  test("waiting ends with the signal", async () => {
    const slots = createHostSlots(1);
    const release = await slots.take("a");
    const controller = new AbortController();
    const waiting = slots.take("a", controller.signal);
    controller.abort();
    await failing("INTERRUPTED", () => waiting);
    release();
    (await slots.take("a"))();
  });
});
