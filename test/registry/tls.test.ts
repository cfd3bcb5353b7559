import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { digestOf } from "../../src/formats/oci/digest.ts";
import { defaultTimeLimits, send } from "../../src/registry/send.ts";
import { openOrigin } from "../../src/stores/open-origin.ts";
import { failing } from "../support/failing.ts";
import { collect, runTool, temporaryDirectory } from "../support/tiny-image.ts";

/** A server whose certificate nobody vouches for. */

const directory = temporaryDirectory();
const layer = Buffer.from("a layer");
let server: ReturnType<typeof Bun.serve>;
beforeAll(() => {
  const [key, cert] = [join(directory.path, "key.pem"), join(directory.path, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-days", "1", "-keyout", key, "-out", cert];
  runTool("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", ...subject);
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { key: Bun.file(key), cert: Bun.file(cert) },
    fetch: () => new Response(layer),
  });
});
afterAll(async () => {
  await server.stop(true);
  directory.remove();
});

const get = (url: string) =>
  send(
    { method: "GET", url: new URL(url), headers: {} },
    { limits: defaultTimeLimits, insecure: false },
  );

test("is refused for good, and the message says what --insecure does", async () => {
  const error = await failing("UNREACHABLE", () => get(`https://127.0.0.1:${server.port}/`));
  expect(error.message).toContain("certificate");
  expect(error.message).toContain("--insecure");
  expect(error.data.retryable).toBe(false);
});

test("is read from with insecure, over TLS", async () => {
  const reference = `127.0.0.1:${server.port}/a/b`;
  const origin = openOrigin({ kind: "registry", reference, insecure: true }, { env: {} });
  const descriptor = { mediaType: "", digest: digestOf(layer), size: layer.length };
  expect((await collect(origin.blob(descriptor).read(0, layer.length))).equals(layer)).toBe(true);
});

test("plain HTTP where TLS was asked for says so", async () => {
  const plain = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("x") });
  const error = await failing("UNREACHABLE", () => get(`https://127.0.0.1:${plain.port}/`));
  expect(error.message).toContain("does not speak TLS");
  await plain.stop(true);
});
