import { createKernel } from "./inflate.ts";
import type { InflateKernel } from "./kernel.ts";

/** Kernels hold half a megabyte, which costs more to get than a short read costs to inflate; so a few are kept. */
const kept = 4;

const idle: InflateKernel[] = [];

/** A kernel that nobody else uses; to be resumed before anything else. */
export const borrowKernel = (): InflateKernel => idle.pop() ?? createKernel();

/** Gives a kernel back, once. */
export function returnKernel(kernel: InflateKernel): void {
  if (idle.length < kept && !idle.includes(kernel)) idle.push(kernel);
}
