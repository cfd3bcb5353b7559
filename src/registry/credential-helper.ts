import { ClipError } from "../errors.ts";
import type { Credentials, Environment } from "./auth-file.ts";

const timeLimitMs = 20_000;
const maxOutputLength = 1024 * 1024;
/** What helpers print where they hold nothing (docker-credential-helpers, credentials/error.go). */
const notFound = /credentials not found in native keychain/i;

/**
 * Asks `docker-credential-NAME get` for the credentials of `server`; undefined where it has none. What the helper
 * prints never gets into a message.
 * @throws ClipError CREDENTIAL_HELPER, INTERRUPTED.
 */
export async function runHelper(
  name: string,
  server: string,
  env: Environment,
  signal?: AbortSignal,
): Promise<Credentials | undefined> {
  if (!/^[A-Za-z0-9][\w.-]{0,63}$/.test(name)) {
    throw new ClipError(
      "CREDENTIAL_HELPER",
      `${JSON.stringify(name.slice(0, 64))} is no name of a credential helper; see Docker's config.json`,
    );
  }
  const program = `docker-credential-${name}`;
  const fail = (why: string): ClipError =>
    new ClipError("CREDENTIAL_HELPER", `${program} ${why}; run it by hand to see why`, { program });
  const path = Bun.which(program, { PATH: env.PATH ?? "" });
  if (path === null) {
    throw new ClipError(
      "CREDENTIAL_HELPER",
      `the credential helper ${program}, which Docker's config.json names, is not installed`,
      { program },
    );
  }
  const limit = AbortSignal.timeout(timeLimitMs);
  const child = Bun.spawn([path, "get"], {
    stdin: Buffer.from(`${server}\n`),
    stdout: "pipe",
    stderr: "ignore",
    env,
    killSignal: "SIGKILL",
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
  });
  const output = await readOutput(child.stdout).catch(() => undefined);
  // A helper that leaves the pipe closed or prints too much has nothing more to say.
  if (output === undefined) child.kill();
  const status = await child.exited;
  if (signal?.aborted) throw new ClipError("INTERRUPTED", "interrupted");
  if (limit.aborted) throw fail(`did not answer within ${timeLimitMs / 1000} s`);
  if (output === undefined) throw fail("printed too much");
  if (status === 0) return credentialsOf(output) ?? Promise.reject(fail("gave no credentials"));
  if (notFound.test(output)) return undefined;
  throw fail(`failed with status ${status}`);
}

async function readOutput(stdout: ReadableStream<Uint8Array>): Promise<string | undefined> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of stdout) {
    length += piece.length;
    if (length > maxOutputLength) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

function credentialsOf(output: string): Credentials | undefined {
  try {
    const { Username: username, Secret: secret } = JSON.parse(output);
    if (typeof username !== "string" || typeof secret !== "string") return undefined;
    // The protocol's mark for an identity token in the place of a password.
    if (username === "<token>") return { kind: "identity", token: secret };
    return { kind: "password", username, password: secret };
  } catch {
    return undefined;
  }
}
