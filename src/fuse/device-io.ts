import { ClipError } from "../errors.ts";
import { errno, libc } from "../system/libc.ts";
import { errnos } from "./errno.ts";

/**
 * Reads one request into `buffer`, waiting for it on this thread: its length, or 0 when the filesystem has been
 * unmounted or the connection aborted. Throws IO for what never happens to a sane device.
 */
export function readRequest(fd: number, buffer: Uint8Array): number {
  for (;;) {
    const length = libc().read(fd, buffer, buffer.length);
    if (length >= 0) return length;
    const code = errno();
    if (code === errnos.ENODEV || code === errnos.ECONNABORTED) return 0;
    // ENOENT: the request was taken back before it could be read. EINTR, EAGAIN: nothing was read.
    if (code === errnos.ENOENT || code === errnos.EINTR || code === errnos.EAGAIN) continue;
    throw new ClipError("IO", `reading from /dev/fuse failed with errno ${code}`, { errno: code });
  }
}

/**
 * Writes one reply; returns 0, or the errno. ENOENT (the asker is gone, or the request was not read from this
 * descriptor) and ENODEV (unmounted) are ordinary.
 */
export function writeReply(fd: number, reply: Uint8Array, length: number): number {
  for (;;) {
    if (libc().write(fd, reply, length) >= 0) return 0;
    const code = errno();
    if (code !== errnos.EINTR && code !== errnos.EAGAIN) return code;
  }
}
