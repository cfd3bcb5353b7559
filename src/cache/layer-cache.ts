import { BlockMap, blockSize, type LayerShape } from "./block-map.ts";
import { CacheDisk } from "./cache-disk.ts";
import { DiskBlocks, pieceSize } from "./disk-blocks.ts";
import { MemoryBlocks } from "./memory-blocks.ts";
import { decodeResumeSlot, encodeResumeSlot, maxResumeRecord } from "./resume-slot.ts";
import { slotSize } from "./side-file.ts";

/** What the cache tells its owner; all are called synchronously and must not throw. */
export interface LayerCacheEvents {
  /** Tar bytes from `from` to `to` came onto the disk that were not there before. */
  readonly onStored?: (from: number, to: number) => void;
  /** A block was read back that does not verify; it is absent now. */
  readonly onChecksumFailure?: (block: number) => void;
  /** The disk would not take or give something; memory stands in. */
  readonly onDegraded?: (error: unknown) => void;
}

export interface LayerCacheOptions extends LayerCacheEvents {
  /** Shared by the layers of a mount; takes what the disk does not. */
  readonly memory?: MemoryBlocks;
}

/** Where decoding of a span can go on, with up to 32 KiB of the span's output before that place. */
export interface CachedResume {
  readonly out: number;
  readonly record: Uint8Array;
  readonly before: Uint8Array;
}

/** Deflate refers back this far at most (RFC 1951, section 2). */
const windowSize = 32 * 1024;

const maxKeptResumes = 32;

/**
 * The cached bytes of one layer. Every block is verified after it was read; one that does not verify is absent.
 * Several objects, threads and processes may use the same files at once. No method fails because of the disk.
 */
export class LayerCache {
  readonly blocks: BlockMap;
  private readonly disk: CacheDisk;
  private readonly onDisk: DiskBlocks;
  private readonly memory: MemoryBlocks;
  private readonly memoryLayer: number;
  /** Places to resume at that the disk would not take, by span; the oldest first. */
  private readonly keptResumes = new Map<number, CachedResume>();

  /** `directory` undefined: memory alone. */
  constructor(
    directory: string | undefined,
    readonly shape: LayerShape,
    private readonly options: LayerCacheOptions = {},
  ) {
    this.blocks = new BlockMap(shape.spanStarts, shape.tarSize);
    this.disk = new CacheDisk(directory, shape, this.blocks, (e) => options.onDegraded?.(e));
    this.onDisk = new DiskBlocks(this.disk, this.blocks, (b) => options.onChecksumFailure?.(b));
    this.memory = options.memory ?? new MemoryBlocks();
    this.memoryLayer = this.memory.addLayer();
  }

  /** Whether what is stored now stays: it goes to the disk, not to the bounded memory. */
  get durable(): boolean {
    return this.disk.writable;
  }

  /** Closes the files, which releases this object's locks. */
  close(): void {
    this.disk.close();
  }

  /**
   * Copies `length` tar bytes from `offset` to `into` at `at`, if all of them are here and verify.
   * The range lies inside the tar.
   */
  tryRead(offset: number, length: number, into: Uint8Array, at: number): boolean {
    for (let done = 0; done < length; ) {
      const count = Math.min(length - done, pieceSize);
      if (!this.readPiece(offset + done, count, into, at + done)) return false;
      done += count;
    }
    return true;
  }

  /** The absent parts of [from, to), widened to whole blocks, neighbours joined. Nothing is verified here. */
  missing(from: number, to: number): { from: number; to: number }[] {
    const found: { from: number; to: number }[] = [];
    if (to <= from) return found;
    const first = this.blocks.blockAt(from);
    const last = this.blocks.blockAt(to - 1);
    const stored = this.onDisk.presence(first, last);
    for (let block = first; block <= last; block++) {
      if (stored[block - first] || this.memory.has(this.memoryLayer, block)) continue;
      const [start, end] = [this.blocks.blockStart(block), this.blocks.blockStart(block + 1)];
      const previous = found.at(-1);
      if (previous?.to === start) previous.to = end;
      else found.push({ from: start, to: end });
    }
    return found;
  }

  /** Calls `visit` for every run of tar bytes on the disk, as the side file says. */
  visitStored(visit: (from: number, to: number) => void): void {
    this.onDisk.visitRuns(visit);
  }

  /** Stores whole neighbouring blocks of one span, from block `first` on; `bytes` ends where a block ends. */
  store(first: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const absent = this.disk.writable ? this.onDisk.store(first, bytes) : undefined;
    const count = Math.ceil(bytes.length / blockSize);
    const from = this.blocks.blockStart(first);
    for (let i = 0; i < count; i++) {
      const end = Math.min((i + 1) * blockSize, bytes.length);
      if (absent === undefined) {
        this.memory.put(this.memoryLayer, first + i, bytes.subarray(i * blockSize, end));
      } else if (absent[i]) this.options.onStored?.(from + i * blockSize, from + end);
    }
  }

  /** Remembers where decoding of a span stopped; `tail` are the bytes from the start of its block to `out`. */
  saveResume(span: number, out: number, record: Uint8Array, tail: Uint8Array): void {
    if (!this.shape.resumable || record.length > maxResumeRecord) return;
    const slot = encodeResumeSlot(span, { out, record, tailChecksum: Bun.hash.crc32(tail) });
    const data = { at: out - tail.length, bytes: tail };
    const stored = this.disk.write(data, { at: this.disk.layout.slotAt(span), bytes: slot });
    this.keptResumes.delete(span);
    if (stored) return;
    const from = Math.max(this.blocks.spanStarts[span]!, out - windowSize);
    const before = new Uint8Array(out - from);
    const whole = Math.max(0, before.length - tail.length);
    before.set(tail.subarray(Math.max(0, tail.length - before.length)), whole);
    if (!this.tryRead(from, whole, before, 0)) return;
    this.keptResumes.set(span, { out, record, before });
    for (const oldest of this.keptResumes.keys()) {
      if (this.keptResumes.size <= maxKeptResumes) break;
      this.keptResumes.delete(oldest);
    }
  }

  /** Where decoding of a span can go on, if there is such a place and all that it needs verifies. */
  loadResume(span: number): CachedResume | undefined {
    const kept = this.keptResumes.get(span);
    if (kept !== undefined) return kept;
    if (!this.shape.resumable || !this.disk.present) return undefined;
    const bytes = new Uint8Array(slotSize);
    if (!this.disk.readSide(this.disk.layout.slotAt(span), bytes)) return undefined;
    const slot = decodeResumeSlot(span, bytes);
    if (slot === undefined) return undefined;
    const { out, record, tailChecksum } = slot;
    const start = this.blocks.spanStarts[span]!;
    if (out <= start || out >= this.blocks.spanEnd(span)) return undefined;
    const from = Math.max(start, out - windowSize);
    const before = new Uint8Array(out - from);
    const blockStart = this.blocks.floor(out);
    if (!this.tryRead(from, blockStart - from, before, 0)) return undefined;
    const tail = before.subarray(blockStart - from);
    if (!this.disk.readData(blockStart, tail)) return undefined;
    return Bun.hash.crc32(tail) === tailChecksum ? { out, record, before } : undefined;
  }

  /**
   * Says to other processes that a span is being fetched; false where another one says so already. Never waits. The
   * lock goes with {@link unlockSpan}, and with the process.
   */
  tryLockSpan(span: number): boolean {
    return this.disk.tryLock(span);
  }

  unlockSpan(span: number): void {
    this.disk.unlock(span);
  }

  private readPiece(offset: number, length: number, into: Uint8Array, at: number): boolean {
    const first = this.blocks.blockAt(offset);
    const last = this.blocks.blockAt(offset + length - 1);
    let start = this.blocks.blockStart(first);
    const run = this.onDisk.readRun(first, last);
    if (run !== undefined) {
      into.set(run.subarray(offset - start, offset - start + length), at);
      return true;
    }
    // Something of it is absent, in memory, or was being written at that moment: look at each block.
    for (let block = first; block <= last; block++) {
      const bytes = this.memory.get(this.memoryLayer, block) ?? this.onDisk.read(block);
      if (bytes === undefined) return false;
      const skip = Math.max(0, offset - start);
      const end = Math.min(bytes.length, offset + length - start);
      into.set(bytes.subarray(skip, end), at + start + skip - offset);
      start += bytes.length;
    }
    return true;
  }
}
