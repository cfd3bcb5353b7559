import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { digestOf } from "../../src/formats/oci/digest.ts";
import {
  type RegistryServer,
  type ServeOptions,
  serveRegistry,
} from "../../src/registry/server.ts";
import { resolveImage } from "../../src/stores/resolve-image.ts";
import { failing } from "../support/failing.ts";
import {
  collect,
  runTool,
  type TinyImage,
  temporaryDirectory,
  tinyImage,
  writeLayout,
} from "../support/tiny-image.ts";

/** The registry in this process, seen by clip, by skopeo and by plain HTTP. */

const directory = temporaryDirectory();
let tiny: TinyImage;
let server: RegistryServer | undefined;
beforeAll(() => {
  tiny = tinyImage(directory.path);
  writeLayout(tiny.image, join(directory.path, "layout"));
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
});
afterAll(() => directory.remove());

const serve = (options: Partial<ServeOptions> = {}): RegistryServer => {
  server = serveRegistry({ layout: tiny.image, ...options });
  return server;
};

test.each(["memory", "layout"])("clip reads an image from it (%s)", async (kind) => {
  const { host, stats } = serve(
    kind === "layout" ? { layout: join(directory.path, "layout") } : {},
  );
  for (const tag of kind === "layout" ? ["v1", "latest"] : ["v1"]) {
    const spec = { kind: "registry", reference: `${host}/any/name:${tag}` } as const;
    const image = await resolveImage(spec, { env: {} });
    const [, layer] = image.layers;
    const before = stats.blobBytes;
    const bytes = await collect(image.origin.blob(layer!).read(1000, 5000));
    expect(bytes.equals(tiny.layers[1]!.subarray(1000, 6000))).toBe(true);
    expect(stats.blobBytes - before).toBe(5000);
    await image.origin.check(layer!);
  }
});

test("skopeo copies an image from it", () => {
  const { host } = serve({ layout: join(directory.path, "layout") });
  // In another process, while this one serves.
  const copied = join(directory.path, "copied");
  const child = Bun.spawn(
    [
      "skopeo",
      "copy",
      "-q",
      "--src-tls-verify=false",
      `docker://${host}/a/b:v1`,
      `oci:${copied}:v1`,
    ],
    { stderr: "inherit" },
  );
  return child.exited.then((status) => {
    expect(status).toBe(0);
    const [from, to] = [join(directory.path, "layout"), copied];
    expect(runTool("diff", "-r", join(from, "blobs"), join(to, "blobs"))).toBe("");
  });
});

test("ranges, as RFC 9110 has them", async () => {
  const { url } = serve();
  const layer = tiny.layers[0]!;
  const { length } = layer;
  const at = `${url}/v2/a/blobs/${digestOf(layer)}`;
  const table: [string, number, number, number][] = [
    ["bytes=0-9", 206, 0, 10],
    ["bytes=5-5", 206, 5, 6],
    ["bytes=5-", 206, 5, length],
    ["bytes=-5", 206, length - 5, length],
    [`bytes=-${length + 5}`, 206, 0, length],
    [`bytes=5-${length + 5}`, 206, 5, length],
    ["bytes=5-4", 200, 0, length],
    ["items=0-1", 200, 0, length],
    ["bytes=0-1,3-4", 200, 0, length],
    [`bytes=${length}-`, 416, 0, 0],
    ["bytes=-0", 416, 0, 0],
  ];
  for (const [range, status, from, to] of table) {
    const answer = await fetch(at, { headers: { range } });
    expect([range, answer.status]).toEqual([range, status]);
    expect(Buffer.from(await answer.bytes()).equals(layer.subarray(from, to))).toBe(true);
    const told = answer.headers.get("content-range");
    if (status === 206) expect(told).toBe(`bytes ${from}-${to - 1}/${length}`);
    if (status === 416) expect(told).toBe(`bytes */${length}`);
  }
});

test("HEAD, what is not there, and paths that lead elsewhere", async () => {
  const { url } = serve({ layout: join(directory.path, "layout") });
  const digest = digestOf(tiny.layers[1]!);
  const head = await fetch(`${url}/v2/a/b/blobs/${digest}`, { method: "HEAD" });
  expect(head.headers.get("content-length")).toBe(`${tiny.layers[1]!.length}`);
  const manifest = await fetch(`${url}/v2/a/manifests/v1`);
  expect(manifest.headers.get("content-type")).toBe("application/vnd.oci.image.manifest.v1+json");
  for (const path of [
    "/",
    "/v2/a/blobs/sha256:..%2f..%2fx",
    "/v2/a/manifests/v2",
    "/v2/a/blobs/../x",
  ]) {
    expect((await fetch(url + path)).status).toBe(404);
  }
});

test("bandwidth is shared by all connections, and latency is added", async () => {
  const bytesPerSecond = 20_000_000;
  const { url, stats } = serve({ bytesPerSecond, latencyMs: 30 });
  const at = `${url}/v2/a/blobs/${digestOf(tiny.layers[1]!)}`;
  const startedAt = performance.now();
  await Promise.all([1, 2, 3].map(async () => (await fetch(at)).bytes()));
  const took = performance.now() - startedAt;
  const least = (stats.bytes / bytesPerSecond) * 1000;
  expect(stats.bytes).toBe(3 * tiny.layers[1]!.length);
  // Never faster than the link. How much slower depends on the machine.
  expect(took).toBeGreaterThan(least);
  const again = performance.now();
  await fetch(at, { method: "HEAD" });
  expect(performance.now() - again).toBeGreaterThanOrEqual(29);
});

test("a directory that is no layout is refused", async () => {
  await failing("FILE_NOT_FOUND", () => serveRegistry({ layout: join(directory.path, "small") }));
});
