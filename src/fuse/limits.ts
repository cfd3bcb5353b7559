/** The largest READ: 256 pages of 4 KiB, the most that kernels give to unprivileged mounts (FUSE_MAX_MAX_PAGES). */
export const maxReadSize = 1024 * 1024;

/** The kernel's page, in which `max_pages` counts. (Larger pages on arm64 are bounded by the option `max_read`.) */
export const pageSize = 4096;

/**
 * Nothing is written, so WRITE requests may be as small as the kernel allows: it refuses to hand out requests to a
 * buffer that could not hold the largest one, and a reader's buffer stays small this way.
 */
export const maxWriteSize = 4096;

/** Room for a request: FUSE_MIN_READ_BUFFER is 8 KiB; more costs nothing and takes long names of every operation. */
export const requestBufferSize = 64 * 1024;

/** Seconds that entries and attributes stay valid: the tree never changes. (Kernels clamp what they can't count.) */
export const forever = 0x7fff_ffff;
