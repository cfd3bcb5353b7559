import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { ClipError } from "../errors.ts";
import { tryLockFile } from "../system/locks.ts";
import { joinPath } from "../system/path-names.ts";
import { osPath } from "../system/paths.ts";
import type { LayerShape } from "./block-map.ts";
import type { SideLayout } from "./side-file.ts";

/** The open files of one layer's cache. */
export interface CacheFiles {
  readonly data: number;
  readonly side: number;
  readonly writable: boolean;
}

/**
 * Opens the cache files of a layer, and makes them where they are missing. The data file is held by a shared lock
 * until it is closed, so that nobody removes what a mount uses. Where nothing can be written, existing files are
 * opened for reading.
 * @throws ClipError CACHE_CORRUPT for files that are not this user's, and system errors.
 */
export function openCacheFiles(
  directory: string,
  shape: LayerShape,
  layout: SideLayout,
): CacheFiles {
  const data = joinPath(directory, `${shape.key}.data`);
  const side = joinPath(directory, `${shape.key}.side`);
  try {
    return openBoth(data, side, shape, layout, true);
  } catch (error) {
    if (!["EACCES", "EPERM", "EROFS"].includes((error as { code?: string }).code ?? ""))
      throw error;
    return openBoth(data, side, shape, layout, false);
  }
}

function openBoth(
  dataPath: string,
  sidePath: string,
  shape: LayerShape,
  layout: SideLayout,
  writable: boolean,
): CacheFiles {
  const data = openLocked(dataPath, writable);
  try {
    if (writable && fstatSync(data).size < shape.tarSize) ftruncateSync(data, shape.tarSize);
    return { data, side: openSide(sidePath, layout, writable), writable };
  } catch (error) {
    closeSync(data);
    throw error;
  }
}

/** Whoever cleans the cache locks a data file exclusively, for an instant, before removing it. */
function openLocked(path: string, writable: boolean): number {
  for (let attempt = 0; attempt < 20; attempt++) {
    const fd = openOwn(path, writable ? constants.O_RDWR | constants.O_CREAT : constants.O_RDONLY);
    if (keepIf(fd, () => tryLockFile(fd, "shared") && isStillThere(path, fd))) return fd;
    Bun.sleepSync(1);
  }
  throw new ClipError("IO", `the cache file ${path} is locked by another process`, { path });
}

/** Closes `fd` unless `isRight` says true, also where it throws. */
function keepIf(fd: number, isRight: () => boolean): boolean {
  let kept = false;
  try {
    kept = isRight();
  } finally {
    if (!kept) closeSync(fd);
  }
  return kept;
}

function isStillThere(path: string, fd: number): boolean {
  try {
    return statSync(osPath(path)).ino === fstatSync(fd).ino;
  } catch {
    return false;
  }
}

function openSide(path: string, layout: SideLayout, writable: boolean): number {
  const flags = writable ? constants.O_RDWR : constants.O_RDONLY;
  try {
    const fd = openOwn(path, flags);
    if (keepIf(fd, () => describes(fd, layout))) return fd;
    if (!writable) throw new ClipError("CACHE_CORRUPT", `${path} is not a cache file`, { path });
    makeSide(path, layout, replace);
  } catch (error) {
    if (!writable || (error as { code?: string }).code !== "ENOENT") throw error;
    makeSide(path, layout, linkUnlessThere);
  }
  return openOwn(path, flags);
}

function describes(fd: number, layout: SideLayout): boolean {
  const found = new Uint8Array(layout.header.length);
  const read = readSync(fd, found, 0, found.length, 0);
  return read === found.length && Buffer.compare(found, layout.header) === 0;
}

/** The file appears whole under its name, or not at all. */
function makeSide(path: string, layout: SideLayout, publish: (from: string, to: string) => void) {
  const temporary = `${path}.${process.pid}.${crypto.randomUUID()}`;
  const fd = openOwn(temporary, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL);
  try {
    if (writeSync(fd, layout.header, 0, layout.header.length, 0) !== layout.header.length) {
      throw Object.assign(new Error("short write"), { code: "ENOSPC" });
    }
    ftruncateSync(fd, layout.size);
    publish(temporary, path);
  } finally {
    closeSync(fd);
    rmSync(osPath(temporary), { force: true });
  }
}

const replace = (from: string, to: string): void => renameSync(osPath(from), osPath(to));

/** Of two processes that make the same file, both use the first one's: presence and locks are shared through it. */
function linkUnlessThere(from: string, to: string): void {
  try {
    linkSync(osPath(from), osPath(to));
  } catch (error) {
    // Some filesystems have no hard links.
    if ((error as { code?: string }).code !== "EEXIST") replace(from, to);
  }
}

function openOwn(path: string, flags: number): number {
  const fd = openSync(osPath(path), flags | constants.O_NOFOLLOW, 0o600);
  const own = process.geteuid?.();
  const isOwn = keepIf(fd, () => {
    const stat = fstatSync(fd);
    return stat.isFile() && (own === undefined || stat.uid === own || stat.uid === 0);
  });
  if (isOwn) return fd;
  throw new ClipError("CACHE_CORRUPT", `${path} is not a file of this user; remove it`, { path });
}
