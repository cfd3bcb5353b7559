import { ClipError } from "../errors.ts";
import { maxHeaderBytes } from "../formats/deflate/codes.ts";
import type { BlockHeader } from "../formats/deflate/kernel.ts";
import { struct, viewOf } from "../formats/fields.ts";
import type { Checkpoint, CheckpointKind } from "./layer-index.ts";
import { decodeWindow } from "./resume-window.ts";

/**
 * Where decoding a layer goes on: at a checkpoint of the archive, or at a point of the machine's own, which a suspended
 * {@link SpanDecoder} gave.
 */
export interface ResumePoint {
  readonly kind: CheckpointKind;
  /** Offset in the uncompressed tar. */
  readonly out: number;
  /** Bit offset in the compressed layer of the first bit that is still to be decoded. */
  readonly bit: number;
  /**
   * Up to 32 KiB of tar before `out`, which what follows may refer to. A suspended point leaves it out: whoever resumes
   * takes the 32 KiB before `out` (or all there are) from where the output went, or lets {@link windowAfter} compose them.
   */
  readonly window?: Uint8Array;
  /** With kind `inside`: the header of the deflate block. */
  readonly header?: BlockHeader;
  /** Compressed bytes from floor(bit / 8) on that were given already, but that nothing could be decoded from yet. */
  readonly tail?: Uint8Array;
}

/** A suspended point keeps at most this much compressed data; where more would be needed there is no such point. */
export const maxTail = 512;

const fixed = struct("resume point", 24, {
  kind: "u8",
  headerPhase: "u8",
  headerLength: "u16",
  tailLength: "u16",
  zero: "u16",
  out: "u64",
  bit: "u64",
});

/** An encoded point is never longer. */
export const maxEncodedResume = fixed.size + maxHeaderBytes + maxTail;

const kinds: readonly CheckpointKind[] = ["start", "block", "inside"];
const nothing = new Uint8Array(0);

/** The compressed byte that has to be pushed next when decoding goes on at `point`. */
export const nextByteOf = (point: ResumePoint): number =>
  Math.floor(point.bit / 8) + (point.tail?.length ?? 0);

/** The point that a checkpoint of an archive stands for. Throws ARCHIVE_CORRUPT where its window cannot be decoded. */
export function resumePointOf({ kind, out, bit, window }: Checkpoint): ResumePoint {
  if (kind === "start") return { kind, out, bit };
  const kept = decodeWindow(window);
  if (kind === "block") return { kind, out, bit, window: kept.window };
  if (kept.header === undefined) {
    throw new ClipError(
      "ARCHIVE_CORRUPT",
      `the checkpoint at tar offset ${out} has lost its block header; build the archive again`,
      { out },
    );
  }
  return { kind, out, bit, ...kept, header: kept.header };
}

/** The bytes of a suspended point without its window, at most {@link maxEncodedResume}. */
export function encodeResume(point: ResumePoint): Uint8Array {
  const { kind, out, bit, header, tail = nothing } = point;
  const headerLength = header?.bytes.length ?? 0;
  if (headerLength > maxHeaderBytes || tail.length > maxTail) {
    throw new ClipError("INTERNAL", "a resume point is longer than it can be", { out });
  }
  const bytes = new Uint8Array(fixed.size + headerLength + tail.length);
  fixed.write(viewOf(bytes), 0, {
    kind: kinds.indexOf(kind),
    headerPhase: header?.phase ?? 0,
    headerLength,
    tailLength: tail.length,
    out,
    bit,
  });
  if (header) bytes.set(header.bytes, fixed.size);
  bytes.set(tail, fixed.size + headerLength);
  return bytes;
}

/** Undoes {@link encodeResume}. Throws CACHE_CORRUPT for what it cannot have written. */
export function decodeResume(bytes: Uint8Array): ResumePoint {
  if (bytes.length < fixed.size || bytes.length > maxEncodedResume) throw corruptPoint();
  const {
    kind: kindNumber,
    headerPhase,
    headerLength,
    tailLength,
    zero,
    out,
    bit,
  } = fixed.read(viewOf(bytes));
  const kind = kinds[kindNumber];
  const tailAt = fixed.size + headerLength;
  const sound =
    kind !== undefined &&
    zero === 0 &&
    headerPhase < (headerLength > 0 ? 8 : 1) &&
    headerLength <= maxHeaderBytes &&
    tailAt + tailLength === bytes.length &&
    (kind === "inside") === headerLength > 0 &&
    (kind !== "start" || bit % 8 === 0) &&
    Number.isSafeInteger(out) &&
    Number.isSafeInteger(bit);
  if (!sound) throw corruptPoint();
  return {
    kind,
    out,
    bit,
    ...(headerLength > 0 && {
      header: { phase: headerPhase, bytes: bytes.slice(fixed.size, tailAt) },
    }),
    ...(tailLength > 0 && { tail: bytes.slice(tailAt) }),
  };
}

const corruptPoint = (): ClipError =>
  new ClipError("CACHE_CORRUPT", "a kept resume point is damaged; reading starts at a checkpoint");
