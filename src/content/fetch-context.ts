import type { LayerCache } from "../cache/layer-cache.ts";
import type { Counters } from "../stats/counters.ts";
import type { Blob } from "../stores/origin.ts";
import type { Gate } from "./gate.ts";
import type { Readahead } from "./readahead.ts";
import type { Spans } from "./spans.ts";

/** Bounds of waiting, in milliseconds. */
export interface FetchLimits {
  /** A fetch that has got no further granule for so long fails. */
  readonly stallMs: number;
  /** How long to wait for another process to fetch, before doing it here as well. */
  readonly otherProcessMs: number;
}

/** What all fetches of one layer share. */
export interface FetchContext {
  /** Number of the layer in the archive, from 0. */
  readonly layer: number;
  readonly spans: Spans;
  readonly cache: LayerCache;
  readonly blob: Blob;
  readonly gate: Gate;
  readonly readahead: Readahead;
  readonly limits: FetchLimits;
  readonly counters: Counters | undefined;
  /** Aborted when the content is closed. */
  readonly closing: AbortSignal;
}
