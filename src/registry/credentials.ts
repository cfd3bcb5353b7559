import { ClipError } from "../errors.ts";
import { type Credentials, configFiles, type Environment, readAuthFile } from "./auth-file.ts";
import { runHelper } from "./credential-helper.ts";

export interface FoundCredentials {
  readonly credentials?: Credentials;
  /** Why places that might have had credentials could not be asked; for the message when access is refused. */
  readonly problems: readonly string[];
}

export interface CredentialOptions {
  readonly env?: Environment | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks for credentials in the files of Docker and Podman and asks their credential helpers. `registry` is as people
 * write it ("docker.io", "localhost:5000").
 * @throws ClipError CREDENTIAL_HELPER where a helper named for this very registry fails, or a file makes no sense.
 */
export async function findCredentials(
  registry: string,
  repository: string,
  options: CredentialOptions = {},
): Promise<FoundCredentials> {
  const env = options.env ?? process.env;
  const problems: string[] = [];
  for (const path of configFiles(env)) {
    const file = await readAuthFile(path, problems);
    if (file === undefined) continue;
    for (const key of keysFor(registry, repository)) {
      const helper = file.helpers.get(key);
      if (helper !== undefined) {
        const credentials = await runHelper(helper, serverUrl(registry, key), env, options.signal);
        if (credentials !== undefined) return { credentials, problems };
      }
    }
    if (file.store !== undefined) {
      try {
        const url = serverUrl(registry, registry);
        const credentials = await runHelper(file.store, url, env, options.signal);
        if (credentials !== undefined) return { credentials, problems };
      } catch (error) {
        // A store for all registries that is not installed here must not stand before public images.
        if (!(error instanceof ClipError) || error.code !== "CREDENTIAL_HELPER") throw error;
        problems.push(error.message);
      }
    }
    for (const key of keysFor(registry, repository)) {
      const credentials = file.auths.get(key);
      if (credentials !== undefined) return { credentials, problems };
    }
  }
  return { problems };
}

/** Podman's files may hold credentials for part of a registry: the longest part that fits comes first. */
function* keysFor(registry: string, repository: string): Generator<string> {
  const parts = repository.split("/");
  for (let length = parts.length; length > 0; length--) {
    yield `${registry}/${parts.slice(0, length).join("/")}`;
  }
  yield registry;
}

/** Docker files the credentials of its own Hub under an address of its first API. */
const serverUrl = (registry: string, key: string): string =>
  registry === "docker.io" ? "https://index.docker.io/v1/" : key;
