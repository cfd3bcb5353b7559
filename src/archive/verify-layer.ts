import type { ErrorCode } from "../errors.ts";
import { sameBytes, sha256Of } from "../formats/clip2/head.ts";
import { checkpointKinds } from "../formats/clip2/layout.ts";
import { granuleSize } from "../layers/layer-index.ts";
import { resumePointOf } from "../layers/resume-point.ts";
import { createSpanDecoder } from "../layers/span-decoder.ts";
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
  const { digest, size: total } = layer;
  const whole = new Bun.CryptoHasher("sha256");
  const tar = new Bun.CryptoHasher("sha256");
  const source = new SpanBytes(
    blob.read(0, layer.size, options.signal === undefined ? {} : { signal: options.signal }),
    whole,
  );
  let granule = 0;
  for (let i = 0; i < layer.out.length; i++) {
    const isLast = i + 1 === layer.out.length;
    const from = Math.floor(layer.bit[i]! / 8);
    const to = isLast ? layer.size : Math.ceil(layer.bit[i + 1]! / 8);
    const outTo = isLast ? layer.tarSize : layer.out[i + 1]!;
    let out = layer.out[i]!;
    const take = (_at: number, bytes: Uint8Array) => {
      const wanted = bytes.subarray(0, Math.max(0, outTo - out));
      tar.update(wanted);
      out += wanted.length;
    };
    const kind = checkpointKinds[layer.kind[i]!]!;
    const window = await layer.window(i);
    const decoder = createSpanDecoder(
      layer.codec,
      resumePointOf({ kind, out: layer.out[i]!, bit: layer.bit[i]!, window }),
      take,
    );
    try {
      for (let at = from; at < to; at += granuleSize, granule++) {
        const bytes = await source.take(at, Math.min(granuleSize, to - at));
        if (
          !sameBytes(sha256Of(bytes), layer.granuleSha256.subarray(granule * 32, granule * 32 + 32))
        ) {
          add(
            "DIGEST_MISMATCH",
            `layer ${digest}: bytes ${at} to ${at + bytes.length} are not those that were indexed`,
          );
          return;
        }
        decoder.push(bytes);
        const reach = Math.min(layer.granuleReach[granule]!, outTo);
        if (out < reach) {
          add(
            "ARCHIVE_CORRUPT",
            `layer ${digest}: granule ${granule} gives output up to ${out} only, not ${reach}`,
          );
        }
      }
    } finally {
      decoder.close();
    }
    if (out !== outTo) {
      add(
        "ARCHIVE_CORRUPT",
        `layer ${digest}: checkpoint ${i} leads to tar offset ${out} instead of ${outTo}`,
      );
      return;
    }
    options.onProgress?.({ kind: "layer", digest, done: to, total });
  }
  if (`sha256:${whole.digest("hex")}` !== digest)
    add("DIGEST_MISMATCH", `layer ${digest} has other bytes at its origin`);
  if (`sha256:${tar.digest("hex")}` !== layer.diffId) {
    add(
      "DIFFID_MISMATCH",
      `layer ${digest}: its checkpoints do not lead to the diffID ${layer.diffId}`,
    );
  }
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
    this.#held = joined.slice(keepFrom);
    this.#at = from + keepFrom;
    return joined.subarray(0, length);
  }
}
