import {
  type CodecIndex,
  type CodecIndexer,
  startCheckpoint,
  type TarSink,
} from "./codec-indexer.ts";
import { GranuleLedger } from "./granule-ledger.ts";

/** Indexes an uncompressed layer: any byte can be had on its own. */
export class TarIndexer implements CodecIndexer {
  readonly #ledger = new GranuleLedger();
  readonly #onTar: TarSink;

  constructor(onTar: TarSink) {
    this.#onTar = onTar;
  }

  push(bytes: Uint8Array): void {
    const ledger = this.#ledger;
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + ledger.nextCut - ledger.at);
      ledger.append(part);
      this.#onTar(part);
      at += part.length;
      ledger.cut(ledger.at);
    }
  }

  finish(): CodecIndex {
    this.#ledger.finish(this.#ledger.at);
    return {
      checkpoints: [startCheckpoint(0, 0)],
      granules: this.#ledger.granules,
      frames: 1,
    };
  }

  close(): void {}
}
