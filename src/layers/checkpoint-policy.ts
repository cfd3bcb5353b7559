/**
 * Where checkpoints go. A reader of one small file fetches from the checkpoint before it, so what a span of s compressed
 * bytes costs all readers together grows with s², and what a checkpoint costs is its window in the archive. A place
 * is taken as soon as its cost is at most lambda * s². Measured on tars of 110 to 150 MB of system files and Python
 * packages (gzip -6, pigz), the lambda below makes windows of 0.37 to 0.40 % of the layer.
 */
export interface CheckpointPolicy {
  /** Longest span in bytes of output; a checkpoint inside a block is made where no better place comes. */
  readonly maxOut: number;
  /** Shortest span in compressed bytes, unless `maxOut` forces a shorter one. */
  readonly minBytes: number;
  /** Archive bytes worth spending per square of compressed bytes. */
  readonly lambda: number;
}

export const defaultCheckpointBytes = 2 * 1024 * 1024;

const defaultMinBytes = 64 * 1024;
const defaultLambda = 1.5e-8;

/** Bytes of archive that a checkpoint takes besides its window: table entry, frame of the window, digest. */
const fixedCost = 80;

/** zstd keeps this share of the referred bytes of a window. */
const compressedShare = 0.8;

/** The policy for spans of at most `checkpointBytes` of output; shorter limits make everything proportionally closer. */
export function policyFor(checkpointBytes: number): CheckpointPolicy {
  const scale = checkpointBytes / defaultCheckpointBytes;
  return {
    maxOut: checkpointBytes,
    minBytes: Math.max(4096, Math.round(defaultMinBytes * Math.min(scale, 4))),
    lambda: defaultLambda / scale ** 2,
  };
}

/** A span that would end here: its compressed bytes and its output. */
export interface SpanSoFar {
  readonly bytes: number;
  readonly out: number;
}

/** Whether a deflate block boundary is worth the trouble of marking which bytes of its window are referred to. */
export const isCandidate = (policy: CheckpointPolicy, span: SpanSoFar): boolean =>
  span.bytes >= policy.minBytes && span.out > 0;

/** Whether the span has become so long that it ends here whatever it costs. */
export const isForced = (policy: CheckpointPolicy, span: SpanSoFar): boolean =>
  span.out >= policy.maxOut;

/** Whether a window with `referred` bytes that matter is worth its place in the archive. */
export const isWorthIt = (policy: CheckpointPolicy, span: SpanSoFar, referred: number): boolean =>
  compressedShare * referred + fixedCost <= policy.lambda * span.bytes ** 2;

/**
 * Whether a place without a window (start of a gzip member or zstd frame) becomes a checkpoint. `ahead` is the output
 * that will follow without another such place, where that is known.
 */
export const isWorthStarting = (
  policy: CheckpointPolicy,
  span: SpanSoFar,
  ahead: number | undefined,
): boolean =>
  span.out > 0 &&
  (span.bytes >= policy.minBytes || span.out + (ahead ?? policy.maxOut / 2) >= policy.maxOut);
