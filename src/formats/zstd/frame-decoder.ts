import { constants, createZstdDecompress } from "node:zlib";
import { corrupt } from "../deflate/corrupt.ts";
import { maxWindowLog } from "./frame-header.ts";

/**
 * The synchronous handle under node:zlib's streams. No types declare it, but it is the only way to decode in pieces
 * into memory of a known size, and libraries rely on it in Node and Bun alike.
 */
interface SyncStream {
  readonly _handle: {
    writeSync(
      flush: number,
      input: Uint8Array,
      inputAt: number,
      inputLength: number,
      output: Uint8Array,
      outputAt: number,
      outputLength: number,
    ): void;
    onerror: (message: string) => void;
  };
  /** After a write: room left in the output, bytes left of the input. */
  readonly _writeState: Uint32Array;
  close(): void;
}

const nothing = new Uint8Array(0);

/** Decodes one zstd frame given in pieces. Every block that is wholly there can be had at once. */
export class FrameDecoder {
  readonly #stream = createZstdDecompress({
    params: { [constants.ZSTD_d_windowLogMax]: maxWindowLog },
  }) as unknown as SyncStream;
  readonly #output: Uint8Array;
  #input: Uint8Array = nothing;
  #inputAt = 0;
  #next = 0;
  #more = false;
  #error: string | undefined;

  /** Decodes into `output`, a part at a time. */
  constructor(output: Uint8Array) {
    this.#output = output;
    this.#stream._handle.onerror = (message) => {
      this.#error = message;
    };
  }

  /** Whether {@link pull} has to be called before more can be given. */
  get busy(): boolean {
    return this.#more;
  }

  /** Gives the next bytes of the frame; `at` is their offset in the layer, for messages. */
  give(bytes: Uint8Array, at: number): void {
    this.#input = bytes;
    this.#inputAt = at;
    this.#next = 0;
    this.#more = bytes.length > 0;
  }

  /** As much as the output area holds, valid until the next call. Throws LAYER_CORRUPT. */
  pull(): Uint8Array {
    if (!this.#more) return nothing;
    const left = this.#input.length - this.#next;
    this.#stream._handle.writeSync(
      constants.ZSTD_e_continue,
      this.#input,
      this.#next,
      left,
      this.#output,
      0,
      this.#output.length,
    );
    if (this.#error !== undefined) {
      throw corrupt(`zstd says: ${this.#error}`, this.#inputAt + this.#next);
    }
    const [room = 0, inputLeft = 0] = this.#stream._writeState;
    this.#next += left - inputLeft;
    this.#more = room === 0;
    if (room > 0 && inputLeft > 0) {
      throw corrupt("a zstd frame ends before its last block", this.#inputAt + this.#next);
    }
    return this.#output.subarray(0, this.#output.length - room);
  }

  /** Frees the decoder's memory. */
  close(): void {
    this.#stream.close();
  }
}
