import { runWorker } from "../../../src/fuse/run-worker.ts";
import { tarHandlers } from "./tar-handlers.ts";

runWorker(tarHandlers);
