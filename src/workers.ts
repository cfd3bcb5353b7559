/**
 * The program's threads. This file lies beside the entry points `main.ts` and `index.ts`, because a compiled binary
 * resolves a worker relative to the file that was its entry (design D6).
 */
export const startLayerWorker = (): Worker =>
  new Worker(new URL("./archive/layer-worker.ts", import.meta.url).href);

export const startFuseWorker = (): Worker =>
  new Worker(new URL("./mount/fuse-worker.ts", import.meta.url).href);
