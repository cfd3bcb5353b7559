/**
 * The checksum that a block, or a resume slot, is kept with: crc32 of its bytes, mixed with its number so that one at
 * the wrong place does not verify either. Never 0, which means that it is absent.
 */
export function placedChecksum(bytes: Uint8Array, number: number): number {
  // 0x9e3779b1 is odd, so different numbers below 2^32 give different values.
  return (Bun.hash.crc32(bytes) ^ Math.imul(number + 1, 0x9e3779b1)) >>> 0 || 1;
}
