import { maxReadSize } from "../fuse/limits.ts";

export interface FuseMountOptions {
  /** Directory to mount on. */
  readonly mountPoint: string;
  /** What `mount` and `df` show: the archive. */
  readonly source: string;
  /** Others than the mounting user may use the mount; the kernel then checks permissions by modes and owners. */
  readonly allowOther: boolean;
}

/**
 * Options for the kernel. Without others there is nobody to check permissions against: the mounting user may read the
 * archive anyway. (`max_read` bounds a READ on kernels with pages larger than 4 KiB too.)
 */
export const kernelOptions = (allowOther: boolean): string[] => [
  ...(allowOther ? ["allow_other", "default_permissions"] : []),
  `max_read=${maxReadSize}`,
];
