import { ClipError, isClipError } from "../errors.ts";
import { defaultCheckpointBytes, policyFor } from "./checkpoint-policy.ts";
import { codecProbeSize, detectCodec } from "./codec.ts";
import type { CodecIndexer, TarSink } from "./codec-indexer.ts";
import { GzipIndexer } from "./gzip-indexer.ts";
import type { Codec, LayerIndex } from "./layer-index.ts";
import { TarIndexer } from "./tar-indexer.ts";
import { ZstdIndexer } from "./zstd-indexer.ts";

export interface IndexLayerOptions {
  /** Of the blob: "sha256:…", bytes. What the stream gives is compared with it. */
  readonly descriptor: {
    readonly digest: string;
    readonly size: number;
    readonly mediaType: string;
  };
  /** "sha256:…" of the uncompressed tar, where it is known. */
  readonly diffId?: string;
  /** Longest distance between checkpoints in bytes of tar; 2 MiB unless given. */
  readonly checkpointBytes?: number;
  /** Called with the tar's bytes in order; they are valid during the call only. */
  readonly onTar: TarSink;
  /** Called with the number of compressed bytes done. */
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/** A tar of 2 TiB and more cannot be addressed by the index (design D1). */
const maxTarSize = 2 ** 41;

/**
 * Reads a layer once and maps it: checkpoints, digests of granules, digests of the whole. The result does not depend on how
 * the stream is cut into pieces.
 * @throws ClipError LAYER_CORRUPT, UNSUPPORTED, SIZE_MISMATCH, DIGEST_MISMATCH, DIFFID_MISMATCH (naming the layer),
 * INTERRUPTED; what `source` and `onTar` throw passes through.
 */
export async function indexLayer(
  source: AsyncIterable<Uint8Array>,
  options: IndexLayerOptions,
): Promise<LayerIndex> {
  const { onProgress, signal } = options;
  const run = new LayerRun(options);
  try {
    for await (const piece of source) {
      if (signal?.aborted) throw new ClipError("INTERRUPTED", "interrupted");
      run.push(piece);
      onProgress?.(run.size);
    }
    return run.finish();
  } finally {
    run.close();
  }
}

const sha256 = (hasher: Bun.CryptoHasher): string => `sha256:${hasher.digest("hex")}`;

/** The state of one layer being indexed. */
class LayerRun {
  /** Compressed bytes so far. */
  size = 0;
  readonly #options: IndexLayerOptions;
  readonly #blobHasher = new Bun.CryptoHasher("sha256");
  readonly #tarHasher = new Bun.CryptoHasher("sha256");
  #tarSize = 0;
  #first: Uint8Array = new Uint8Array(0);
  #codec: Codec | undefined;
  #indexer: CodecIndexer | undefined;
  /** What was wrong with the data. Thrown once it is known whether these are the bytes that the digest stands for. */
  #corrupt: ClipError | undefined;

  constructor(options: IndexLayerOptions) {
    this.#options = options;
  }

  push(piece: Uint8Array): void {
    this.size += piece.length;
    if (this.size > this.#options.descriptor.size) throw this.#wrongSize("more than");
    this.#blobHasher.update(piece);
    if (this.#indexer !== undefined) this.#index(piece);
    else {
      this.#first = Buffer.concat([this.#first, piece]);
      if (this.#first.length >= codecProbeSize) this.#begin();
    }
  }

  finish(): LayerIndex {
    const { descriptor, diffId } = this.#options;
    if (this.#indexer === undefined) this.#begin();
    if (this.size !== descriptor.size) throw this.#wrongSize("only");
    const digest = sha256(this.#blobHasher);
    if (digest !== descriptor.digest) {
      throw this.#failure(
        "DIGEST_MISMATCH",
        `the origin sent other bytes, with digest ${digest}; try again or use another origin`,
      );
    }
    if (this.#corrupt) throw this.#corrupt;
    const index = this.#guard(() => this.#indexer!.finish());
    if (index === undefined) throw this.#corrupt;
    const actual = sha256(this.#tarHasher);
    if (diffId !== undefined && actual !== diffId) {
      throw this.#failure(
        "DIFFID_MISMATCH",
        `its uncompressed tar is ${actual}, but the image's config says ${diffId}; the image is broken: build it again`,
      );
    }
    return {
      digest,
      diffId: actual,
      mediaType: descriptor.mediaType,
      codec: this.#codec!,
      size: this.size,
      tarSize: this.#tarSize,
      ...index,
    };
  }

  close(): void {
    this.#indexer?.close();
  }

  #begin(): void {
    const policy = policyFor(this.#options.checkpointBytes ?? defaultCheckpointBytes);
    this.#codec = detectCodec(this.#first);
    if (this.#codec === "gzip") this.#indexer = new GzipIndexer(policy, this.#takeTar);
    else if (this.#codec === "zstd") this.#indexer = new ZstdIndexer(policy, this.#takeTar);
    else this.#indexer = new TarIndexer(this.#takeTar);
    this.#index(this.#first);
  }

  #index(piece: Uint8Array): void {
    if (this.#corrupt === undefined) this.#guard(() => this.#indexer!.push(piece));
  }

  /** Keeps LAYER_CORRUPT for later, with the layer's name. */
  #guard<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!isClipError(error, "LAYER_CORRUPT", "UNSUPPORTED") || !("offset" in error.data)) {
        throw error;
      }
      const named = this.#failure(error.code, error.message, error);
      if (error.code === "UNSUPPORTED") throw named;
      this.#corrupt = named;
      return undefined;
    }
  }

  readonly #takeTar: TarSink = (bytes) => {
    this.#tarSize += bytes.length;
    if (this.#tarSize >= maxTarSize) {
      throw this.#failure("LIMIT_EXCEEDED", "its tar is 2 TiB or more, which no archive can hold");
    }
    this.#tarHasher.update(bytes);
    this.#options.onTar(bytes);
  };

  #wrongSize(word: string): ClipError {
    const { size } = this.#options.descriptor;
    return this.#failure(
      "SIZE_MISMATCH",
      `the manifest says ${size} bytes, the origin sent ${word} ${this.size}; try again or use another origin`,
    );
  }

  #failure(code: ClipError["code"], what: string, cause?: ClipError): ClipError {
    const { digest } = this.#options.descriptor;
    return new ClipError(code, `layer ${digest}: ${what}`, { ...cause?.data, digest }, { cause });
  }
}
