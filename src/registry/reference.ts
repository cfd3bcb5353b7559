import { ClipError } from "../errors.ts";
import { parseDigest } from "../formats/oci/digest.ts";

/** A reference to an image in a registry, normalised as Docker does it. */
export interface Reference {
  /** As people write it: "docker.io", "ghcr.io", "localhost:5000", "[::1]:5000". */
  readonly registry: string;
  /** Host and port that answer the registry's API. */
  readonly apiHost: string;
  /** "library/alpine". */
  readonly repository: string;
  /** Undefined where only a digest is given; "latest" where neither is. */
  readonly tag?: string;
  readonly digest?: string;
  /** registry/repository, without tag and digest. */
  readonly name: string;
}

// The grammar is that of github.com/distribution/reference.
const domainPattern =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?$/;
const componentPattern = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const maxNameLength = 255;
const maxReferenceLength = 1024;

/**
 * Reads `[HOST[:PORT]/]NAME[:TAG][@DIGEST]`; Docker Hub is the default registry, `library/` its default namespace,
 * `latest` the default tag.
 * @throws ClipError BAD_REFERENCE with the reason.
 */
export function parseReference(text: string): Reference {
  if (text === "") throw bad(text, "it is empty");
  if (text.length > maxReferenceLength) throw bad(text, "it is too long");
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text);
  if (scheme) throw bad(text, `leave out "${scheme[0]}"`);
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && parseDigest(digest) === undefined) {
    throw bad(text, "what follows @ is no digest (sha256: and 64 hexadecimal digits)");
  }
  const { name, tag } = splitTag(at < 0 ? text : text.slice(0, at));
  if (tag !== undefined && !tagPattern.test(tag)) throw bad(text, `":${tag}" is no tag`);
  const { registry, path } = splitRegistry(name);
  if (registry !== undefined) checkRegistry(text, registry);
  const host = canonicalRegistry(registry ?? "docker.io");
  const repository = host === "docker.io" && !path.includes("/") ? `library/${path}` : path;
  checkRepository(text, repository, path);
  const full = `${host}/${repository}`;
  if (full.length > maxNameLength) throw bad(text, `its name is longer than ${maxNameLength}`);
  const knownTag = tag ?? (digest === undefined ? "latest" : undefined);
  return {
    registry: host,
    apiHost: host === "docker.io" ? "registry-1.docker.io" : host,
    repository,
    ...(knownTag !== undefined && { tag: knownTag }),
    ...(digest !== undefined && { digest }),
    name: full,
  };
}

/** The whole reference as text; parsing it gives the same reference. */
export const formatReference = ({ name, tag, digest }: Reference): string =>
  `${name}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;

/** A colon after the last slash parts the tag; one before it parts a port. */
function splitTag(text: string): { name: string; tag?: string } {
  const colon = text.lastIndexOf(":");
  if (colon < 0 || colon < text.lastIndexOf("/")) return { name: text };
  return { name: text.slice(0, colon), tag: text.slice(colon + 1) };
}

/** The part before the first slash is a registry when it cannot be the start of a repository's name on Docker Hub. */
function splitRegistry(name: string): { registry?: string; path: string } {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(0, slash));
  const isRegistry = /[.:[\]A-Z]/.test(first) || first === "localhost";
  return isRegistry ? { registry: first, path: name.slice(slash + 1) } : { path: name };
}

/** The old names of Docker Hub mean docker.io; host names have no case. */
function canonicalRegistry(registry: string): string {
  const lower = registry.toLowerCase();
  return lower === "index.docker.io" || lower === "registry-1.docker.io" ? "docker.io" : lower;
}

function checkRegistry(text: string, registry: string): void {
  // In lower case, as archives record it, such a name would be the start of a repository's on Docker Hub.
  if (/^[^.:[]*[A-Z][^.:[]*$/.test(registry) && registry.toLowerCase() !== "localhost") {
    throw bad(text, `"${registry}" is no registry, and repository names are lower case`);
  }
  const port = /:(\d+)$/.exec(registry)?.[1];
  const valid =
    domainPattern.test(registry) &&
    (port === undefined || (Number(port) > 0 && Number(port) < 65536)) &&
    URL.canParse(`https://${registry}/`);
  if (!valid) throw bad(text, `"${registry}" is no registry (HOST or HOST:PORT)`);
}

function checkRepository(text: string, repository: string, path: string): void {
  if (path === "") throw bad(text, "it names no repository");
  if (repository.length > maxNameLength) {
    throw bad(text, `its name is longer than ${maxNameLength}`);
  }
  if (repository.split("/").every((component) => componentPattern.test(component))) return;
  const why = /[A-Z]/.test(path)
    ? "repository names are lower case"
    : `"${path}" is no repository name`;
  throw bad(text, why);
}

const bad = (text: string, why: string): ClipError =>
  new ClipError(
    "BAD_REFERENCE",
    `${JSON.stringify(text.slice(0, 200))} is not an image reference: ${why}`,
    { reference: text.slice(0, 200) },
  );
