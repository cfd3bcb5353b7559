import { closeSync, constants, fstatSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { ClipError, toClipError } from "../errors.ts";
import { viewOf } from "../formats/fields.ts";
import { type CounterName, counters, type HistogramName, histograms } from "./counter-table.ts";
import {
  type CountersLayout,
  type CountersShape,
  countersHead,
  decodeLayout,
  encodeHead,
  layoutOf,
} from "./counters-layout.ts";
import { EventRing, type ReadEvent } from "./event-ring.ts";
import { bucketOf } from "./histogram.ts";

/** The counters of one mount, in memory that server, workers and viewers share. Counting never fails. */
export class Counters {
  private readonly longs: BigInt64Array;
  private readonly words: Int32Array;
  private readonly ring: EventRing;
  private readonly at: Readonly<Record<string, number>>;

  constructor(
    readonly bytes: Uint8Array,
    readonly layout: CountersLayout,
  ) {
    const { buffer, byteOffset, byteLength } = bytes;
    this.longs = new BigInt64Array(buffer, byteOffset, Math.floor(byteLength / 8));
    this.words = new Int32Array(buffer, byteOffset, Math.floor(byteLength / 4));
    const { head, at, capacity } = layout.events;
    this.ring = new EventRing(bytes, head, at, capacity);
    this.at = layout.counters;
  }

  /** Adds a whole number, which may be negative for what goes up and down. */
  add(name: CounterName, amount = 1): void {
    Atomics.add(this.longs, this.at[name]! / 8, BigInt(amount));
  }

  /** Counts a duration. */
  observe(name: HistogramName, durationNs: number): void {
    const at = this.layout.histograms[name]! / 8;
    const value = BigInt(Math.max(0, Math.round(durationNs)));
    Atomics.add(this.longs, at, value);
    for (let seen = Atomics.load(this.longs, at + 1); value > seen; ) {
      const found = Atomics.compareExchange(this.longs, at + 1, seen, value);
      if (found === seen) break;
      seen = found;
    }
    Atomics.add(this.longs, at + 2 + bucketOf(durationNs), 1n);
  }

  /** Counts that a span was decoded from checkpoint number `checkpoint` of a layer. */
  countCheckpoint(layer: number, checkpoint: number): void {
    const arrays = this.layout.layers[layer];
    if (arrays === undefined || checkpoint >= arrays.checkpoints) return;
    const cell = Math.floor((checkpoint * arrays.useCells) / arrays.checkpoints);
    Atomics.add(this.words, arrays.uses / 4 + cell, 1);
  }

  /** Counts tar bytes from `from` to `to` of a layer as being in the local cache. */
  addResidency(layer: number, from: number, to: number): void {
    const arrays = this.layout.layers[layer];
    if (arrays === undefined || to > arrays.tarSize) return;
    const width = arrays.tarSize / arrays.residencyCells;
    for (let at = from; at < to; ) {
      const cell = Math.min(Math.floor(at / width), arrays.residencyCells - 1);
      const last = cell === arrays.residencyCells - 1;
      const end = last ? to : Math.min(to, Math.max(at + 1, Math.ceil((cell + 1) * width)));
      Atomics.add(this.words, arrays.residency / 4 + cell, end - at);
      at = end;
    }
  }

  /** Forgets what is known of a layer's residency, before it is counted anew. */
  clearResidency(layer: number): void {
    const arrays = this.layout.layers[layer];
    if (arrays === undefined) return;
    for (let cell = 0; cell < arrays.residencyCells; cell++) {
      Atomics.store(this.words, arrays.residency / 4 + cell, 0);
    }
  }

  event(event: ReadEvent): void {
    this.ring.write(event);
  }

  /** The events from number `from` on, at most `limit`, and the number to ask for next. */
  events(from: number, limit = this.layout.events.capacity): { events: ReadEvent[]; next: number } {
    return this.ring.read(from, limit);
  }

  /** The 64-bit number at a byte offset of the layout. */
  long(at: number): number {
    return Number(Atomics.load(this.longs, at / 8));
  }

  /** `count` u32 numbers from a byte offset of the layout on. */
  wordsAt(at: number, count: number): number[] {
    return Array.from({ length: count }, (_, i) => Atomics.load(this.words, at / 4 + i) >>> 0);
  }
}

/**
 * Makes the counters file of a mount, or goes on with the one that a server which died left there. `path` undefined,
 * or a disk that is full: counters that only this thread sees.
 * @throws ClipError PERMISSION and the like where the file cannot be made.
 */
export function createCounters(path: string | undefined, shape: CountersShape): Counters {
  const layout = layoutOf(shape);
  const head = encodeHead(layout, process.pid, Date.now());
  const inMemory = () => {
    const bytes = new Uint8Array(layout.size);
    bytes.set(head);
    return new Counters(bytes, layout);
  };
  if (path === undefined) return inMemory();
  const left = tryOpen(path);
  if (left !== undefined && JSON.stringify(left.layout) === JSON.stringify(layout)) {
    viewOf(left.bytes).setUint32(countersHead.at.pid, process.pid, true);
    return left;
  }
  try {
    writeWhole(path, head, layout.size);
  } catch (error) {
    const failure = toClipError(error, `making the counters file ${path}`);
    if (failure.code === "DISK_FULL") return inMemory();
    throw failure;
  }
  return openCounters(path);
}

/**
 * Opens a mount's counters, to count or to show. A file of another version of clip is opened as long as its structure
 * is the same; names that it does not have are simply not there.
 * @throws ClipError UNSUPPORTED, FILE_NOT_FOUND, PERMISSION.
 */
export function openCounters(path: string): Counters {
  const doing = `opening the counters file ${path}`;
  let bytes: Uint8Array;
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile() || stat.size === 0) {
        throw new ClipError("UNSUPPORTED", `${path} is not a counters file`, { path });
      }
    } finally {
      closeSync(fd);
    }
    bytes = Bun.mmap(path, { shared: true });
  } catch (error) {
    throw toClipError(error, doing);
  }
  const layout = decodeLayout(bytes, path);
  return new Counters(bytes, layout);
}

function tryOpen(path: string): Counters | undefined {
  try {
    return openCounters(path);
  } catch {
    return undefined;
  }
}

/** Every byte is written: a page of a mapped sparse file that a full disk cannot back ends the process (SIGBUS). */
function writeWhole(path: string, head: Uint8Array, size: number): void {
  const temporary = `${path}.${process.pid}.${crypto.randomUUID()}`;
  const content = new Uint8Array(size);
  content.set(head);
  const fd = openSync(temporary, "wx", 0o600);
  try {
    for (let at = 0; at < size; ) at += writeSync(fd, content, at, size - at, at);
    renameSync(temporary, path);
  } finally {
    closeSync(fd);
    rmSync(temporary, { force: true });
  }
}

/** Names of this version, for renderers. */
export const counterNames = Object.keys(counters) as CounterName[];
export const histogramNames = Object.keys(histograms) as HistogramName[];
