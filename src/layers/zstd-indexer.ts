import { ZstdReader } from "../formats/zstd/zstd-reader.ts";
import { type CheckpointPolicy, isWorthStarting } from "./checkpoint-policy.ts";
import {
  type CodecIndex,
  type CodecIndexer,
  startCheckpoint,
  type TarSink,
} from "./codec-indexer.ts";
import { GranuleLedger } from "./granule-ledger.ts";
import type { Checkpoint } from "./layer-index.ts";

/** Indexes a zstd layer: checkpoints are starts of frames, since nothing can be resumed inside one. */
export class ZstdIndexer implements CodecIndexer {
  readonly #reader = new ZstdReader(0);
  readonly #ledger = new GranuleLedger();
  readonly #checkpoints: Checkpoint[] = [startCheckpoint(0, 0)];
  readonly #policy: CheckpointPolicy;
  readonly #onTar: TarSink;
  #out = 0;
  /** Start of the frame whose kind is not yet known. */
  #frameAt = 0;

  constructor(policy: CheckpointPolicy, onTar: TarSink) {
    this.#policy = policy;
    this.#onTar = onTar;
  }

  push(bytes: Uint8Array): void {
    const ledger = this.#ledger;
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + ledger.nextCut - ledger.at);
      this.#reader.feed(part);
      ledger.append(part);
      at += part.length;
      this.#drain();
      ledger.cut(this.#out);
    }
  }

  finish(): CodecIndex {
    this.#reader.finish();
    this.#ledger.finish(this.#out);
    return {
      checkpoints: this.#checkpoints,
      granules: this.#ledger.granules,
      frames: this.#reader.frames,
    };
  }

  close(): void {
    this.#reader.close();
  }

  #drain(): void {
    for (;;) {
      const event = this.#reader.step();
      const output = this.#reader.output;
      if (output.length > 0) {
        this.#onTar(output);
        this.#out += output.length;
      }
      if (event === "input") return;
      if (event === "frame") {
        this.#frameAt = this.#reader.at;
        this.#ledger.propose(this.#frameAt * 8, this.#out);
      } else if (event === "header") this.#decide();
    }
  }

  #decide(): void {
    const header = this.#reader.header!;
    const last = this.#checkpoints.at(-1)!;
    const span = { bytes: this.#frameAt - last.bit / 8, out: this.#out - last.out };
    const wanted =
      header.kind === "frame" && isWorthStarting(this.#policy, span, header.contentSize);
    if (!wanted) {
      this.#ledger.reject();
      return;
    }
    this.#ledger.accept();
    this.#checkpoints.push(startCheckpoint(this.#frameAt, this.#out));
  }
}
