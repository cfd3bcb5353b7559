import { ClipError } from "../../errors.ts";
import { corrupt } from "../deflate/corrupt.ts";
import { viewOf } from "../fields.ts";

const frameMagic = 0xfd2fb528;
/** Skippable frames: sixteen magic numbers from here on (RFC 8878, 3.1.2). */
const skippableMagic = 0x184d2a50;

/** Decoders keep this much of the output; frames that want more are refused. */
export const maxWindow = 128 * 1024 * 1024;
export const maxWindowLog = 27;

/** The longest header: magic, descriptor, window, 4 bytes of dictionary, 8 of content size. */
export const maxFrameHeader = 18;

const isSkippable = (magic: number): boolean => (magic & 0xfffffff0) >>> 0 === skippableMagic;

/** Whether a zstd frame, skippable or not, begins with this (little-endian) number. */
export const isZstdMagic = (magic: number): boolean => magic === frameMagic || isSkippable(magic);

export type FrameHeader =
  | { readonly kind: "skippable"; readonly length: number; readonly dataLength: number }
  | {
      readonly kind: "frame";
      /** Bytes of the header itself. */
      readonly length: number;
      readonly windowSize: number;
      readonly contentSize: number | undefined;
      readonly hasChecksum: boolean;
    };

const dictionaryBytes = [0, 1, 2, 4] as const;
const contentSizeBytes = [0, 2, 4, 8] as const;

/**
 * Reads the header of a frame (RFC 8878, 3.1.1.1) at the start of `bytes`; undefined while it is not wholly there. `at`
 * is its byte offset, for messages. Throws LAYER_CORRUPT, and UNSUPPORTED for dictionaries and windows over 128 MiB.
 */
export function readFrameHeader(bytes: Uint8Array, at: number): FrameHeader | undefined {
  if (bytes.length < 5) return undefined;
  const view = viewOf(bytes);
  const magic = view.getUint32(0, true);
  if (isSkippable(magic)) {
    if (bytes.length < 8) return undefined;
    return { kind: "skippable", length: 8, dataLength: view.getUint32(4, true) };
  }
  if (magic !== frameMagic) throw corrupt("this is not the start of a zstd frame", at);
  const descriptor = bytes[4]!;
  if (descriptor & 8) throw corrupt("a zstd frame header has its reserved bit set", at);
  const single = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const dictionary = dictionaryBytes[(descriptor & 3) as 0 | 1 | 2 | 3];
  const sizeBytes = sizeFlag === 0 && single ? 1 : contentSizeBytes[sizeFlag as 0 | 1 | 2 | 3];
  const windowAt = 5;
  const dictionaryAt = windowAt + (single ? 0 : 1);
  const sizeAt = dictionaryAt + dictionary;
  const length = sizeAt + sizeBytes;
  if (bytes.length < length) return undefined;
  if (bytes.subarray(dictionaryAt, sizeAt).some((byte) => byte !== 0)) {
    throw new ClipError(
      "UNSUPPORTED",
      `the zstd frame at byte ${at} needs a dictionary; compress the layer again without one`,
      { offset: at },
    );
  }
  const contentSize = readContentSize(view, sizeAt, sizeBytes);
  const windowSize = single ? contentSize! : windowOf(bytes[windowAt]!);
  if (windowSize > maxWindow) {
    throw new ClipError(
      "UNSUPPORTED",
      `the zstd frame at byte ${at} needs a window of ${windowSize} bytes and at most 128 MiB are allowed; compress the layer again without --long=28 or more`,
      { offset: at, windowSize },
    );
  }
  const hasChecksum = (descriptor & 4) !== 0;
  return { kind: "frame", length, windowSize, contentSize, hasChecksum };
}

/** RFC 8878, 3.1.1.1.2: an exponent and eighths. */
function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function readContentSize(view: DataView, at: number, bytes: number): number | undefined {
  switch (bytes) {
    case 0:
      return undefined;
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at, true) + 256;
    case 4:
      return view.getUint32(at, true);
    default:
      return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  }
}
