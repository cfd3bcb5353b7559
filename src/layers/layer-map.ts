import type { CheckpointKind, Codec, LayerIndex } from "./layer-index.ts";

/** Checkpoint kinds by their number in {@link LayerMap.kind}. */
export const checkpointKinds = ["start", "block", "inside"] as const satisfies CheckpointKind[];

/**
 * What an archive says of one layer, as the read path needs it: tables in typed arrays, windows one by one. Entry i of
 * `out`, `bit` and `kind` is checkpoint i; granules follow each other span by span (src/layers/layer-index.ts).
 */
export interface LayerMap {
  readonly digest: string;
  readonly diffId: string;
  readonly mediaType: string;
  readonly codec: Codec;
  /** Bytes of the blob and of its tar. */
  readonly size: number;
  readonly tarSize: number;
  readonly out: Float64Array;
  readonly bit: Float64Array;
  readonly kind: Uint8Array;
  /** sha256 of each checkpoint's window, 32 bytes each; of nothing where the window is empty. */
  readonly windowSha256: Uint8Array;
  /** The window of checkpoint `checkpoint` as it is stored (compressed), verified. Throws ClipError. */
  window(checkpoint: number): Promise<Uint8Array>;
  /** sha256 of each granule, 32 bytes each. */
  readonly granuleSha256: Uint8Array;
  readonly granuleReach: Float64Array;
}

/** The map of a layer that was indexed just now. */
export function layerMapOf(index: LayerIndex): LayerMap {
  const { checkpoints, granules } = index;
  const { digest, diffId, mediaType, codec, size, tarSize } = index;
  return {
    ...{ digest, diffId, mediaType, codec, size, tarSize },
    out: Float64Array.from(checkpoints, ({ out }) => out),
    bit: Float64Array.from(checkpoints, ({ bit }) => bit),
    kind: Uint8Array.from(checkpoints, ({ kind }) => checkpointKinds.indexOf(kind)),
    windowSha256: joined(
      checkpoints.map(({ window }) => new Bun.CryptoHasher("sha256").update(window).digest()),
    ),
    window: async (checkpoint) => checkpoints[checkpoint]!.window,
    granuleSha256: joined(granules.map(({ sha256 }) => sha256)),
    granuleReach: Float64Array.from(granules, ({ reach }) => reach),
  };
}

const joined = (digests: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(digests));
