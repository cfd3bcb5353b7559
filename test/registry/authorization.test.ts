import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ClipError } from "../../src/errors.ts";
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
  temporaryDirectory,
  tinyImage,
  writeLayout,
} from "../support/tiny-image.ts";
import { startTokenService, type TokenServiceOptions } from "../support/token-service.ts";

/** Tokens and passwords, before Debian's docker-registry. */

const directory = temporaryDirectory();
const user = { name: "ann", password: "pass:wörd" };
const openProxies: TestProxy[] = [];
let open: DockerRegistry;
let locked: DockerRegistry;
let layer: Uint8Array;
let descriptor: Descriptor;

beforeAll(async () => {
  const tiny = tinyImage(directory.path);
  layer = tiny.layers[1]!;
  descriptor = { mediaType: "", digest: digestOf(layer), size: layer.length };
  const layout = join(directory.path, "layout");
  writeLayout(tiny.image, layout);
  open = await startDockerRegistry(join(directory.path, "open"));
  locked = await startDockerRegistry(join(directory.path, "locked"), { user });
  const copy = ["skopeo", "copy", "-q", "--dest-tls-verify=false"];
  runTool(...copy, `oci:${layout}:v1`, `docker://${open.host}/test/app:v1`);
  const login = ["--dest-creds", `${user.name}:${user.password}`];
  runTool(...copy, ...login, `oci:${layout}:v1`, `docker://${locked.host}/test/app:v1`);
});
afterEach(async () => {
  for (const proxy of openProxies.splice(0)) await proxy.stop();
});
afterAll(async () => {
  await open.stop();
  await locked.stop();
  directory.remove();
});

/** An environment whose Docker configuration has that content. */
let environments = 0;
function environment(config: unknown): Record<string, string> {
  const path = join(directory.path, `docker-${environments++}`);
  mkdirSync(path);
  writeFileSync(join(path, "config.json"), JSON.stringify(config));
  return { DOCKER_CONFIG: path };
}

const authOf = ({ name, password }: typeof user) => ({
  auth: Buffer.from(`${name}:${password}`).toString("base64"),
});

const optionsWith = (env: Record<string, string>): OriginOptions => ({
  retry: { attempts: 2, baseMs: 1, capMs: 2, retryAfterCapMs: 2 },
  env,
});

const blobAt = (host: string, env: Record<string, string> = {}): LayerBlob =>
  openOrigin({ kind: "registry", reference: `${host}/test/app:v1` }, optionsWith(env)).blob(
    descriptor,
  );

const expectBytes = async (blob: LayerBlob, offset = 0): Promise<void> => {
  const bytes = await collect(blob.read(offset, 10));
  expect(bytes.equals(layer.subarray(offset, offset + 10))).toBe(true);
};

/** The open registry behind a proxy that wants tokens. */
async function withTokens(options: TokenServiceOptions = {}) {
  const tokens = await startTokenService(options);
  const proxy = await startProxy({ target: open.url, guard: (request) => tokens.guard(request) });
  openProxies.push(tokens.server, proxy);
  return { tokens, proxy };
}

const authorizations = ({ log }: TestProxy) => log.map(({ headers }) => headers.authorization);

describe("tokens", () => {
  test("are fetched anonymously and used again", async () => {
    const { tokens, proxy } = await withTokens();
    const blob = blobAt(proxy.host);
    await expectBytes(blob);
    await expectBytes(blob, 10);
    expect(tokens.issued).toHaveLength(1);
    expect(authorizations(proxy)).toEqual([
      undefined,
      "Bearer secret-token-1",
      "Bearer secret-token-1",
    ]);
    const [asked] = tokens.server.log;
    expect(asked?.path).toBe("/token?service=test&scope=repository%3Atest%2Fapp%3Apull");
    expect(asked?.headers.authorization).toBeUndefined();
  });

  test("are renewed when they have run out", async () => {
    const { tokens, proxy } = await withTokens({ expiresIn: 0.001 });
    const blob = blobAt(proxy.host);
    await expectBytes(blob);
    await expectBytes(blob, 10);
    expect(tokens.issued).toHaveLength(2);
    // The second request had its new token before it was sent.
    expect(proxy.log).toHaveLength(3);
  });

  test("are renewed when the registry takes them no more, once for all who meet that", async () => {
    const { tokens, proxy } = await withTokens();
    const blob = blobAt(proxy.host);
    await expectBytes(blob);
    tokens.revokeAll();
    await Promise.all(Array.from({ length: 8 }, (_, i) => expectBytes(blob, i * 10)));
    expect(tokens.issued).toHaveLength(2);
  });

  test("are renewed in the middle of a blob whose body broke", async () => {
    const { tokens, proxy } = await withTokens();
    proxy.faults.push({ kind: "cut", afterBytes: 1_000_000, times: 1, path: /blobs/ });
    let revoked = false;
    const pieces: Uint8Array[] = [];
    for await (const piece of blobAt(proxy.host).read(0, layer.length)) {
      if (!revoked) tokens.revokeAll();
      revoked = true;
      pieces.push(piece);
    }
    expect(Buffer.concat(pieces).equals(layer)).toBe(true);
    expect(tokens.issued).toHaveLength(2);
  });

  test("are fetched with a password", async () => {
    const { tokens, proxy } = await withTokens({ user });
    const config = { auths: { [proxy.host]: authOf(user) } };
    await expectBytes(blobAt(proxy.host, environment(config)));
    expect(authorizations(tokens.server)).toEqual([`Basic ${authOf(user).auth}`]);
  });

  test("are fetched with an identity token", async () => {
    const { tokens, proxy } = await withTokens({ user, refreshToken: "refresh-me" });
    const config = { auths: { [proxy.host]: { identitytoken: "refresh-me" } } };
    await expectBytes(blobAt(proxy.host, environment(config)));
    expect(Object.fromEntries(new URLSearchParams(tokens.server.log[0]?.body))).toEqual({
      service: "test",
      scope: "repository:test/app:pull",
      grant_type: "refresh_token",
      client_id: "clip",
      refresh_token: "refresh-me",
    });
  });

  test("may be in the configuration as they are", async () => {
    const { tokens, proxy } = await withTokens();
    await expectBytes(blobAt(proxy.host));
    const config = { auths: { [proxy.host]: { registrytoken: tokens.issued[0] } } };
    await expectBytes(blobAt(proxy.host, environment(config)));
    expect(tokens.issued).toHaveLength(1);
  });

  test("that are refused say to log in", async () => {
    const { proxy } = await withTokens({ user });
    const anonymous = await failing("UNAUTHORIZED", () => collect(blobAt(proxy.host).read(0, 1)));
    expect(anonymous.message).toContain("docker login");
    expect(anonymous.exitCode).toBe(5);
    const config = { auths: { [proxy.host]: authOf({ ...user, password: "wrong-secret" }) } };
    const wrong = await failing("UNAUTHORIZED", () =>
      collect(blobAt(proxy.host, environment(config)).read(0, 1)),
    );
    expect(wrong.message).toContain("refuses the credentials");
    expect(wrong.message).not.toContain("wrong-secret");
  });

  test("a registry that never accepts its own tokens is given up", async () => {
    const { tokens, proxy } = await withTokens();
    proxy.faults.push({ kind: "answer", answer: { status: 401 } });
    await failing("UNAUTHORIZED", () => collect(blobAt(proxy.host).read(0, 1)));
    expect(tokens.issued).toHaveLength(1);
  });

  test("a token server that fails for a moment is asked again", async () => {
    const tokens = await startTokenService();
    const flaky = await startProxy({ target: tokens.server.url });
    const realm = `${flaky.url}/token`;
    const named = await startTokenService({ realm });
    const proxy = await startProxy({
      target: open.url,
      // Challenges name the flaky server, tokens are those of the service behind it.
      guard: (request) => tokens.guard(request) && named.guard(request),
    });
    openProxies.push(tokens.server, flaky, named.server, proxy);
    flaky.faults.push({ kind: "answer", answer: { status: 503 }, times: 1 });
    await expectBytes(blobAt(proxy.host));
    expect(flaky.log).toHaveLength(2);
  });
});

describe("passwords", () => {
  test("open a registry with Basic authentication", async () => {
    const env = environment({ auths: { [locked.host]: authOf(user) } });
    await expectBytes(blobAt(locked.host, env));
    const spec = { kind: "registry", reference: `${locked.host}/test/app:v1` } as const;
    const image = await resolveImage(spec, optionsWith(env));
    expect(image.layers).toHaveLength(2);
    expect(JSON.stringify(image.spec)).not.toContain(user.name);
  });

  test("that are missing or wrong are told apart", async () => {
    const none = await failing("UNAUTHORIZED", () => collect(blobAt(locked.host).read(0, 1)));
    expect(none.message).toContain(`docker login ${locked.host}`);
    const env = environment({
      auths: { [locked.host]: authOf({ ...user, password: "nope-secret" }) },
    });
    const wrong = await failing("UNAUTHORIZED", () => collect(blobAt(locked.host, env).read(0, 1)));
    expect(wrong.message).toContain("refuses the credentials");
    expect(`${wrong.message}${JSON.stringify(wrong.data)}`).not.toMatch(/nope-secret|Basic/);
  });
});

describe("secrets stay where they belong", () => {
  test.each(["token", "password"])(
    "a %s does not follow a redirect to another host",
    async (kind) => {
      const storage = await startProxy({ target: open.url });
      openProxies.push(storage);
      let proxy: TestProxy;
      let env: Record<string, string>;
      if (kind === "token") {
        ({ proxy } = await withTokens({ user }));
        env = environment({ auths: { [proxy.host]: authOf(user) } });
      } else {
        proxy = await startProxy({ target: locked.url });
        openProxies.push(proxy);
        env = environment({ auths: { [proxy.host]: authOf(user) } });
      }
      // docker-registry itself does not redirect here, so the proxy does, after the registry has let the request in.
      const blob = blobAt(proxy.host, env);
      const challenge = { status: 401, headers: { "www-authenticate": 'Basic realm="x"' } };
      if (kind === "password") proxy.faults.push({ kind: "answer", answer: challenge, times: 1 });
      proxy.faults.push({ kind: "redirect", to: storage.url, query: "sig=abc", path: /blobs/ });
      await expectBytes(blob);
      await expectBytes(blob, 10);
      expect(authorizations(proxy).at(-1)).toMatch(kind === "token" ? /^Bearer / : /^Basic /);
      expect(authorizations(storage)).toEqual([undefined, undefined]);
    },
  );

  test("nor does it come back after a detour", async () => {
    const { proxy } = await withTokens();
    const storage = await startProxy({ target: open.url });
    openProxies.push(storage);
    storage.faults.push({ kind: "redirect", to: proxy.url });
    proxy.faults.push({ kind: "redirect", to: storage.url, path: /blobs/, times: 1 });
    await failing("UNAUTHORIZED", () => collect(blobAt(proxy.host).read(0, 1)));
    expect(authorizations(proxy).at(-1)).toBeUndefined();
  });

  test("and none is in any error", async () => {
    const { proxy } = await withTokens({ user });
    const env = environment({ auths: { [proxy.host]: authOf(user) } });
    for (const status of [400, 403, 404, 429, 500]) {
      // A server that repeats what it was sent.
      const body = JSON.stringify({
        errors: [
          { code: "DENIED", message: `Authorization: Basic ${authOf(user).auth} secret-token-1` },
        ],
      });
      proxy.faults.unshift({ kind: "answer", answer: { status, body } });
      const error: unknown = await collect(blobAt(proxy.host, env).read(0, 1)).catch((e) => e);
      expect((error as ClipError).data.status).toBe(status);
      const shown = Bun.inspect(error);
      expect(shown).not.toContain("secret-token");
      expect(shown).not.toContain(authOf(user).auth);
      expect(shown).not.toContain(user.password);
    }
  });
});
