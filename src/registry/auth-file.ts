import { readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { ClipError } from "../errors.ts";

/** The files in which `docker login` and `podman login` keep credentials (containers-auth.json(5)). */

export type Environment = Readonly<Record<string, string | undefined>>;

/** What proves who is asking. */
export type Credentials =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, to be traded for access tokens. */
  | { readonly kind: "identity"; readonly token: string }
  /** A ready access token. */
  | { readonly kind: "bearer"; readonly token: string };

/** One file; keys are registries, or `registry/path`, without scheme and API version. */
export interface AuthFile {
  readonly auths: ReadonlyMap<string, Credentials>;
  /** Credential helpers of single registries. */
  readonly helpers: ReadonlyMap<string, string>;
  /** The credential helper for all others. */
  readonly store?: string;
}

const maxFileLength = 1024 * 1024;

/** Where the files may be, those that the user named for this purpose first. */
export function configFiles(env: Environment): string[] {
  const home = homeOf(env);
  const dockerDirectory = env.DOCKER_CONFIG || (home && join(home, ".docker"));
  const config = env.XDG_CONFIG_HOME || (home && join(home, ".config"));
  const paths = [
    env.REGISTRY_AUTH_FILE,
    dockerDirectory && join(dockerDirectory, "config.json"),
    env.XDG_RUNTIME_DIR && join(env.XDG_RUNTIME_DIR, "containers/auth.json"),
    config && join(config, "containers/auth.json"),
  ];
  return paths.filter((path): path is string => typeof path === "string" && path !== "");
}

/** The home directory; on workers HOME is often unset, and the user may have no entry in passwd either. */
function homeOf(env: Environment): string | undefined {
  if (env.HOME !== undefined && isAbsolute(env.HOME)) return env.HOME;
  if (env !== process.env) return undefined;
  try {
    return homedir();
  } catch {
    return undefined;
  }
}

/**
 * Reads one file; undefined where it is not there. A file that must not be read is added to `problems`.
 * @throws ClipError CREDENTIAL_HELPER where the file makes no sense.
 */
export async function readAuthFile(
  path: string,
  problems: string[],
): Promise<AuthFile | undefined> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > maxFileLength) throw unusable(path, `is longer than ${maxFileLength} bytes`);
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof ClipError) throw error;
    const code = (error as { code?: string }).code;
    if (code !== "ENOENT" && code !== "ENOTDIR") problems.push(`${path} cannot be read (${code})`);
    return undefined;
  }
  return parseAuthFile(text, path);
}

/** Errors never quote the file: it holds secrets. */
const unusable = (path: string, why: string): ClipError =>
  new ClipError("CREDENTIAL_HELPER", `the credentials file ${path} ${why}; repair or remove it`, {
    path,
  });

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

/** Reads the text of a file; `path` is for messages. Entries that make no sense are passed over. */
export function parseAuthFile(text: string, path: string): AuthFile {
  let document: Readonly<Record<string, unknown>>;
  try {
    document = recordOf(JSON.parse(text));
  } catch {
    throw unusable(path, "is not JSON");
  }
  const auths = new Map<string, Credentials>();
  for (const [key, value] of Object.entries(recordOf(document.auths))) {
    const credentials = credentialsOf(recordOf(value));
    if (credentials !== undefined) auths.set(normalKey(key), credentials);
  }
  const helpers = new Map<string, string>();
  for (const [key, value] of Object.entries(recordOf(document.credHelpers))) {
    if (typeof value === "string" && value !== "") helpers.set(normalKey(key), value);
  }
  const store = document.credsStore;
  return { auths, helpers, ...(typeof store === "string" && store !== "" && { store }) };
}

function credentialsOf(entry: Readonly<Record<string, unknown>>): Credentials | undefined {
  const text = (name: string): string => {
    const value = entry[name];
    return typeof value === "string" ? value : "";
  };
  if (text("registrytoken") !== "") return { kind: "bearer", token: text("registrytoken") };
  if (text("identitytoken") !== "") return { kind: "identity", token: text("identitytoken") };
  const decoded = Buffer.from(text("auth"), "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  if (colon > 0) {
    // Docker pads passwords with NULs on some systems.
    const password = decoded.slice(colon + 1).replace(/\0+$/, "");
    return { kind: "password", username: decoded.slice(0, colon), password };
  }
  if (text("username") === "") return undefined;
  return { kind: "password", username: text("username"), password: text("password") };
}

/** Keys are written with and without scheme and API version, and Docker Hub has several names. */
function normalKey(key: string): string {
  const bare = key
    .replace(/^https?:\/\//i, "")
    .replace(/\/+$/, "")
    .replace(/\/v[12]$/, "");
  return bare.replace(/^(?:index\.docker\.io|registry-1\.docker\.io)(?=\/|$)/, "docker.io");
}
