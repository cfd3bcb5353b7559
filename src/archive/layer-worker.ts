/** Thread entry: indexes the layers that it is given, one after another. */
import { type LayerJob, runLayerJob } from "./layer-job.ts";

declare const self: Worker;

self.onmessage = (event: MessageEvent<LayerJob>) => {
  void runLayerJob(event.data, (message) => self.postMessage(message));
};
