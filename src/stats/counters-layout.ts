import { ClipError } from "../errors.ts";
import { bytesOf } from "../formats/bytestring.ts";
import { struct, viewOf } from "../formats/fields.ts";
import { counters, histograms } from "./counter-table.ts";
import { eventStruct } from "./event-ring.ts";
import { bucketCount } from "./histogram.ts";

/**
 * The counters file: a head, the description of everything that follows as JSON, then 64-bit numbers. Another
 * version of clip finds what it knows by name; a file whose structure it does not know it refuses.
 */

const magic = bytesOf("\x89CSTAT\r\n");
const version = 1;

export const countersHead = struct("counters head", 64, {
  magic: { bytes: 8 },
  version: "u32",
  layoutLength: "u32",
  /** Bytes of the whole file. */
  size: "u64",
  /** Milliseconds since 1970. */
  startedAtMs: "u64",
  pid: "u32",
  reserved: { bytes: 28 },
});

/** What the arrays are sized from. */
export interface CountersShape {
  readonly layers: readonly {
    readonly digest: string;
    readonly tarSize: number;
    readonly checkpoints: number;
  }[];
  /** Events that are kept; 4096 unless told. */
  readonly events?: number;
}

/** Byte offsets in the file. Arrays are of u32 (`uses`, `residency`) or i64 (everything else). */
export interface CountersLayout {
  readonly counters: Readonly<Record<string, number>>;
  /** At each: sum, maximum, then the buckets. */
  readonly histograms: Readonly<Record<string, number>>;
  readonly buckets: number;
  readonly layers: readonly LayerArrays[];
  readonly events: { readonly head: number; readonly at: number; readonly capacity: number };
  readonly size: number;
}

export interface LayerArrays {
  readonly digest: string;
  readonly tarSize: number;
  readonly checkpoints: number;
  /** How often each checkpoint (or each group of them, where there are very many) was decoded from. */
  readonly uses: number;
  readonly useCells: number;
  /** Bytes of the local cache in each of `residencyCells` equal parts of the tar. */
  readonly residency: number;
  readonly residencyCells: number;
}

const maxUseCells = 65_536;
const maxResidencyCells = 1024;
const maxFileSize = 256 * 1024 * 1024;
const maxLayoutLength = 4 * 1024 * 1024;

export function layoutOf(shape: CountersShape): CountersLayout {
  // The description's own length moves what it describes, so offsets start at a place that leaves it enough room.
  const text = 4096 + shape.layers.length * 512;
  let at = countersHead.size + Math.ceil(text / 64) * 64;
  const take = (bytes: number): number => {
    const start = at;
    at += Math.ceil(bytes / 8) * 8;
    return start;
  };
  const named = (names: readonly string[], bytes: number) =>
    Object.fromEntries(names.map((name) => [name, take(bytes)]));
  const layers = shape.layers.map(({ digest, tarSize, checkpoints }) => {
    const useCells = Math.min(checkpoints, maxUseCells);
    const residencyCells = Math.min(maxResidencyCells, Math.max(1, Math.ceil(tarSize / 4096)));
    const uses = take(useCells * 4);
    return {
      ...{ digest, tarSize, checkpoints, uses, useCells },
      ...{ residency: take(residencyCells * 4), residencyCells },
    };
  });
  const capacity = shape.events ?? 4096;
  const layout = {
    counters: named(Object.keys(counters), 8),
    histograms: named(Object.keys(histograms), (2 + bucketCount) * 8),
    buckets: bucketCount,
    layers,
    events: { head: take(8), at: take(capacity * eventStruct.size), capacity },
  };
  return { ...layout, size: at };
}

/** The bytes that a file of this layout begins with. */
export function encodeHead(layout: CountersLayout, pid: number, startedAtMs: number): Uint8Array {
  const text = Buffer.from(JSON.stringify(layout), "utf8");
  const head = new Uint8Array(countersHead.size + text.length);
  const values = { magic, version, layoutLength: text.length, size: layout.size };
  countersHead.write(viewOf(head), 0, { ...values, pid, startedAtMs });
  head.set(text, countersHead.size);
  return head;
}

/** Reads the layout of a counters file. @throws ClipError UNSUPPORTED for a file that is none, or another version's. */
export function decodeLayout(bytes: Uint8Array, path: string): CountersLayout {
  const refuse = (why: string) =>
    new ClipError("UNSUPPORTED", `the counters file ${path} ${why}`, { path });
  if (bytes.length < countersHead.size) throw refuse("is too short");
  const head = countersHead.read(viewOf(bytes));
  if (Buffer.compare(head.magic, magic) !== 0) throw refuse("is not a counters file");
  if (head.version !== version) throw refuse(`is of version ${head.version}, not ${version}`);
  const end = countersHead.size + head.layoutLength;
  if (head.layoutLength > maxLayoutLength || end > bytes.length) throw refuse("is cut off");
  let layout: CountersLayout;
  try {
    layout = JSON.parse(Buffer.from(bytes.subarray(countersHead.size, end)).toString("utf8"));
  } catch {
    throw refuse("has no readable layout");
  }
  if (layout.size !== bytes.length || layout.size > maxFileSize) throw refuse("is cut off");
  if (!isSound(layout)) throw refuse("has a layout that points outside it");
  return layout;
}

/** Whether everything that the layout names lies in the file, aligned. */
function isSound(layout: CountersLayout): boolean {
  const { counters, histograms, buckets, layers, events, size } = layout;
  const fits = (at: number, count: number, width: number) =>
    Number.isSafeInteger(at) &&
    Number.isSafeInteger(count) &&
    at >= countersHead.size &&
    at % width === 0 &&
    count >= 0 &&
    at + count * width <= size;
  try {
    return (
      Object.values(counters).every((at) => fits(at, 1, 8)) &&
      Object.values(histograms).every((at) => fits(at, 2 + buckets, 8)) &&
      layers.every(
        ({ uses, useCells, residency, residencyCells }) =>
          fits(uses, useCells, 4) && fits(residency, residencyCells, 4),
      ) &&
      fits(events.head, 1, 8) &&
      fits(events.at, events.capacity * (eventStruct.size / 8), 8) &&
      events.capacity > 0
    );
  } catch {
    return false;
  }
}
