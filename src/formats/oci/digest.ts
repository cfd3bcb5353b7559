import { ClipError } from "../../errors.ts";

/** Digests as the OCI image spec writes them: `algorithm:hex` (descriptor.md, "Digests"). */

const hexLengths = { sha256: 64, sha512: 128 } as const;

export type DigestAlgorithm = keyof typeof hexLengths;

export interface Digest {
  readonly algorithm: DigestAlgorithm;
  /** Lower-case hexadecimal of the algorithm's full length: safe as a file name. */
  readonly hex: string;
}

/** The parts of a digest, or undefined where it is not one of a registered algorithm (sha256, sha512). */
export function parseDigest(text: string): Digest | undefined {
  const [, algorithm, hex] = /^(sha256|sha512):([0-9a-f]+)$/.exec(text) ?? [];
  if (algorithm === undefined || hex === undefined) return undefined;
  const known = algorithm as DigestAlgorithm;
  return hex.length === hexLengths[known] ? { algorithm: known, hex } : undefined;
}

/** The digest of `bytes`. */
export const digestOf = (bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): string =>
  `${algorithm}:${new Bun.CryptoHasher(algorithm).update(bytes).digest("hex")}`;

/**
 * Asserts that `bytes` have the digest `expected`; `what` names them in the message.
 * @throws ClipError DIGEST_MISMATCH; MANIFEST_CORRUPT where `expected` is no digest.
 */
export function verifyDigest(bytes: Uint8Array, expected: string, what: string): void {
  const digest = parseDigest(expected);
  if (digest === undefined) {
    throw new ClipError("MANIFEST_CORRUPT", `${what}: ${JSON.stringify(expected)} is not a digest`);
  }
  const actual = digestOf(bytes, digest.algorithm);
  if (actual === expected) return;
  throw new ClipError(
    "DIGEST_MISMATCH",
    `${what} should have the digest ${expected} but has ${actual}; the copy is damaged or was replaced`,
    { expected, actual },
  );
}
