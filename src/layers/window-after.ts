import { windowSize } from "../formats/deflate/codes.ts";
import type { ResumePoint } from "./resume-point.ts";

/**
 * The window for going on at tar offset `point.out + since.length`, where `since` is the output from `point` on (or its
 * last 32 KiB). What `since` does not cover comes from the point's own window: it may be sparse, but what it lacks is
 * never referred to.
 */
export function windowAfter(point: ResumePoint, since: Uint8Array): Uint8Array {
  const before = point.window ?? new Uint8Array(0);
  const kept = before.subarray(Math.max(0, before.length - Math.max(0, windowSize - since.length)));
  const recent = since.subarray(Math.max(0, since.length - windowSize));
  const window = new Uint8Array(kept.length + recent.length);
  window.set(kept);
  window.set(recent, kept.length);
  return window;
}
