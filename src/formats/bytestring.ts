/**
 * Names, paths, link targets and xattr values are bytes that need not be UTF-8. While an image is being built they
 * are held as strings with one character (U+0000 to U+00FF) for each byte: cheap to compare, to hash and to send
 * between threads, and `<` on them is the order of the bytes.
 */
export type ByteString = string;

/** The bytes of a ByteString. */
export const bytesOf = (text: ByteString): Uint8Array => Buffer.from(text, "latin1");

/** The ByteString of raw bytes. */
export const byteStringOf = (bytes: Uint8Array): ByteString =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");

/** The ByteString of ordinary text, as UTF-8. */
export const byteStringOfText = (text: string): ByteString =>
  Buffer.from(text, "utf8").toString("latin1");

/**
 * For showing to people: UTF-8 where it is UTF-8, and everything that could confuse a terminal (control characters,
 * the backslash, bytes that are not UTF-8) escaped as `\n`, `\\` or `\xHH`.
 */
export function printable(text: ByteString): string {
  const decoded = Buffer.from(text, "latin1").toString("utf8");
  const whole = Buffer.from(decoded, "utf8").toString("latin1") === text;
  if (whole && !/[\\\p{Cc}\p{Cf}\u2028\u2029]/u.test(decoded)) return decoded;
  let shown = "";
  for (const part of splitUtf8(text)) shown += part;
  return shown;
}

function* splitUtf8(text: ByteString): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const lead = text.charCodeAt(at);
    const length =
      lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    const piece = text.slice(at, at + length);
    const char = Buffer.from(piece, "latin1").toString("utf8");
    const valid = length > 0 && Buffer.from(char, "utf8").toString("latin1") === piece;
    if (!valid) {
      yield `\\x${lead.toString(16).padStart(2, "0")}`;
      at += 1;
      continue;
    }
    if (char === "\n") yield "\\n";
    else if (char === "\\") yield "\\\\";
    else if (/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(char)) {
      for (let i = 0; i < piece.length; i++) {
        yield `\\x${piece.charCodeAt(i).toString(16).padStart(2, "0")}`;
      }
    } else yield char;
    at += length;
  }
}
