import { type OwnAnswer, type SeenRequest, startProxy, type TestProxy } from "./proxy.ts";

/** A token server (distribution spec, auth/token and auth/oauth) and the check that a registry makes of its tokens. */
export interface TokenService {
  readonly server: TestProxy;
  /** A guard for the proxy before the registry: 401 with a Bearer challenge without a good token. */
  guard(request: SeenRequest): OwnAnswer | undefined;
  /** All tokens given out so far stop being good. */
  revokeAll(): void;
  readonly issued: readonly string[];
}

export interface TokenServiceOptions {
  /** Who gets tokens; everybody without it. */
  readonly user?: { readonly name: string; readonly password: string };
  /** A refresh token that is good for tokens as well. */
  readonly refreshToken?: string;
  readonly expiresIn?: number;
  /** What the challenge calls the realm, where not the server's own URL. */
  readonly realm?: string;
}

export async function startTokenService(options: TokenServiceOptions = {}): Promise<TokenService> {
  const issued: string[] = [];
  let good = new Set<string>();
  const issue = (): OwnAnswer => {
    const token = `secret-token-${issued.length + 1}`;
    issued.push(token);
    good.add(token);
    const body = JSON.stringify({ token, expires_in: options.expiresIn ?? 300 });
    return { status: 200, headers: { "content-type": "application/json" }, body };
  };
  const server = await startProxy({
    target: "http://127.0.0.1:1",
    guard(request) {
      if (request.method === "POST") {
        const form = new URLSearchParams(request.body);
        const known =
          form.get("grant_type") === "refresh_token" &&
          form.get("refresh_token") === options.refreshToken;
        return known ? issue() : { status: 401 };
      }
      const { user } = options;
      if (user === undefined) return issue();
      const pair = Buffer.from(`${user.name}:${user.password}`, "utf8").toString("base64");
      const wanted = `Basic ${pair}`;
      return request.headers.authorization === wanted ? issue() : { status: 401 };
    },
  });
  const realm = options.realm ?? `${server.url}/token`;
  return {
    server,
    issued,
    guard({ headers, path }) {
      const token = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1];
      if (token !== undefined && good.has(token)) return undefined;
      const name = /^\/v2\/(.+)\/(?:manifests|blobs)\//.exec(path)?.[1] ?? "";
      const challenge = `Bearer realm="${realm}",service="test",scope="repository:${name}:pull"`;
      return { status: 401, headers: { "www-authenticate": challenge } };
    },
    revokeAll() {
      good = new Set();
    },
  };
}
