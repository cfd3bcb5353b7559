import { struct, viewOf } from "../formats/fields.ts";
import { placedChecksum } from "./placed-checksum.ts";
import { slotSize } from "./side-file.ts";

/** One resume slot: where decoding a span stopped, in a form that only the span's decoder understands. */
const slot = struct("resume slot", slotSize, {
  /** crc32 of the rest, mixed with the span's number; 0 where there is none. */
  checksum: "u32",
  recordLength: "u32",
  /** Tar offset that was reached. */
  out: "u64",
  /** crc32 of the tar bytes from the start of the block that holds `out` up to `out`, which are in the data file. */
  tailChecksum: "u32",
  reserved: "u32",
  record: { bytes: slotSize - 24 },
});

/** Bytes that a decoder's record may take. */
export const maxResumeRecord = slotSize - slot.at.record;

export interface ResumeSlot {
  readonly out: number;
  readonly tailChecksum: number;
  readonly record: Uint8Array;
}

export function encodeResumeSlot(span: number, values: ResumeSlot): Uint8Array {
  const bytes = new Uint8Array(slotSize);
  const view = viewOf(bytes);
  slot.write(view, 0, { ...values, recordLength: values.record.length });
  view.setUint32(0, slotChecksum(bytes, span), true);
  return bytes;
}

/** undefined for an empty slot and for one that does not verify. */
export function decodeResumeSlot(span: number, bytes: Uint8Array): ResumeSlot | undefined {
  const { checksum, recordLength, out, tailChecksum, record } = slot.read(viewOf(bytes));
  if (checksum === 0 || checksum !== slotChecksum(bytes, span)) return undefined;
  if (recordLength > record.length) return undefined;
  return { out, tailChecksum, record: record.slice(0, recordLength) };
}

const slotChecksum = (bytes: Uint8Array, span: number): number =>
  placedChecksum(bytes.subarray(slot.at.recordLength), span);
