/**
 * node:path for paths that may not be UTF-8 (paths.ts): Bun's version replaces the surrogates that stand for such
 * bytes, so that every byte is one character here while it is at work.
 */
import { readlinkSync } from "node:fs";
import { posix } from "node:path";
import { pathBytes, pathOf } from "./paths.ts";

/** The absolute form of a path; relative ones are below `base`, by default the working directory. */
export const absolutePath = (path: string, base = workingDirectory()): string =>
  text(posix.resolve(characters(base), characters(path)));

/** The directory that an absolute or relative path lies in. */
export const parentPath = (path: string): string => text(posix.dirname(characters(path)));

export const joinPath = (directory: string, ...names: readonly string[]): string =>
  text(posix.join(characters(directory), ...names.map(characters)));

/** How to get from one absolute directory to a path. */
export const relativePath = (from: string, to: string): string =>
  text(posix.relative(characters(from), characters(to)));

function workingDirectory(): string {
  try {
    return pathOf(readlinkSync("/proc/self/cwd", { encoding: "buffer" }));
  } catch {
    return process.cwd();
  }
}

const characters = (path: string): string => Buffer.from(pathBytes(path)).toString("latin1");
const text = (path: string): string => pathOf(Buffer.from(path, "latin1"));
