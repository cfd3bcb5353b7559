import { readFileSync } from "node:fs";

/** Signals by number (asm-generic/signal.h) whose default is to be ignored or to stop the process. */
const harmless = [17, 18, 19, 20, 21, 22, 23, 28];

const bitOf = (signal: number): bigint => 1n << BigInt(signal - 1);

const harmlessMask = harmless.reduce((mask, signal) => mask | bitOf(signal), 0n);

/**
 * Whether a thread has got a signal that will end it, told by its pending signals in /proc/PID/status: those that it
 * neither catches, ignores nor blocks. A thread that can't be looked at (it is gone, or in another pid namespace)
 * counts as ending.
 */
export function isEnding(pid: number): boolean {
  if (pid === 0) return true;
  try {
    return hasFatalSignal(readFileSync(`/proc/${pid}/status`, "latin1"));
  } catch {
    return true;
  }
}

/** Whether the text of a /proc/PID/status names a pending signal that ends the thread. */
export function hasFatalSignal(status: string): boolean {
  const mask = (name: string): bigint => {
    const hex = new RegExp(`^${name}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1];
    return hex === undefined ? 0n : BigInt(`0x${hex}`);
  };
  const pending = mask("SigPnd") | mask("ShdPnd");
  return (pending & ~(mask("SigCgt") | mask("SigIgn") | mask("SigBlk") | harmlessMask)) !== 0n;
}
