import { ClipError, type ErrorCode, type ErrorData, toClipError } from "../errors.ts";
import type { TarEntry } from "../formats/tar/entry.ts";
import { createTarScanner } from "../formats/tar/scanner.ts";
import { indexLayer } from "../layers/indexer.ts";
import type { LayerIndex } from "../layers/layer-index.ts";
import { type OriginOptions, openOrigin } from "../stores/open-origin.ts";
import type { Descriptor, OriginSpec } from "../stores/origin.ts";

/** One layer to be indexed: plain data, so that any thread can do it. */
export interface LayerJob {
  readonly spec: OriginSpec;
  readonly origin: OriginOptions;
  readonly descriptor: Descriptor;
  readonly diffId: string;
  readonly checkpointBytes: number;
}

/** What a layer's indexing tells while it runs; entries come in the order of the tar. */
export type LayerMessage =
  | { readonly kind: "entries"; readonly entries: readonly TarEntry[] }
  | { readonly kind: "progress"; readonly done: number }
  | { readonly kind: "warning"; readonly text: string }
  | { readonly kind: "done"; readonly index: LayerIndex }
  | {
      readonly kind: "failed";
      readonly code: ErrorCode;
      readonly message: string;
      readonly data: ErrorData;
    };

const batchSize = 512;
const progressBytes = 1 << 20;

/** Reads, verifies and maps one layer, and posts what it finds. Failures are posted too, never thrown. */
export async function runLayerJob(
  job: LayerJob,
  post: (message: LayerMessage) => void,
  signal?: AbortSignal,
): Promise<void> {
  const origin = openOrigin(job.spec, job.origin);
  try {
    let batch: TarEntry[] = [];
    const flush = () => {
      if (batch.length > 0) post({ kind: "entries", entries: batch });
      batch = [];
    };
    const scanner = createTarScanner(
      (entry) => {
        batch.push(entry);
        if (batch.length >= batchSize) flush();
      },
      {
        name: `layer ${job.descriptor.digest}`,
        onWarning: (text) => post({ kind: "warning", text }),
      },
    );
    let shown = 0;
    const index = await indexLayer(
      origin
        .blob(job.descriptor)
        .read(0, job.descriptor.size, signal === undefined ? {} : { signal }),
      {
        descriptor: job.descriptor,
        diffId: job.diffId,
        checkpointBytes: job.checkpointBytes,
        onTar: (piece) => scanner.push(piece),
        onProgress: (done) => {
          if (done - shown < progressBytes) return;
          shown = done;
          post({ kind: "progress", done });
        },
        ...(signal === undefined ? {} : { signal }),
      },
    );
    scanner.end();
    flush();
    post({ kind: "progress", done: job.descriptor.size });
    post({ kind: "done", index });
  } catch (error) {
    const { code, message, data } = toClipError(error, `layer ${job.descriptor.digest}`);
    post({ kind: "failed", code, message, data });
  } finally {
    await origin.close();
  }
}

/** The error that a `failed` message stands for. */
export const errorOf = (message: LayerMessage & { kind: "failed" }): ClipError =>
  new ClipError(message.code, message.message, message.data);
