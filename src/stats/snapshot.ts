import { viewOf } from "../formats/fields.ts";
import type { CounterName, HistogramName } from "./counter-table.ts";
import { type Counters, counterNames, histogramNames } from "./counters.ts";
import { countersHead } from "./counters-layout.ts";
import type { ReadEvent } from "./event-ring.ts";
import { quantileOf } from "./histogram.ts";

export interface HistogramSnapshot {
  readonly count: number;
  readonly sumNs: number;
  readonly maxNs: number;
  readonly medianNs: number;
  readonly p99Ns: number;
  /** How many values each bucket holds (histogram.ts says where it starts). */
  readonly buckets: readonly number[];
}

export interface LayerSnapshot {
  readonly digest: string;
  readonly tarSize: number;
  readonly checkpoints: number;
  /** Tar bytes in the local cache. */
  readonly residentBytes: number;
  /** The same, for equal parts of the tar. */
  readonly residency: readonly number[];
  /** How often each checkpoint, or group of them, was decoded from. */
  readonly uses: readonly number[];
}

/** All statistics of a mount at one moment: plain, frozen data, which every rendering is made from. */
export interface Snapshot {
  readonly version: 1;
  readonly pid: number;
  readonly startedAtMs: number;
  readonly takenAtMs: number;
  readonly counters: Readonly<Record<CounterName, number>>;
  readonly histograms: Readonly<Record<HistogramName, HistogramSnapshot>>;
  readonly layers: readonly LayerSnapshot[];
  readonly events: readonly ReadEvent[];
  /** Ask for events from this number on next time. */
  readonly nextEvent: number;
}

export interface SnapshotOptions {
  /** Events from this number on; none unless told. */
  readonly eventsFrom?: number;
  /** At most this many of the latest ones. */
  readonly eventLimit?: number;
}

/** Takes a snapshot. A name that the file does not have (of another version) is 0. */
export function snapshot(counters: Counters, options: SnapshotOptions = {}): Snapshot {
  const { layout } = counters;
  const head = countersHead.read(viewOf(counters.bytes));
  const { events, next } = counters.events(
    options.eventsFrom ?? Number.MAX_SAFE_INTEGER,
    options.eventLimit,
  );
  const values = counterNames.map((name) => {
    const at = layout.counters[name];
    return [name, at === undefined ? 0 : counters.long(at)] as const;
  });
  return Object.freeze({
    version: 1,
    pid: head.pid,
    startedAtMs: head.startedAtMs,
    takenAtMs: Date.now(),
    counters: Object.freeze(Object.fromEntries(values) as Record<CounterName, number>),
    histograms: Object.freeze(
      Object.fromEntries(
        histogramNames.map((name) => [name, histogramOf(counters, layout.histograms[name])]),
      ) as Record<HistogramName, HistogramSnapshot>,
    ),
    layers: Object.freeze(layout.layers.map((_, layer) => layerOf(counters, layer))),
    events: Object.freeze(events),
    nextEvent: next,
  });
}

function histogramOf(counters: Counters, at: number | undefined): HistogramSnapshot {
  const long = (index: number) => (at === undefined ? 0 : counters.long(at + index * 8));
  const length = at === undefined ? 0 : counters.layout.buckets;
  const buckets = Array.from({ length }, (_, i) => long(2 + i));
  const maxNs = long(1);
  return Object.freeze({
    count: buckets.reduce((sum, count) => sum + count, 0),
    sumNs: long(0),
    maxNs,
    medianNs: Math.min(quantileOf(buckets, 0.5), maxNs),
    p99Ns: Math.min(quantileOf(buckets, 0.99), maxNs),
    buckets: Object.freeze(buckets),
  });
}

function layerOf(counters: Counters, layer: number): LayerSnapshot {
  const arrays = counters.layout.layers[layer]!;
  const residency = counters.wordsAt(arrays.residency, arrays.residencyCells);
  return Object.freeze({
    digest: arrays.digest,
    tarSize: arrays.tarSize,
    checkpoints: arrays.checkpoints,
    residentBytes: residency.reduce((sum, bytes) => sum + bytes, 0),
    residency: Object.freeze(residency),
    uses: Object.freeze(counters.wordsAt(arrays.uses, arrays.useCells)),
  });
}
