import type { LayerShape } from "../cache/block-map.ts";
import { LayerCache, type LayerCacheOptions } from "../cache/layer-cache.ts";
import { MemoryBlocks } from "../cache/memory-blocks.ts";
import { ClipError } from "../errors.ts";
import type { Counters } from "../stats/counters.ts";
import { type ContentIndex, Segments, type VirtualDevice } from "./segments.ts";

export interface CachedContentOptions {
  readonly index: ContentIndex;
  /** The table of the index's virtual device, where it has one. */
  readonly virtual?: VirtualDevice | undefined;
  /** Of each layer in the archive's order (`Content.shapes`; plain data, so a worker can be sent it). */
  readonly shapes: readonly LayerShape[];
  /** undefined: memory alone. */
  readonly cacheDirectory: string | undefined;
  readonly counters?: Counters | undefined;
  /** Hears once that the cache's disk refuses something; `error` is what it said. */
  readonly onCacheFailure?: (error: unknown) => void;
}

/**
 * File contents as far as the local cache has them, synchronously. FUSE workers have one each, over the same files as
 * the server's.
 */
export class CachedContent {
  readonly segments: Segments;
  readonly #options: CachedContentOptions;
  readonly #memory = new MemoryBlocks();
  readonly #caches: (LayerCache | undefined)[] = [];
  #saidFailure = false;
  #closed = false;

  constructor(options: CachedContentOptions) {
    this.#options = options;
    this.segments = new Segments(options.index, options.virtual, options.shapes);
  }

  /**
   * Reads up to `length` bytes of file `nid` from byte `offset` into `into` at index `at`. Returns how many there are (fewer
   * at the file's end), or -1 where something is not in the cache. Counts a read that it answered.
   * @throws ClipError ARCHIVE_CORRUPT.
   */
  tryRead(nid: number, offset: number, length: number, into: Uint8Array, at: number): number {
    const started = Bun.nanoseconds();
    const found = this.segments.find(nid, offset, length);
    let filled = 0;
    for (const { layer, from, length: size, place } of found.segments) {
      if (place > filled) into.fill(0, at + filled, at + place);
      if (!this.cache(layer).tryRead(from, size, into, at + place)) return -1;
      filled = place + size;
    }
    into.fill(0, at + filled, at + found.length);
    const { counters } = this.#options;
    if (counters !== undefined) {
      counters.add("reads");
      counters.add("localHits");
      counters.add("servedBytes", found.length);
      counters.observe("localRead", Bun.nanoseconds() - started);
    }
    return found.length;
  }

  /** The cache of a layer, opened when it is first asked for. */
  cache(layer: number): LayerCache {
    const cache = this.#caches[layer] ?? this.#open(layer);
    this.#caches[layer] = cache;
    return cache;
  }

  /** Closes the cache files. */
  close(): void {
    for (const cache of this.#caches) cache?.close();
    this.#caches.length = 0;
    this.#closed = true;
  }

  #open(layer: number): LayerCache {
    if (this.#closed) throw new ClipError("INTERRUPTED", "the archive was closed");
    const { cacheDirectory, counters, shapes, onCacheFailure } = this.#options;
    const events: LayerCacheOptions = {
      memory: this.#memory,
      onStored: (from, to) => {
        counters?.add("storedBytes", to - from);
        counters?.addResidency(layer, from, to);
      },
      onChecksumFailure: () => counters?.add("cacheChecksumFailures"),
      onDegraded: (error) => {
        counters?.add("cacheFailures");
        if (!this.#saidFailure) onCacheFailure?.(error);
        this.#saidFailure = true;
      },
    };
    return new LayerCache(cacheDirectory, shapes[layer]!, events);
  }
}
