import { magic as clip2Magic } from "../formats/clip2/layout.ts";

/** The start of container format 1, of beam-cloud/clip. */
const clip1Magic = Uint8Array.of(0x89, 0x43, 0x4c, 0x49, 0x50, 0x0d, 0x0a, 0x1a, 0x0a);

export type ContainerFormat = "format1" | "format2" | "unknown";

/** The two formats' magics differ in their fourth byte: with fewer there is nothing to tell. */
const fewest = 4;

/**
 * Tells the container format from a file's first bytes, never from its name. What ends inside a magic is taken for what
 * it began to be: it was cut.
 */
export function detectFormat(start: Uint8Array): ContainerFormat {
  const begins = (magic: Uint8Array) => {
    const length = Math.min(start.length, magic.length);
    return Buffer.compare(start.subarray(0, length), magic.subarray(0, length)) === 0;
  };
  if (start.length < fewest) return "unknown";
  if (begins(clip2Magic)) return "format2";
  return begins(clip1Magic) ? "format1" : "unknown";
}
