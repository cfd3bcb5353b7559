import { describe, expect, test } from "bun:test";
import type { Credentials } from "../../src/registry/auth-file.ts";
import { parseChallenges } from "../../src/registry/challenge.ts";
import type { HttpClient } from "../../src/registry/http-client.ts";
import type { HttpRequest } from "../../src/registry/send.ts";
import { fetchToken } from "../../src/registry/token.ts";
import { failing } from "../support/failing.ts";

/** Which servers may be asked for tokens, and so be shown credentials. No network: the client only records. */

const credentials: Credentials = { kind: "password", username: "ann", password: "secret" };

async function ask(registry: string, realm: string, insecure: boolean, body = '{"token":"t"}') {
  const requests: HttpRequest[] = [];
  const http: HttpClient = {
    async exchange(request) {
      requests.push(request);
      return {
        request,
        status: 200,
        headers: new Headers(),
        elsewhere: false,
        async *chunks() {
          yield Buffer.from(body);
        },
        async close() {},
      };
    },
  };
  const [challenge] = parseChallenges(`Bearer realm="${realm}",service="s"`);
  const token = await fetchToken(http, new URL(registry), challenge!, "scope", credentials, {
    insecure,
  });
  return { token, requests };
}

describe("realms that are asked", () => {
  test.each([
    ["https://r.io/", "https://auth.r.io/token", false],
    ["https://registry-1.docker.io/", "https://auth.docker.io/token", false],
    ["http://127.0.0.1:5000/", "http://127.0.0.1:5001/token", false],
    ["http://localhost:5000/", "http://localhost:5001/token", false],
    ["http://r.lan/", "http://r.lan:81/token", true],
    ["http://r.lan/", "https://auth.lan/token", true],
  ])("%s names %s (insecure: %p)", async (registry, realm, insecure) => {
    const { requests } = await ask(registry, realm, insecure);
    expect(requests[0]?.url.origin).toBe(new URL(realm).origin);
    expect(requests[0]?.headers.authorization).toBe("Basic YW5uOnNlY3JldA==");
  });

  test("userinfo in a realm is dropped", async () => {
    const { requests } = await ask("https://r.io/", "https://u:p@auth.io/token?a=1#f", false);
    expect(requests[0]?.url.href).toBe("https://auth.io/token?a=1&service=s&scope=scope");
  });
});

describe("realms that are not", () => {
  test.each([
    ["https://r.io/", "http://auth.r.io/token", false],
    ["https://r.io/", "http://r.io/token", false],
    ["https://r.io/", "http://127.0.0.1:80/token", false],
    ["http://127.0.0.1:5000/", "http://auth.io/token", false],
    ["http://r.lan/", "http://other.lan/token", true],
    ["https://r.io/", "file:///etc/passwd", false],
    ["https://r.io/", "http://[", false],
  ])("%s names %s (insecure: %p)", async (registry, realm, insecure) => {
    const error = await failing("UNAUTHORIZED", () => ask(registry, realm, insecure));
    expect(error.message).not.toContain("secret");
  });
});

describe("answers", () => {
  const at = (body: string) => ask("https://r.io/", "https://a.io/t", false, body);

  test("access_token and lifetimes", async () => {
    const { token } = await at('{"access_token":"x","expires_in":1000}');
    expect(token.token).toBe("x");
    const seconds = (token.goodUntil - Date.now()) / 1000;
    expect(seconds).toBeGreaterThan(890);
    expect(seconds).toBeLessThanOrEqual(900);
  });

  test.each(["", "[]", "null", "{}", '{"token":5}', '{"token":"a\\nb: c"}', '{"token":""}'])(
    "%p is no token",
    async (body) => {
      await failing("REGISTRY_ERROR", () => at(body));
    },
  );

  test("one without end is not read", async () => {
    await failing("LIMIT_EXCEEDED", () => at(" ".repeat(1024 * 1024 + 1)));
  });
});
