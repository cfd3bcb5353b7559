import { ClipError } from "../errors.ts";
import { errno, libc, ptr } from "./libc.ts";

/**
 * Advisory locks between processes. Ranges are locked by open file description (Linux, fcntl_locking(2)): such a lock
 * goes with the last descriptor of its open file, also when the process is killed, and two opens of one file exclude
 * each other even in one process. Nothing here blocks the event loop: who has to wait polls.
 */

export type LockMode = "shared" | "exclusive";

export interface LockWait {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** struct flock of Linux's generic 64-bit ABI (asm-generic/fcntl.h): byte offsets of its fields. */
const flock = { size: 32, type: 0, start: 8, length: 16 };

// fcntl.h, sys/file.h and asm-generic/errno-base.h; EAGAIN is another number on macOS.
const setOfdLock = 37;
const lockTypes = { shared: 0, exclusive: 1, none: 2 };
const flockOperations = { shared: 1, exclusive: 2, none: 8 };
const flockNonBlocking = 4;
const errnos = { interrupted: 4, denied: 13, again: process.platform === "darwin" ? 35 : 11 };

/** Whether ranges of one file can be locked apart; elsewhere a range's lock is one of the whole file. */
export const rangeLocksWork = process.platform === "linux";

/** Locks the whole file behind `fd`, if that can be done at once. Changing the mode of an own lock is possible. */
export const tryLockFile = (fd: number, mode: LockMode): boolean =>
  attempt(() => libc().flock(fd, flockOperations[mode] | flockNonBlocking), "flock");

export function unlockFile(fd: number): void {
  attempt(() => libc().flock(fd, flockOperations.none), "flock");
}

/** Locks `length` bytes from `start` (they need not exist), if that can be done at once. */
export function tryLockRange(fd: number, mode: LockMode, start: number, length: number): boolean {
  if (!rangeLocksWork) return tryLockWhole(fd, mode);
  return attempt(() => setRange(fd, lockTypes[mode], start, length), "fcntl");
}

export function unlockRange(fd: number, start: number, length: number): void {
  if (!rangeLocksWork) unlockWhole(fd);
  else attempt(() => setRange(fd, lockTypes.none, start, length), "fcntl");
}

/**
 * Asks `done` again and again, with pauses from 1 to 50 ms; false when the time is over before it says true.
 * @throws ClipError INTERRUPTED when aborted.
 */
export async function poll(done: () => boolean, wait: LockWait): Promise<boolean> {
  const end = performance.now() + wait.timeoutMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
    if (wait.signal?.aborted) throw new ClipError("INTERRUPTED", "interrupted waiting for a lock");
    if (done()) return true;
    if (performance.now() >= end) return false;
    await Bun.sleep(pauseMs);
  }
}

const record = new DataView(new ArrayBuffer(flock.size));

function setRange(fd: number, type: number, start: number, length: number): number | bigint {
  record.setInt16(flock.type, type, true);
  record.setBigInt64(flock.start, BigInt(start), true);
  record.setBigInt64(flock.length, BigInt(length), true);
  return libc().fcntl(fd, setOfdLock, ptr(record.buffer));
}

function attempt(call: () => number | bigint, name: string): boolean {
  for (;;) {
    if (Number(call()) === 0) return true;
    const code = errno();
    if (code === errnos.interrupted) continue;
    if (code === errnos.again || code === errnos.denied) return false;
    throw new ClipError("IO", `${name} failed with errno ${code}`, { errno: code });
  }
}

// One flock stands for all ranges of a descriptor, so it is held as long as any of them is.
const wholeLocks = new Map<number, number>();

function tryLockWhole(fd: number, mode: LockMode): boolean {
  const held = wholeLocks.get(fd) ?? 0;
  if (held === 0 && !tryLockFile(fd, mode)) return false;
  wholeLocks.set(fd, held + 1);
  return true;
}

function unlockWhole(fd: number): void {
  const held = wholeLocks.get(fd) ?? 0;
  if (held > 1) wholeLocks.set(fd, held - 1);
  else {
    wholeLocks.delete(fd);
    unlockFile(fd);
  }
}
