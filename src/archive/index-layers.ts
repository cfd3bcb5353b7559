import { availableParallelism } from "node:os";
import { ClipError } from "../errors.ts";
import type { TarEntry } from "../formats/tar/entry.ts";
import type { LayerIndex } from "../layers/layer-index.ts";
import type { OnProgress } from "../progress.ts";
import { startLayerWorker } from "../workers.ts";
import { errorOf, type LayerJob, type LayerMessage } from "./layer-job.ts";

export interface IndexedLayer {
  readonly index: LayerIndex;
  readonly entries: readonly TarEntry[];
}

export interface IndexLayersOptions {
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
  /** Called once for each layer, lowest first, as soon as all below it are done: the order never depends on timing. */
  readonly onLayer: (layer: number, indexed: IndexedLayer) => void;
}

/** Indexes layers on worker threads, the largest first; all stop at the first failure. */
export async function indexLayers(
  jobs: readonly LayerJob[],
  options: IndexLayersOptions,
): Promise<void> {
  const { signal } = options;
  const order = jobs.map((_, i) => i).sort((a, b) => sizeOf(jobs[b]) - sizeOf(jobs[a]) || a - b);
  const finished = new Map<number, IndexedLayer>();
  let nextLayer = 0;
  const deliver = (layer: number, indexed: IndexedLayer) => {
    finished.set(layer, indexed);
    for (
      let ready = finished.get(nextLayer);
      ready !== undefined;
      ready = finished.get(nextLayer)
    ) {
      finished.delete(nextLayer);
      options.onLayer(nextLayer++, ready);
    }
  };
  const workers: Worker[] = [];
  const abort = Promise.withResolvers<never>();
  const onAbort = () => abort.reject(new ClipError("INTERRUPTED", "interrupted"));
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();
  try {
    const threads = Array.from(
      { length: Math.min(jobs.length, availableParallelism(), 8) },
      async () => {
        const worker = startLayerWorker();
        workers.push(worker);
        for (let layer = order.shift(); layer !== undefined; layer = order.shift()) {
          deliver(layer, await runOn(worker, jobs[layer]!, options.onProgress));
        }
      },
    );
    await Promise.race([Promise.all(threads), abort.promise]);
  } finally {
    signal?.removeEventListener("abort", onAbort);
    for (const worker of workers) worker.terminate();
  }
}

const sizeOf = (job: LayerJob | undefined): number => job?.descriptor.size ?? 0;

function runOn(worker: Worker, job: LayerJob, onProgress?: OnProgress): Promise<IndexedLayer> {
  const { digest, size: total } = job.descriptor;
  const entries: TarEntry[] = [];
  return new Promise((resolve, reject) => {
    worker.onmessage = (event: MessageEvent<LayerMessage>) => {
      const message = event.data;
      if (message.kind === "entries") for (const entry of message.entries) entries.push(entry);
      else if (message.kind === "progress")
        onProgress?.({ kind: "layer", digest, done: message.done, total });
      else if (message.kind === "warning") onProgress?.({ kind: "warning", text: message.text });
      else if (message.kind === "done") resolve({ index: message.index, entries });
      else reject(errorOf(message));
    };
    worker.onerror = (event) =>
      reject(
        new ClipError("INTERNAL", `the thread that indexed layer ${digest} died: ${event.message}`),
      );
    onProgress?.({ kind: "layer", digest, done: 0, total });
    worker.postMessage(job);
  });
}
