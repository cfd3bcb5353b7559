import { realpath } from "node:fs/promises";
import { sep } from "node:path";
import { ClipError, toClipError } from "../errors.ts";
import { osPath, pathOf, shownPath } from "../system/paths.ts";
import { type FileTree, openRegularFile, readHandle, type StoredFile } from "./stored-file.ts";

/** The files of a directory. Nothing is held open; a symbolic link that leads out of the directory is refused. */
export function directoryFiles(root: string): FileTree {
  return {
    name: shownPath(root),
    async file(path) {
      // Not path.join: Bun's replaces the surrogates that stand for bytes which are not UTF-8.
      const whole = `${root}/${path}`;
      const realRoot = await realPathOf(root);
      if (realRoot === undefined) {
        const message = `the directory ${shownPath(root)} does not exist; check the path`;
        throw new ClipError("FILE_NOT_FOUND", message, { path: shownPath(root) });
      }
      const real = await realPathOf(whole);
      if (real === undefined) return undefined;
      if (!isBelow(real, realRoot)) {
        const message = `${shownPath(whole)} is a symbolic link that leads out of ${shownPath(root)}`;
        throw new ClipError("UNSUPPORTED", `${message}; copy the file itself there`);
      }
      const { handle, size } = await openRegularFile(real);
      await handle.close();
      return storedFile(real, shownPath(whole), size);
    },
    async close() {},
  };
}

const storedFile = (path: string, name: string, size: number): StoredFile => ({
  name,
  size,
  async *read(offset, length, signal) {
    const { handle } = await openRegularFile(path);
    try {
      yield* readHandle(handle, name, offset, length, signal);
    } finally {
      await handle.close();
    }
  },
});

const isBelow = (path: string, root: string): boolean =>
  path.startsWith(root.endsWith(sep) ? root : root + sep);

async function realPathOf(path: string): Promise<string | undefined> {
  try {
    return pathOf(await realpath(osPath(path), { encoding: "buffer" }));
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw toClipError(error, `looking for ${shownPath(path)}`);
  }
}
