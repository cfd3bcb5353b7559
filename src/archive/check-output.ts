import { accessSync, constants, type Stats, statSync } from "node:fs";
import { ClipError, toClipError } from "../errors.ts";
import type { OriginSpec } from "../stores/origin.ts";
import { absolutePath, parentPath } from "../system/path-names.ts";
import { osPath, shownPath } from "../system/paths.ts";

/**
 * Refuses, before any work, an output that could not be written or should not be replaced: a directory, a device, a
 * pipe, the image itself, a name in a directory that is not there or not writable.
 * @throws ClipError USAGE, FILE_NOT_FOUND, PERMISSION.
 */
export function checkOutput(output: string, source: OriginSpec): void {
  const shown = shownPath(output);
  const refuse = (why: string) => new ClipError("USAGE", `${why}; name another file with --output`);
  const there = statOf(output);
  if (there?.isDirectory()) throw refuse(`the output ${shown} is a directory`);
  if (output === "" || output.endsWith("/")) throw refuse(`the output ${shown} names no file`);
  if (there !== undefined && !there.isFile()) {
    throw refuse(`the output ${shown} is no regular file, and would be replaced by one`);
  }
  const image = source.kind === "registry" ? undefined : statOf(source.path);
  if (there !== undefined && image?.dev === there.dev && image.ino === there.ino) {
    throw refuse(`the output ${shown} is the image itself`);
  }
  const directory = parentPath(absolutePath(output));
  try {
    if (!statSync(osPath(directory)).isDirectory()) throw refuse(`${directory} is no directory`);
    accessSync(osPath(directory), constants.W_OK | constants.X_OK);
  } catch (error) {
    throw toClipError(error, `writing ${shown} into ${shownPath(directory)}`);
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(osPath(path));
  } catch {
    return undefined;
  }
}
