import { ClipError } from "../../errors.ts";

/**
 * Careful reading of JSON documents from outside. `where` names the document and the place in it, for the message of
 * the MANIFEST_CORRUPT error that every function here throws.
 */

/** A metadata document (index, manifest, config) is at most this long; registries refuse longer ones. */
export const maxDocumentLength = 4 * 1024 * 1024;

export type JsonObject = Readonly<Record<string, unknown>>;

export const corrupt = (where: string, why: string): ClipError =>
  new ClipError("MANIFEST_CORRUPT", `${where} ${why}`);

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The JSON document in `bytes`: UTF-8, at most {@link maxDocumentLength} long. */
export function parseJson(bytes: Uint8Array, where: string): unknown {
  if (bytes.length > maxDocumentLength) {
    throw corrupt(
      where,
      `is ${bytes.length} bytes long; at most ${maxDocumentLength} are accepted`,
    );
  }
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 200) : "unreadable";
    throw corrupt(where, `is not JSON (${why})`);
  }
}

/** {@link parseJson} of a document that has to be an object. */
export const parseJsonObject = (bytes: Uint8Array, where: string): JsonObject =>
  objectAt(parseJson(bytes, where), where);

export function objectAt(value: unknown, where: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  throw corrupt(where, "is not an object");
}

/** An array of at most `limit` elements; a missing one, and Go's null, is empty. */
export function arrayAt(value: unknown, where: string, limit: number): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw corrupt(where, "is not a list");
  if (value.length > limit) {
    throw corrupt(where, `has ${value.length} elements; at most ${limit} are accepted`);
  }
  return value;
}

export function stringAt(value: unknown, where: string): string {
  if (typeof value !== "string") throw corrupt(where, "is not a string");
  return value;
}

/** A string, or undefined where there is none (null counts as none). */
export const optionalStringAt = (value: unknown, where: string): string | undefined =>
  value === undefined || value === null ? undefined : stringAt(value, where);

/** A map of strings, or undefined where there is none. */
export function stringMapAt(
  value: unknown,
  where: string,
): Readonly<Record<string, string>> | undefined {
  if (value === undefined || value === null) return undefined;
  // Without a prototype, so that a key like `__proto__` is one key among others.
  const map: Record<string, string> = Object.create(null);
  for (const [key, item] of Object.entries(objectAt(value, where))) {
    map[key] = stringAt(item, `${where}[${JSON.stringify(key)}]`);
  }
  return map;
}
