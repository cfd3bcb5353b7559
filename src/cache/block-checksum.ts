/**
 * The checksum that a block is kept with: crc32 of its bytes, mixed with its number so that a block at the wrong place
 * does not verify either. Never 0, which means that the block is absent.
 */
export function blockChecksum(bytes: Uint8Array, block: number): number {
  // 0x9e3779b1 is odd, so different block numbers below 2^32 give different values.
  return (Bun.hash.crc32(bytes) ^ Math.imul(block + 1, 0x9e3779b1)) >>> 0 || 1;
}
