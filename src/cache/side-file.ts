import { bytesOf } from "../formats/bytestring.ts";
import { struct, viewOf } from "../formats/fields.ts";
import { type BlockMap, blockSize, type LayerShape } from "./block-map.ts";

/**
 * `KEY.side`, beside the tar bytes in `KEY.data`: a header, a u32 checksum for each block (0 where it is absent), and
 * a resume slot for each span. It is read and written with pread and pwrite alone: a page of a mapped sparse file
 * that a full or broken disk cannot back would end the process with SIGBUS.
 */

const magic = bytesOf("\x89CSIDE\r\n");
const version = 1;

export const sideHeader = struct("side file header", 128, {
  magic: { bytes: 8 },
  version: "u32",
  blockSize: "u32",
  slotSize: "u32",
  spans: "u32",
  blocks: "u64",
  tarSize: "u64",
  key: { bytes: 64 },
  reserved: { bytes: 20 },
  /** crc32 of the bytes before it. */
  checksum: "u32",
});

/** Room for a resume slot; the longest record of a decoder is 823 bytes. */
export const slotSize = 1024;
const checksumsAt = 4096;

export interface SideLayout {
  readonly header: Uint8Array;
  readonly size: number;
  checksumAt(block: number): number;
  slotAt(span: number): number;
}

export function sideLayout(shape: LayerShape, blocks: BlockMap): SideLayout {
  const spans = shape.resumable ? shape.spanStarts.length : 0;
  const slotsAt = checksumsAt + Math.ceil((blocks.count * 4) / slotSize) * slotSize;
  const header = new Uint8Array(sideHeader.size);
  const values = { magic, version, blockSize, slotSize, spans, key: bytesOf(shape.key) };
  const view = viewOf(header);
  sideHeader.write(view, 0, { ...values, blocks: blocks.count, tarSize: shape.tarSize });
  view.setUint32(sideHeader.at.checksum, headerChecksum(header), true);
  return {
    header,
    size: slotsAt + spans * slotSize,
    checksumAt: (block) => checksumsAt + block * 4,
    slotAt: (span) => slotsAt + span * slotSize,
  };
}

const headerChecksum = (header: Uint8Array): number =>
  Bun.hash.crc32(header.subarray(0, sideHeader.at.checksum));
