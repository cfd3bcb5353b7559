import type { ErrorCode } from "../errors.ts";
import { sameBytes, sha256Of } from "../formats/clip2/head.ts";
import { checkpointKinds } from "../formats/clip2/layout.ts";
import { createSpanDecoder } from "../layers/create-span-decoder.ts";
import { granuleSize } from "../layers/layer-index.ts";
import { resumePointOf } from "../layers/resume-point.ts";
import type { OnProgress } from "../progress.ts";
import type { Blob } from "../stores/origin.ts";
import type { ArchiveLayer } from "./open.ts";

/**
 * Streams a layer once and decodes it span by span, each from its own checkpoint: when what comes out of all spans
 * together has the diffID, every checkpoint resumes to the right output.
 */
export async function verifyLayer(
  layer: ArchiveLayer,
  blob: Blob,
  add: (code: ErrorCode, text: string) => void,
  options: { readonly onProgress?: OnProgress; readonly signal?: AbortSignal },
): Promise<void> {
  const { digest } = layer;
  const whole = new Bun.CryptoHasher("sha256");
  const tar = new Bun.CryptoHasher("sha256");
  const abort = options.signal === undefined ? {} : { signal: options.signal };
  const source = new SpanBytes(blob.read(0, layer.size, abort), whole);
  let granule = 0;
  try {
    for (let i = 0; i < layer.out.length; i++) {
      const wrong = await verifySpan(layer, i, granule, source, tar);
      if (wrong !== undefined) {
        add(...wrong);
        return;
      }
      const { from, to } = spanBounds(layer, i);
      granule += Math.ceil((to - from) / granuleSize);
      options.onProgress?.({ kind: "layer", digest, done: to, total: layer.size });
    }
  } finally {
    await source.close();
  }
  if (`sha256:${whole.digest("hex")}` !== digest) {
    add("DIGEST_MISMATCH", `layer ${digest} has other bytes at its origin`);
  }
  if (`sha256:${tar.digest("hex")}` !== layer.diffId) {
    add(
      "DIFFID_MISMATCH",
      `layer ${digest}: its checkpoints do not lead to the diffID ${layer.diffId}`,
    );
  }
}

/** Compressed bytes `from` to `to` and the tar offset `outTo` where span `i` ends. */
function spanBounds(layer: ArchiveLayer, i: number) {
  const isLast = i + 1 === layer.out.length;
  return {
    from: Math.floor(layer.bit[i]! / 8),
    to: isLast ? layer.size : Math.ceil(layer.bit[i + 1]! / 8),
    outTo: isLast ? layer.tarSize : layer.out[i + 1]!,
  };
}

/** Checks the granules of span `i`, of which `granule` is the first, and hashes what its checkpoint leads to. */
async function verifySpan(
  layer: ArchiveLayer,
  i: number,
  granule: number,
  source: SpanBytes,
  tar: Bun.CryptoHasher,
): Promise<[ErrorCode, string] | undefined> {
  const { digest } = layer;
  const { from, to, outTo } = spanBounds(layer, i);
  const [start, bit] = [layer.out[i]!, layer.bit[i]!];
  const kind = checkpointKinds[layer.kind[i]!]!;
  let out = start;
  const point = resumePointOf({ kind, out: start, bit, window: await layer.window(i) });
  const decoder = createSpanDecoder(layer.codec, point, (_, bytes) => {
    const wanted = bytes.subarray(0, Math.max(0, outTo - out));
    tar.update(wanted);
    out += wanted.length;
  });
  try {
    for (let at = from, number = granule; at < to; at += granuleSize, number++) {
      const bytes = await source.take(at, Math.min(granuleSize, to - at));
      const expected = layer.granuleSha256.subarray(number * 32, number * 32 + 32);
      if (!sameBytes(sha256Of(bytes), expected)) {
        const end = at + bytes.length;
        return [
          "DIGEST_MISMATCH",
          `layer ${digest}: bytes ${at} to ${end} are not those that were indexed`,
        ];
      }
      decoder.push(bytes);
      const reach = Math.min(layer.granuleReach[number]!, outTo);
      if (out < reach) {
        return [
          "ARCHIVE_CORRUPT",
          `layer ${digest}: granule ${number} gives output up to ${out} only, not ${reach}`,
        ];
      }
    }
  } finally {
    decoder.close();
  }
  if (out === outTo) return undefined;
  return [
    "ARCHIVE_CORRUPT",
    `layer ${digest}: checkpoint ${i} leads to tar offset ${out} instead of ${outTo}`,
  ];
}

/** A stream read in rising, at most one byte overlapping, ranges. */
class SpanBytes {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #held = new Uint8Array(0);
  /** Offset in the layer of the first held byte. */
  #at = 0;

  constructor(
    stream: AsyncIterable<Uint8Array>,
    private readonly hasher: Bun.CryptoHasher,
  ) {
    this.#pieces = stream[Symbol.asyncIterator]();
  }

  /** Ends the stream, wherever it is. */
  async close(): Promise<void> {
    await this.#pieces.return?.();
  }

  async take(from: number, length: number): Promise<Uint8Array> {
    const parts = [this.#held.subarray(from - this.#at)];
    let have = parts[0]!.length;
    while (have < length) {
      const { value, done } = await this.#pieces.next();
      if (done === true) break;
      this.hasher.update(value);
      // The stream may use its memory again.
      parts.push(Uint8Array.from(value));
      have += value.length;
    }
    const joined = parts.length === 1 ? parts[0]! : new Uint8Array(Buffer.concat(parts));
    // The last byte may be the first of the next span too.
    const keepFrom = Math.max(0, length - 1);
    this.#held = joined.subarray(keepFrom);
    this.#at = from + keepFrom;
    return joined.subarray(0, length);
  }
}
