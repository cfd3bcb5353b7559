import type { ByteString } from "../formats/bytestring.ts";

/** Marks of deletion in layers: OCI image spec, layer.md, "Whiteouts". */
export const whiteoutPrefix = ".wh.";
export const opaqueMark = ".wh..wh..opq";
/** Names that aufs kept for itself; the mark of an opaque directory is the one with a meaning. */
const aufsPrefix = ".wh..wh.";

/** An entry's path, cut in two. */
export interface SplitName {
  /** Path of the directory, as written. */
  readonly directory: ByteString;
  /** Last component; empty for the root itself. */
  readonly base: ByteString;
}

/** Cuts off the last component of a path, whose `.` and `..` are first resolved where they concern it. */
export function splitName(name: ByteString): SplitName {
  let end = name.length;
  while (end > 0 && name.charCodeAt(end - 1) === 0x2f) end--;
  const slash = name.lastIndexOf("/", end - 1);
  const base = end === 0 ? "" : name.slice(slash + 1, end);
  if (base !== "" && base !== "." && base !== "..") {
    return { directory: slash < 0 ? "" : name.slice(0, slash), base };
  }
  const components = cleanPath(name);
  return { base: components.pop() ?? "", directory: components.join("/") };
}

/**
 * The components of a path, seen from the root: without empty ones and `.`, each `..` taking back the one before it
 * or, at the root, nothing.
 */
export function cleanPath(path: ByteString): ByteString[] {
  const components: ByteString[] = [];
  for (const component of path.split("/")) {
    if (component === "..") components.pop();
    else if (component !== "" && component !== ".") components.push(component);
  }
  return components;
}

/** Whether a path is one of aufs's own: nothing of it belongs to the image. */
export function isAufsName(name: ByteString): boolean {
  if (!name.includes(aufsPrefix)) return false;
  const components = cleanPath(name);
  if (components.at(-1) === opaqueMark) components.pop();
  return components.some((component) => component.startsWith(aufsPrefix));
}
