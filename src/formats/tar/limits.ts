/** What a tar may ask for. Real layers stay far below; hostile ones end here with LIMIT_EXCEEDED. */

/** Bytes of one PAX header, and of all global PAX records that are in force. */
export const maxPaxBytes = 16 * 1024 * 1024;

/** Bytes of a path or link target: Linux's PATH_MAX; nothing longer can be unpacked or opened by its name. */
export const maxPathBytes = 4096;

/** Pieces of data in one sparse file. */
export const maxSparsePieces = 1 << 20;

/** Bytes of the sparse map at the start of a PAX 1.0 sparse file's data: two numbers for each piece. */
export const maxSparseMapBytes = maxSparsePieces * 2 * 17;
