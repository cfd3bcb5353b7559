/** The numbers of RFC 1951, section 3.2. */

/** Distances reach back this far at most. */
export const windowSize = 32 * 1024;

/** A match is at most this long. */
export const maxMatch = 258;

/** Longest code of literals, lengths and distances, in bits. */
export const maxCodeBits = 15;

/** zlib's limits on a dynamic block's code counts; the two highest symbols of each alphabet never occur. */
export const maxLiteralCodes = 286;
export const maxDistanceCodes = 30;

/** The symbol that ends a block. */
export const endOfBlock = 256;

/** Shortest length of each length symbol from 257 on, and the number of extra bits that follow it. */
export const lengthBases = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
  163, 195, 227, 258,
] as const;
export const lengthExtraBits = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
] as const;

/** Shortest distance of each distance symbol, and the number of extra bits that follow it. */
export const distanceBases = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
  3073, 4097, 6145, 8193, 12289, 16385, 24577,
] as const;
export const distanceExtraBits = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
] as const;

/** The order in which a dynamic block gives the lengths of the code length codes. */
export const codeLengthOrder = [
  16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
] as const;

/** Bits of the longest header of a dynamic block: 17, 19 lengths of 3, and 316 code lengths of 7 bits each or fewer. */
const longestHeaderBits = 17 + 19 * 3 + (maxLiteralCodes + maxDistanceCodes) * 7;

/** Bytes that hold any block header, wherever in the first byte it begins. */
export const maxHeaderBytes = Math.ceil((longestHeaderBits + 7) / 8);
