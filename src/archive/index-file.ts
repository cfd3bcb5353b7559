import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sameBytes, sha256Of } from "../formats/clip2/head.ts";
import type { Archive } from "./open.ts";

/** The unpacked index of an archive: its bytes, and the file that has them where there is one. */
export interface IndexFile {
  readonly bytes: Uint8Array;
  readonly path: string | undefined;
}

/**
 * Unpacks the index into the cache, once for each content, and maps it, so that mounting decodes nothing. The file is
 * verified on every opening: its digest stands in a second file that was written with it, and the first file's name is
 * the digest of the packed index, which the archive has. Where the cache cannot be used, the index stays in memory.
 */
export async function openIndexFile(
  archive: Archive,
  cacheDirectory: string | undefined,
): Promise<IndexFile> {
  if (cacheDirectory === undefined) return { bytes: await archive.index(), path: undefined };
  const directory = join(cacheDirectory, "index");
  const path = join(directory, `${archive.indexKey}.erofs`);
  const bytes = await archive.index();
  try {
    if (!isThere(path, bytes)) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      replace(path, bytes);
    }
    return { bytes: Bun.mmap(path, { shared: true }), path };
  } catch {
    return { bytes, path: undefined };
  }
}

function isThere(path: string, bytes: Uint8Array): boolean {
  try {
    return sameBytes(sha256Of(readFileSync(path)), sha256Of(bytes));
  } catch {
    return false;
  }
}

function replace(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.partial`;
  try {
    writeFileSync(temporary, bytes, { mode: 0o600, flag: "wx" });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
