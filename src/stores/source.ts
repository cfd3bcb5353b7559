import { type Stats, statSync } from "node:fs";
import { ClipError } from "../errors.ts";
import { formatReference, parseReference } from "../registry/reference.ts";
import { osPath, shownPath } from "../system/paths.ts";
import type { OriginSpec } from "./origin.ts";

/** Ways of naming a place on this machine, and what has to lie there. */
const fileKinds = {
  oci: { kind: "oci-layout", fits: (stats: Stats) => stats.isDirectory() },
  "oci-archive": { kind: "oci-archive", fits: (stats: Stats) => !stats.isDirectory() },
  "docker-archive": { kind: "docker-archive", fits: (stats: Stats) => !stats.isDirectory() },
} as const;

/**
 * Reads how people name an image: `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:REF]`,
 * `docker://REF` or a bare reference. Where path and tag part is looked up: the longest path that is there counts,
 * since both may hold colons.
 * @throws ClipError BAD_REFERENCE.
 */
export function parseSource(text: string): OriginSpec {
  const colon = text.indexOf(":");
  const transport = text.slice(0, Math.max(0, colon));
  if (Object.hasOwn(fileKinds, transport)) {
    const { kind, fits } = fileKinds[transport as keyof typeof fileKinds];
    const place = splitPlace(text.slice(colon + 1), fits);
    if (place.path === "") {
      throw new ClipError("BAD_REFERENCE", `${transport}: names no path; write ${transport}:PATH`);
    }
    return { kind, ...place };
  }
  const reference = text.startsWith("docker://") ? text.slice("docker://".length) : text;
  return { kind: "registry", reference: formatReference(parseReference(reference)) };
}

/** A place as people write it, for messages. */
export function formatSource(spec: OriginSpec): string {
  if (spec.kind === "registry") return `docker://${spec.reference}`;
  const transport = spec.kind === "oci-layout" ? "oci" : spec.kind;
  return `${transport}:${shownPath(spec.path)}${spec.tag === undefined ? "" : `:${spec.tag}`}`;
}

/** The longest part before a colon that `fits`; the part before the first colon where none does. */
function splitPlace(text: string, fits: (stats: Stats) => boolean): { path: string; tag?: string } {
  for (let end = text.length; end > 0; end = text.lastIndexOf(":", end - 1)) {
    if (isThere(text.slice(0, end), fits)) return placeAt(text, end);
  }
  const first = text.indexOf(":");
  return placeAt(text, first < 0 ? text.length : first);
}

const placeAt = (text: string, end: number): { path: string; tag?: string } => {
  const tag = text.slice(end + 1);
  return { path: text.slice(0, end), ...(tag !== "" && { tag }) };
};

function isThere(path: string, fits: (stats: Stats) => boolean): boolean {
  try {
    return fits(statSync(osPath(path)));
  } catch {
    return false;
  }
}
