import { type BlockMap, blockSize } from "./block-map.ts";
import type { CacheDisk } from "./cache-disk.ts";
import { placedChecksum } from "./placed-checksum.ts";

/** The longest run of bytes that is verified at once. */
export const pieceSize = 256 * 1024;

const maxRunBlocks = 2 * (pieceSize / blockSize);

/** The blocks of a layer that are on the disk, each verified after it was read. */
export class DiskBlocks {
  /** Blocks that did not verify and could not be marked absent, since the side file is read-only. */
  private readonly disbelieved = new Set<number>();
  private readonly piece = new Uint8Array(pieceSize + 2 * blockSize);
  private readonly sums = new DataView(new ArrayBuffer(maxRunBlocks * 4));

  constructor(
    private readonly disk: CacheDisk,
    private readonly map: BlockMap,
    private readonly onMismatch: (block: number) => void,
  ) {}

  /** For each block from `first` to `last`, whether the side file says that it is here. */
  presence(first: number, last: number): boolean[] {
    const sums = new Uint32Array(last - first + 1);
    const at = this.disk.layout.checksumAt(first);
    if (!this.disk.readSide(at, new Uint8Array(sums.buffer))) sums.fill(0);
    return Array.from(sums, (sum, i) => sum !== 0 && !this.disbelieved.has(first + i));
  }

  /** The bytes from block `first` up to the end of block `last`, valid until the next call; undefined unless all verify. */
  readRun(first: number, last: number): Uint8Array | undefined {
    const from = this.map.blockStart(first);
    const count = last - first + 1;
    const bytes = this.map.blockStart(last + 1) - from;
    if (this.disbelieved.size > 0 || count > maxRunBlocks || bytes > this.piece.length) {
      return undefined;
    }
    const sums = new Uint8Array(this.sums.buffer, 0, count * 4);
    if (!this.disk.readSide(this.disk.layout.checksumAt(first), sums)) return undefined;
    for (let i = 0; i < count; i++) if (this.sums.getUint32(i * 4, true) === 0) return undefined;
    const run = this.piece.subarray(0, bytes);
    if (!this.disk.readData(from, run)) return undefined;
    let span = this.map.spanAt(from);
    for (let i = 0, at = from; i < count; i++) {
      while (at >= this.map.spanEnd(span)) span++;
      const next = Math.min(at + blockSize, this.map.spanEnd(span));
      const block = run.subarray(at - from, next - from);
      if (this.sums.getUint32(i * 4, true) !== placedChecksum(block, first + i)) return undefined;
      at = next;
    }
    return run;
  }

  /** The bytes of one block; undefined where it is absent. One that does not verify becomes absent. */
  read(block: number): Uint8Array | undefined {
    if (this.disbelieved.has(block)) return undefined;
    const start = this.map.blockStart(block);
    const bytes = new Uint8Array(this.map.blockStart(block + 1) - start);
    // Another process may be storing the block between the two reads, so a mismatch is looked at twice.
    for (let attempt = 0; attempt < 2; attempt++) {
      const sum = this.checksumOf(block);
      if (sum === 0) return undefined;
      if (this.disk.readData(start, bytes) && placedChecksum(bytes, block) === sum) return bytes;
    }
    this.forget(block);
    return undefined;
  }

  /** Stores neighbouring blocks of one span. Returns which of them were absent before, or undefined if it failed. */
  store(first: number, bytes: Uint8Array): boolean[] | undefined {
    const at = this.disk.layout.checksumAt(first);
    const count = Math.ceil(bytes.length / blockSize);
    const before = new Uint32Array(count);
    this.disk.readSide(at, new Uint8Array(before.buffer));
    const sums = new DataView(new ArrayBuffer(count * 4));
    for (let i = 0; i < count; i++) {
      const block = bytes.subarray(i * blockSize, (i + 1) * blockSize);
      sums.setUint32(i * 4, placedChecksum(block, first + i), true);
    }
    // Presence comes after the data, so that a reader between the two finds the blocks absent.
    const data = { at: this.map.blockStart(first), bytes };
    const stored = this.disk.write(data, { at, bytes: new Uint8Array(sums.buffer) });
    if (!stored) return undefined;
    for (let i = 0; i < count; i++) this.disbelieved.delete(first + i);
    return Array.from(before, (sum) => sum === 0);
  }

  /** Calls `visit` for every run of blocks that the side file says are here. */
  visitRuns(visit: (from: number, to: number) => void): void {
    const step = 64 * 1024;
    const sums = new Uint32Array(step);
    for (let first = 0; first < this.map.count; first += step) {
      const count = Math.min(step, this.map.count - first);
      const target = new Uint8Array(sums.buffer, 0, count * 4);
      if (!this.disk.readSide(this.disk.layout.checksumAt(first), target)) return;
      for (let i = 0; i < count; ) {
        const start = i;
        while (i < count && sums[i] !== 0) i++;
        if (i > start) visit(this.map.blockStart(first + start), this.map.blockStart(first + i));
        else i++;
      }
    }
  }

  private forget(block: number): void {
    this.onMismatch(block);
    const absent = { at: this.disk.layout.checksumAt(block), bytes: new Uint8Array(4) };
    if (!this.disk.write(undefined, absent)) this.disbelieved.add(block);
  }

  private checksumOf(block: number): number {
    const sum = new DataView(new ArrayBuffer(4));
    const at = this.disk.layout.checksumAt(block);
    return this.disk.readSide(at, new Uint8Array(sum.buffer)) ? sum.getUint32(0, true) : 0;
  }
}
