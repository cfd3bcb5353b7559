import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { digestOf } from "../../src/formats/oci/digest.ts";
import { type OriginOptions, openOrigin } from "../../src/stores/open-origin.ts";
import type { Descriptor, Blob as LayerBlob } from "../../src/stores/origin.ts";
import { resolveImage } from "../../src/stores/resolve-image.ts";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { failing } from "../support/failing.ts";
import { startProxy, type TestProxy } from "../support/proxy.ts";
import {
  collect,
  runTool,
  type TinyImage,
  temporaryDirectory,
  tinyImage,
  writeLayout,
} from "../support/tiny-image.ts";

/** Every fault of a network, between the client and Debian's docker-registry. */

const directory = temporaryDirectory();
const options: OriginOptions = {
  retry: { attempts: 4, baseMs: 1, capMs: 5, retryAfterCapMs: 20 },
  limits: { headersMs: 400, stallMs: 400 },
  env: {},
};
let registry: DockerRegistry;
let proxy: TestProxy;
let elsewhere: TestProxy;
let tiny: TinyImage;
let layer: Uint8Array;
let descriptor: Descriptor;

beforeAll(async () => {
  tiny = tinyImage(directory.path);
  layer = tiny.layers[1]!;
  descriptor = { mediaType: "", digest: digestOf(layer), size: layer.length };
  writeLayout(tiny.image, join(directory.path, "layout"));
  registry = await startDockerRegistry(join(directory.path, "registry"));
  const [from, to] = [`oci:${directory.path}/layout:v1`, `docker://${registry.host}/test/app:v1`];
  runTool("skopeo", "copy", "-q", "--dest-tls-verify=false", from, to);
  proxy = await startProxy({ target: registry.url });
  elsewhere = await startProxy({ target: registry.url });
});
afterAll(async () => {
  await proxy.stop();
  await elsewhere.stop();
  await registry.stop();
  directory.remove();
});
beforeEach(() => {
  proxy.reset();
  elsewhere.reset();
});

const spec = () => ({ kind: "registry", reference: `${proxy.host}/test/app:v1` }) as const;
const blob = (): LayerBlob => openOrigin(spec(), options).blob(descriptor);
const ranges = (seen: TestProxy): (string | undefined)[] =>
  seen.log.map(({ headers }) => headers.range);

test("resolves an image and pins it", async () => {
  const image = await resolveImage(spec(), { ...options, platform: "linux/amd64" });
  expect(image.layers.map(({ digest }) => digest)).toEqual(
    tiny.layers.map((bytes) => digestOf(bytes)),
  );
  expect(image.diffIds).toEqual(tiny.tars.map((bytes) => digestOf(bytes)));
  expect(digestOf(image.manifest)).toBe(image.manifestDescriptor.digest);
  const reference = `${proxy.host}/test/app:v1@${image.manifestDescriptor.digest}`;
  expect(image.spec).toEqual({ kind: "registry", reference });
  const again = await resolveImage(image.spec, options);
  expect(again.manifestDescriptor).toEqual(image.manifestDescriptor);
});

test("reads ranges, and fetches only those", async () => {
  let requests = 0;
  const bytes = await collect(blob().read(1000, 5000, { onRequest: () => requests++ }));
  expect(bytes.equals(layer.subarray(1000, 6000))).toBe(true);
  expect(ranges(proxy)).toEqual(["bytes=1000-5999"]);
  expect(proxy.counters.bytes).toBe(5000);
  expect(requests).toBe(1);
  expect(await collect(blob().read(77, 0))).toHaveLength(0);
  expect(proxy.log).toHaveLength(1);
  expect((await collect(blob().read(0, layer.length))).equals(layer)).toBe(true);
  expect(async () => collect(blob().read(1, layer.length))).toThrow(RangeError);
});

test("many readers at once stay below the limit of the host", async () => {
  const origin = openOrigin(spec(), { ...options, perHost: 2 });
  const reads = Array.from({ length: 10 }, (_, i) =>
    collect(origin.blob(descriptor).read(i * 1000, 1000)),
  );
  expect(Buffer.concat(await Promise.all(reads)).equals(layer.subarray(0, 10_000))).toBe(true);
});

describe("a cut body", () => {
  /** Bun's client may drop this much of what had arrived (see ranged-read.ts). */
  const dropped = 512 * 1024;
  const startOf = ({ headers }: { headers: Readonly<Record<string, string | undefined>> }) =>
    Number(/=(\d+)-/.exec(headers.range!)![1]);

  test("is resumed after the last byte that got here, not from its start", async () => {
    proxy.faults.push({ kind: "cut", afterBytes: 1_000_000, times: 2 });
    const retries: string[] = [];
    const bytes = await collect(
      blob().read(10, 2_500_000, { onRetry: (reason) => retries.push(reason) }),
    );
    expect(bytes.equals(layer.subarray(10, 2_500_010))).toBe(true);
    const [first, second, third] = proxy.log.map(startOf) as [number, number, number];
    expect(proxy.log).toHaveLength(3);
    expect(retries).toHaveLength(2);
    expect(first).toBe(10);
    for (const [before, after] of [
      [first, second],
      [second, third],
    ] as const) {
      expect(after).toBeLessThanOrEqual(before + 1_000_000);
      expect(after).toBeGreaterThan(before + 1_000_000 - dropped);
    }
  });

  test("that never gets on ends in an error, in bounded time", async () => {
    proxy.faults.push({ kind: "cut", afterBytes: 10 });
    const error = await failing("UNREACHABLE", () => collect(blob().read(0, 100_000)));
    expect(error.data.retryable).toBe(true);
    expect(proxy.log).toHaveLength(4);
  });

  test("may be cut as often as it likes while it gets on", async () => {
    proxy.faults.push({ kind: "cut", afterBytes: 600_000 });
    const impatient = { ...options, retry: { ...options.retry!, attempts: 2 } };
    const read = openOrigin(spec(), impatient).blob(descriptor).read(0, layer.length);
    expect((await collect(read)).equals(layer)).toBe(true);
    // Two attempts would never have been enough without counting afresh.
    expect(proxy.log.length).toBeGreaterThan(4);
  });
});

describe("statuses that pass", () => {
  test.each([429, 500, 502, 503, 504])("%p is tried again", async (status) => {
    const answer = { status, headers: { "retry-after": "1" } };
    proxy.faults.push({ kind: "answer", answer, times: 3 });
    const bytes = await collect(blob().read(0, 10));
    expect(bytes.equals(layer.subarray(0, 10))).toBe(true);
    expect(proxy.log).toHaveLength(4);
  });

  test("too many of them end in an error that keeps the registry's code", async () => {
    const body = '{"errors":[{"code":"TOOMANYREQUESTS","message":"Bearer abc"}]}';
    proxy.faults.push({ kind: "answer", answer: { status: 429, body } });
    const error = await failing("TOO_MANY_REQUESTS", () => collect(blob().read(0, 10)));
    expect(error.data).toMatchObject({
      method: "GET",
      url: `${proxy.url}/v2/test/app/blobs/${descriptor.digest}`,
      status: 429,
      registryCode: "TOOMANYREQUESTS",
      retryable: true,
    });
    expect(error.message).not.toContain("abc");
  });

  test.each([
    [400, "REGISTRY_ERROR"],
    [403, "FORBIDDEN"],
    [404, "LAYER_NOT_FOUND"],
    [501, "REGISTRY_ERROR"],
  ] as const)("%p is not tried again", async (status, code) => {
    proxy.faults.push({ kind: "answer", answer: { status } });
    await failing(code, () => collect(blob().read(0, 10)));
    expect(proxy.log).toHaveLength(1);
  });

  test("an image that is not there", async () => {
    const reference = `${proxy.host}/test/app:no-such-tag`;
    const error = await failing("IMAGE_NOT_FOUND", () =>
      resolveImage({ kind: "registry", reference }, options),
    );
    expect(error.message).toContain("no-such-tag");
    expect(error.data.registryCode).toBe("MANIFEST_UNKNOWN");
  });
});

describe("time limits", () => {
  test("a stalled body is given up and resumed", async () => {
    proxy.faults.push({ kind: "stall", afterBytes: 70_000, times: 1 });
    const bytes = await collect(blob().read(0, 100_000));
    expect(bytes.equals(layer.subarray(0, 100_000))).toBe(true);
    expect(ranges(proxy)).toEqual(["bytes=0-99999", "bytes=70000-99999"]);
  });

  test("a server that never answers is a TIMEOUT", async () => {
    proxy.faults.push({ kind: "silence" });
    const hasty = { ...options, limits: { headersMs: 50, stallMs: 50 } };
    const error = await failing("TIMEOUT", () =>
      collect(openOrigin(spec(), hasty).blob(descriptor).read(0, 10)),
    );
    expect(error.message).toContain("no answer");
    expect(proxy.log).toHaveLength(4);
  });

  test("a slow reader is no stall", async () => {
    const hasty = { ...options, limits: { headersMs: 300, stallMs: 60 } };
    let length = 0;
    let slow = true;
    for await (const piece of openOrigin(spec(), hasty).blob(descriptor).read(0, layer.length)) {
      if (slow) await Bun.sleep(150);
      slow = false;
      length += piece.length;
    }
    expect(length).toBe(layer.length);
    expect(proxy.log).toHaveLength(1);
  });

  test.each(["silence", "stall"] as const)("a signal ends a read at once (%s)", async (kind) => {
    proxy.faults.push({ kind, afterBytes: 10 });
    const patient = { ...options, limits: { headersMs: 60_000, stallMs: 60_000 } };
    const controller = new AbortController();
    const reading = collect(
      openOrigin(spec(), patient).blob(descriptor).read(0, 1000, { signal: controller.signal }),
    );
    setTimeout(() => controller.abort(), 50);
    await failing("INTERRUPTED", () => reading);
    expect(proxy.log).toHaveLength(1);
  });
});

test("broken and refused connections are tried again, then reported", async () => {
  proxy.faults.push({ kind: "hangup", times: 2 });
  expect(await collect(blob().read(0, 10))).toHaveLength(10);
  const gone = openOrigin({ kind: "registry", reference: "127.0.0.1:1/a/b" }, options);
  let retries = 0;
  const error = await failing("UNREACHABLE", () =>
    collect(gone.blob(descriptor).read(0, 10, { onRetry: () => retries++ })),
  );
  expect(retries).toBe(3);
  expect(error.message).toContain("127.0.0.1:1");
});

describe("servers that ignore Range", () => {
  test("are read through where that is cheap", async () => {
    proxy.faults.push({ kind: "ignore-range" });
    const bytes = await collect(blob().read(1_000_000, 1000));
    expect(bytes.equals(layer.subarray(1_000_000, 1_001_000))).toBe(true);
  });

  test("are refused where it is not", async () => {
    proxy.faults.push({ kind: "ignore-range" });
    const size = 50_000_000;
    const huge = openOrigin(spec(), options).blob({ ...descriptor, size });
    // The length differs, so the registry's copy cannot be the layer that is meant.
    await failing("SIZE_MISMATCH", () => collect(huge.read(20_000_000, 10)));
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response(new Uint8Array(size)),
    });
    const reference = `127.0.0.1:${server.port}/a/b`;
    const origin = openOrigin({ kind: "registry", reference }, options);
    const read = () => collect(origin.blob({ ...descriptor, size }).read(20_000_000, 10));
    await failing("NO_RANGE_SUPPORT", read);
    await server.stop(true);
  });
});

describe("answers that lie", () => {
  test("a range that starts elsewhere is refused", async () => {
    const headers = { "content-range": `bytes 0-9/${layer.length}` };
    proxy.faults.push({ kind: "answer", answer: { status: 206, headers, body: "0123456789" } });
    await failing("REGISTRY_ERROR", () => collect(blob().read(10, 10)));
  });

  test("a shorter range than asked for is continued", async () => {
    const headers = { "content-range": `bytes 0-4/${layer.length}` };
    const body = "xxxxx";
    proxy.faults.push({ kind: "answer", answer: { status: 206, headers, body }, times: 1 });
    const bytes = await collect(blob().read(0, 10));
    expect(bytes.subarray(5).equals(layer.subarray(5, 10))).toBe(true);
    expect(ranges(proxy)).toEqual(["bytes=0-9", "bytes=5-9"]);
  });

  test("more than asked for is cut off", async () => {
    const headers = { "content-range": `bytes 0-4/${layer.length}` };
    const body = "abcdefghij";
    proxy.faults.push({ kind: "answer", answer: { status: 206, headers, body } });
    expect((await collect(blob().read(0, 5))).toString()).toBe("abcde");
  });

  test("a layer of another length is told", async () => {
    const longer = openOrigin(spec(), options).blob({ ...descriptor, size: layer.length + 5 });
    await failing("SIZE_MISMATCH", () => collect(longer.read(0, 10)));
    await failing("SIZE_MISMATCH", () => collect(longer.read(layer.length, 5)));
  });

  test("a manifest or configuration with other bytes is refused", async () => {
    const body = '{"schemaVersion":2}';
    const headers = { "content-type": "application/vnd.oci.image.manifest.v1+json" };
    const answer = { status: 200, headers, body };
    const digest = `sha256:${"0".repeat(64)}`;
    proxy.faults.push({ kind: "answer", answer });
    const reference = `${proxy.host}/test/app@${digest}`;
    await failing("DIGEST_MISMATCH", () => resolveImage({ kind: "registry", reference }, options));
    proxy.reset();
    proxy.faults.push({ kind: "answer", answer, path: /blobs/ });
    await failing("DIGEST_MISMATCH", () => resolveImage(spec(), options));
  });

  test("a manifest without end is not read to its end", async () => {
    const body = " ".repeat(5 * 1024 * 1024);
    proxy.faults.push({ kind: "answer", answer: { status: 200, body } });
    await failing("LIMIT_EXCEEDED", () => resolveImage(spec(), options));
  });
});

describe("check", () => {
  test("tells whether a layer is there, without downloading it", async () => {
    const origin = openOrigin(spec(), options);
    await origin.check(descriptor);
    expect(proxy.log.map(({ method }) => method)).toEqual(["HEAD"]);
    await failing("SIZE_MISMATCH", () => origin.check({ ...descriptor, size: 5 }));
    const digest = `sha256:${"0".repeat(64)}`;
    await failing("LAYER_NOT_FOUND", () => origin.check({ ...descriptor, digest }));
  });

  test("does without HEAD", async () => {
    proxy.faults.push({ kind: "answer", answer: { status: 405 }, method: "HEAD" });
    await openOrigin(spec(), options).check(descriptor);
    expect(ranges(proxy)).toEqual([undefined, "bytes=0-0"]);
    expect(proxy.counters.bytes).toBe(1);
  });
});

describe("redirects", () => {
  const redirect = (times?: number) => ({
    kind: "redirect" as const,
    // Another port is another origin.
    to: elsewhere.url,
    query: "X-Signature=very-secret",
    path: /blobs/,
    ...(times !== undefined && { times }),
  });

  test("are followed, and asked directly from then on", async () => {
    proxy.faults.push(redirect());
    const reader = blob();
    expect((await collect(reader.read(0, 10))).equals(layer.subarray(0, 10))).toBe(true);
    expect((await collect(reader.read(10, 10))).equals(layer.subarray(10, 20))).toBe(true);
    expect(proxy.log).toHaveLength(1);
    expect(ranges(elsewhere)).toEqual(["bytes=0-9", "bytes=10-19"]);
  });

  test("lead back to the registry when the signed URL has run out", async () => {
    proxy.faults.push(redirect());
    const reader = blob();
    await collect(reader.read(0, 10));
    elsewhere.faults.push({ kind: "answer", answer: { status: 403 }, times: 1 });
    expect((await collect(reader.read(10, 10))).equals(layer.subarray(10, 20))).toBe(true);
    expect(proxy.log).toHaveLength(2);
  });

  test("errors behind them hold no signature", async () => {
    proxy.faults.push(redirect());
    elsewhere.faults.push({ kind: "answer", answer: { status: 403 } });
    const error = await failing("FORBIDDEN", () => collect(blob().read(0, 10)));
    expect(`${error.message} ${JSON.stringify(error.data)}`).not.toContain("secret");
    expect(error.data.url).toBe(`${elsewhere.url}/v2/test/app/blobs/${descriptor.digest}?…`);
  });

  test("that never end, or lead nowhere, are given up", async () => {
    proxy.faults.push({ kind: "redirect", to: proxy.url });
    const error = await failing("REGISTRY_ERROR", () => collect(blob().read(0, 10)));
    expect(error.message).toContain("redirects");
    expect(proxy.log).toHaveLength(11);
    for (const location of ["", "ftp://h/x", "http://[", "javascript:1"]) {
      proxy.reset();
      proxy.faults.push({ kind: "answer", answer: { status: 302, headers: { location } } });
      await failing("REGISTRY_ERROR", () => collect(blob().read(0, 10)));
    }
  });
});

test("reads again once the registry is back, without a new origin", async () => {
  const reader = blob();
  expect(await collect(reader.read(0, 10))).toHaveLength(10);
  const port = Number(registry.host.split(":")[1]);
  await registry.stop();
  proxy.reset();
  await failing("UNREACHABLE", () => collect(reader.read(10, 10)));
  registry = await startDockerRegistry(join(directory.path, "registry"), { port });
  expect((await collect(reader.read(10, 10))).equals(layer.subarray(10, 20))).toBe(true);
});

test("insecure: plain HTTP where nothing answers TLS", async () => {
  const origin = openOrigin({ ...spec(), insecure: true }, options);
  expect(await collect(origin.blob(descriptor).read(0, 10))).toHaveLength(10);
});
