/**
 * Paths on the command line are bytes. Inside the program a path is a string in which every byte that is not part of
 * valid UTF-8 stands as a lone surrogate U+DC80 to U+DCFF, as Python does it (PEP 383): ordinary paths are ordinary
 * text, JSON can hold all of them, and no byte is lost on the way back.
 */
import { readFileSync } from "node:fs";

/** The text of a path given as bytes. */
export function pathOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("utf8");
  if (!text.includes("\ufffd")) return text;
  let escaped = "";
  for (let at = 0; at < bytes.length; ) {
    const length = utf8Length(bytes, at);
    if (length === 0) escaped += String.fromCharCode(0xdc00 + bytes[at]!);
    else escaped += Buffer.from(bytes.subarray(at, at + length)).toString("utf8");
    at += Math.max(1, length);
  }
  return escaped;
}

/** The bytes of a path. */
export function pathBytes(path: string): Uint8Array {
  if (!hasEscapes(path)) return Buffer.from(path, "utf8");
  const parts = path.split(/([\udc80-\udcff])/u);
  return Buffer.concat(
    parts.map((part, i) =>
      i % 2 === 1 ? Buffer.of(part.charCodeAt(0) - 0xdc00) : Buffer.from(part, "utf8"),
    ),
  );
}

/** What node:fs takes: the text itself, or its bytes where it is not UTF-8. */
export const osPath = (path: string): string | Buffer =>
  hasEscapes(path) ? Buffer.from(pathBytes(path)) : path;

/** For people: bytes that are not UTF-8 as `\xHH`, control characters escaped. */
export const shownPath = (path: string): string =>
  path
    .replace(/[\udc80-\udcff]/gu, (char) => `\\x${(char.charCodeAt(0) - 0xdc00).toString(16)}`)
    .replace(/[\p{Cc}\p{Cf}]/gu, (char) => JSON.stringify(char).slice(1, -1));

/**
 * The arguments of the command line without losing bytes: `process.argv` replaces what is not UTF-8, the kernel's
 * own copy has it. Falls back to `process.argv` where there is no such copy.
 */
export function commandArguments(argv: readonly string[] = process.argv.slice(2)): string[] {
  if (!argv.some((argument) => argument.includes("\ufffd"))) return [...argv];
  try {
    const raw = splitAtNul(readFileSync("/proc/self/cmdline"));
    return raw.slice(raw.length - argv.length).map(pathOf);
  } catch {
    return [...argv];
  }
}

const hasEscapes = (path: string): boolean => /[\udc80-\udcff]/u.test(path);

function splitAtNul(bytes: Buffer): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(0, from);
    const stop = end < 0 ? bytes.length : end;
    parts.push(bytes.subarray(from, stop));
    from = stop + 1;
  }
  return parts;
}

/** Length of the valid UTF-8 sequence at `at`, 0 where there is none (Unicode 15, table 3-7). */
function utf8Length(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  const piece = Buffer.from(bytes.subarray(at, at + length));
  return Buffer.from(piece.toString("utf8"), "utf8").equals(piece) ? length : 0;
}
