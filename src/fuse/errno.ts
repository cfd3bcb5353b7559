/** Error numbers that replies carry, from asm-generic/errno-base.h and errno.h of Linux. */
export const errnos = {
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EBUSY: 16,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENOTTY: 25,
  EROFS: 30,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENODATA: 61,
  ECONNABORTED: 103,
  ENOTCONN: 107,
} as const;

export type ErrnoName = keyof typeof errnos;
