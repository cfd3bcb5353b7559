import { realpathSync, statSync } from "node:fs";
import { ClipError } from "../errors.ts";
import { osPath, pathOf, shownPath } from "../system/paths.ts";
import { clipMountType, mountAt } from "./mount-table.ts";

/**
 * The absolute path, without symbolic links, of a directory that can be mounted on. A directory that is a mount of
 * another kind may be mounted on, as ever; one of clip's is refused, since a second one would only hide the first.
 * @throws ClipError FILE_NOT_FOUND, PERMISSION, MOUNT_FAILED (no directory), MOUNT_BUSY.
 */
export function checkMountPoint(path: string): string {
  const shown = shownPath(path);
  try {
    if (!statSync(osPath(path)).isDirectory()) {
      throw new ClipError("MOUNT_FAILED", `${shown} is not a directory; mount on a directory`);
    }
  } catch (error) {
    throw refusal(shown, error);
  }
  const real = realPath(path);
  if (mountAt(real)?.type === clipMountType) {
    throw new ClipError(
      "MOUNT_BUSY",
      `an archive is mounted on ${shown} already; run clip umount ${shown} first`,
      { mountPoint: real },
    );
  }
  return real;
}

function refusal(shown: string, error: unknown): unknown {
  const messages: Readonly<Record<string, ConstructorParameters<typeof ClipError>>> = {
    ENOENT: ["FILE_NOT_FOUND", `the mount point ${shown} does not exist; make it with mkdir`],
    ENOTDIR: ["FILE_NOT_FOUND", `the mount point ${shown} does not exist; make it with mkdir`],
    EACCES: ["PERMISSION", `the mount point ${shown} cannot be reached by this user`],
    ENOTCONN: [
      "MOUNT_BUSY",
      `the server of the mount on ${shown} is gone; run clip umount ${shown} first`,
    ],
  };
  const known = messages[(error as { code?: string }).code ?? ""];
  return known === undefined ? error : new ClipError(...known);
}

/**
 * The absolute path, without symbolic links, of a directory that may be a mount whose server is gone: only what is
 * above it is looked at where it can't be looked at itself.
 */
export function realMountPoint(path: string): string {
  try {
    return realPath(path);
  } catch (error) {
    // Not by node:path, whose Bun version replaces what is not UTF-8.
    const [, parent, name] = /^(.*?)([^/]+)\/*$/s.exec(path) ?? [];
    if (parent === undefined || name === undefined || name === "." || name === "..") throw error;
    return `${realPath(parent === "" ? "." : parent)}/${name}`.replace("//", "/");
  }
}

const realPath = (path: string): string =>
  pathOf(realpathSync.native(osPath(path), { encoding: "buffer" }));
