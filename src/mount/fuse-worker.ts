/** Thread entry: answers the kernel's requests of one mount. */

import type { LayerShape } from "../cache/block-map.ts";
import { CachedContent } from "../content/cached-content.ts";
import { virtualTableOf } from "../content/open-image.ts";
import { ErofsImage } from "../formats/erofs/image.ts";
import { runWorker } from "../fuse/run-worker.ts";
import { openCounters } from "../stats/counters.ts";

/** What a worker makes its handlers from; plain data. */
export interface WorkerSetup {
  /** File with the index, or the index itself where the cache cannot hold a file. */
  readonly index: string | Uint8Array;
  readonly virtual: Uint8Array;
  readonly shapes: readonly LayerShape[];
  readonly cacheDirectory: string | undefined;
  readonly counters: string;
}

runWorker((setup: WorkerSetup) => {
  const bytes =
    typeof setup.index === "string" ? Bun.mmap(setup.index, { shared: true }) : setup.index;
  const index = new ErofsImage(bytes);
  const cached = new CachedContent({
    index,
    virtual: virtualTableOf(setup.virtual, setup.shapes),
    shapes: setup.shapes,
    cacheDirectory: setup.cacheDirectory,
    counters: openCounters(setup.counters),
  });
  return {
    index,
    tryRead: (nid, offset, size, into, at) => cached.tryRead(nid, offset, size, into, at),
  };
});
