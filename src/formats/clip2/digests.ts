export const sha256 = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(new Bun.CryptoHasher("sha256").update(bytes).digest());

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** "sha256:…" of 32 raw bytes. */
export const digestText = (raw: Uint8Array): string =>
  `sha256:${Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString("hex")}`;

/** The 32 raw bytes of "sha256:…"; undefined for anything else. */
export function digestBytes(text: string): Uint8Array | undefined {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(text)?.[1];
  return hex === undefined ? undefined : new Uint8Array(Buffer.from(hex, "hex"));
}
