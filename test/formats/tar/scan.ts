import type { TarEntry } from "../../../src/formats/tar/entry.ts";
import { createTarScanner } from "../../../src/formats/tar/scanner.ts";

/** What the scanner makes of a tar that is given to it in pieces of `pieceSize` bytes. */
export function scan(tar: Uint8Array, pieceSize = tar.length) {
  const entries: TarEntry[] = [];
  const warnings: string[] = [];
  const scanner = createTarScanner((entry) => entries.push(entry), {
    onWarning: (text) => warnings.push(text),
  });
  for (let at = 0; at < tar.length; at += pieceSize) {
    // A buffer of its own that is overwritten afterwards: the scanner may keep nothing of it.
    const piece = Uint8Array.from(tar.subarray(at, at + pieceSize));
    scanner.push(piece);
    piece.fill(0xa5);
  }
  scanner.end();
  return { entries, warnings };
}

/** The bytes of a file, put together from where the entry says that they are. */
export function contentOf(tar: Uint8Array, entry: TarEntry): Buffer {
  const content = Buffer.alloc(entry.size);
  for (const { offset, length, at } of entry.extents) {
    content.set(tar.subarray(at, at + length), offset);
  }
  return content;
}

/** A header block, its checksum right; `fields` are put in as they are, at their offsets in ustar. */
export function header(fields: {
  name?: string;
  size?: string;
  mtime?: string;
  type?: string;
  magic?: string;
  linkName?: string;
  prefix?: string;
  mode?: string;
}): Buffer {
  const block = Buffer.alloc(512);
  const put = (text: string | undefined, at: number) => block.write(text ?? "", at, "latin1");
  put(fields.name ?? "file", 0);
  put(fields.mode ?? "0000644\0", 100);
  put("0000000\0", 108);
  put("0000000\0", 116);
  put(fields.size ?? "00000000000\0", 124);
  put(fields.mtime ?? "00000000000\0", 136);
  put(fields.type ?? "0", 156);
  put(fields.linkName, 157);
  put(fields.magic ?? "ustar\x0000", 257);
  put(fields.prefix, 345);
  return sign(block);
}

/** Puts the right checksum into a header block. */
export function sign(block: Buffer): Buffer {
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

export const octal = (value: number): string => `${value.toString(8).padStart(11, "0")}\0`;

/** Data, filled up to whole blocks. */
export const padded = (data: string | Uint8Array): Buffer => {
  const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : Buffer.from(data);
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
};

/** A PAX header of type `x` (or `g`) with these records. */
export function pax(records: Iterable<readonly [string, string]>, type = "x"): Buffer {
  const body = [...records].map(([key, value]) => paxRecord(key, value)).join("");
  return Buffer.concat([
    header({ name: "PaxHeaders/file", type, size: octal(body.length) }),
    padded(body),
  ]);
}

function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (`${length}${rest}`.length !== length) length = `${length}${rest}`.length;
  return `${length}${rest}`;
}

export const end = Buffer.alloc(1024);
