import type { LayerShape } from "../cache/block-map.ts";
import { ClipError } from "../errors.ts";

/** The part of the index (`ErofsImage`) that says where a file's bytes lie. */
export interface ContentIndex {
  /** Number of the virtual device; 0 where there is none. */
  readonly virtualDevice: number;
  /** Visits the runs of a file up to its end: place in the file, length, device (0: a hole) and byte in the device. */
  extents(nid: number, offset: number, length: number, visit: VisitExtent): void;
}

/** The table of the virtual device (`VirtualTable`). */
export interface VirtualDevice {
  /** Visits the pieces of a range: place in the virtual device, length, device (0: zeros) and byte in that. */
  resolve(offset: number, length: number, visit: VisitExtent): void;
}

export type VisitExtent = (place: number, length: number, device: number, at: number) => void;

/** Bytes of one layer's tar that a read needs, and where in the answer they go. */
export interface Segment {
  /** Number of the layer, from 0. */
  readonly layer: number;
  readonly from: number;
  readonly length: number;
  readonly place: number;
}

/** Where files' bytes lie in the layers' tars. */
export class Segments {
  constructor(
    private readonly index: ContentIndex,
    private readonly virtual: VirtualDevice | undefined,
    private readonly layers: readonly LayerShape[],
  ) {}

  /**
   * The segments of `length` bytes of a file from byte `offset`, and how many of those bytes the file has. What no
   * segment covers is zeros.
   * @throws ClipError ARCHIVE_CORRUPT where the index points outside a layer.
   */
  find(nid: number, offset: number, length: number): { segments: Segment[]; length: number } {
    const segments: Segment[] = [];
    let end = 0;
    this.index.extents(nid, offset, length, (place, size, device, at) => {
      end = Math.max(end, place + size - offset);
      if (device === 0) return;
      if (device !== this.index.virtualDevice) {
        segments.push(this.#segment(nid, device, at, size, place - offset));
        return;
      }
      this.virtual?.resolve(at, size, (virtualAt, pieceSize, pieceDevice, pieceAt) => {
        if (pieceDevice === 0) return;
        const to = place - offset + (virtualAt - at);
        segments.push(this.#segment(nid, pieceDevice, pieceAt, pieceSize, to));
      });
    });
    return { segments, length: end };
  }

  #segment(nid: number, device: number, from: number, length: number, place: number): Segment {
    const shape = this.layers[device - 1];
    if (shape === undefined || from + length > shape.tarSize) {
      throw new ClipError(
        "ARCHIVE_CORRUPT",
        `inode ${nid} has data outside the layers; build the archive again`,
        { nid },
      );
    }
    return { layer: device - 1, from, length, place };
  }
}
