import { constants, createZstdDecompress } from "node:zlib";
import { corrupt } from "../deflate/corrupt.ts";
import { maxWindowLog } from "./frame-header.ts";

/** The synchronous face of node:zlib's streams: no types declare it, but Node and Bun keep it for compatibility. */
interface SyncStream {
  _processChunk(bytes: Uint8Array, flush: number): Uint8Array | null;
  close(): void;
}

/** Output of one call at most; callers bound it by giving a few blocks at a time. */
const maxOutput = 8 * 1024 * 1024;

const nothing = new Uint8Array(0);

/** Decodes one zstd frame given in pieces. Every block that is wholly there is put out at once. */
export class FrameDecoder {
  readonly #stream = createZstdDecompress({
    params: { [constants.ZSTD_d_windowLogMax]: maxWindowLog },
    maxOutputLength: maxOutput,
    chunkSize: 128 * 1024,
  }) as unknown as SyncStream;

  /** `at` is the offset of `bytes` in the layer, for messages. Throws LAYER_CORRUPT. */
  decode(bytes: Uint8Array, at: number): Uint8Array {
    if (bytes.length === 0) return nothing;
    try {
      return this.#stream._processChunk(bytes, constants.ZSTD_e_continue) ?? nothing;
    } catch (error) {
      throw corrupt(`zstd says: ${error instanceof Error ? error.message : error}`, at);
    }
  }

  /** Frees the decoder's memory. */
  close(): void {
    this.#stream.close();
  }
}
