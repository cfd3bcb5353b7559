import { randomBytes } from "node:crypto";
import { lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { digestOf } from "../formats/oci/digest.ts";
import { joinPath } from "../system/path-names.ts";
import { osPath } from "../system/paths.ts";
import type { Archive } from "./open.ts";

/** The unpacked index of an archive: its bytes, and the file that has them where there is one. */
export interface IndexFile {
  readonly bytes: Uint8Array;
  readonly path: string | undefined;
}

/**
 * The index, unpacked into the cache once for each content and mapped, so that a mount decodes nothing. The archive has
 * the digest of the raw index: a file in the cache is believed for its bytes, on every opening, and not for its name.
 * Where the cache cannot be used, the index stays in memory.
 * @throws ClipError ARCHIVE_CORRUPT, ARCHIVE_TRUNCATED, IO where the archive does not give its index.
 */
export async function openIndexFile(
  archive: Archive,
  cacheDirectory: string | undefined,
): Promise<IndexFile> {
  if (cacheDirectory === undefined) return { bytes: await archive.index(), path: undefined };
  const directory = joinPath(cacheDirectory, "index");
  const path = joinPath(directory, `${archive.indexDigest.replace("sha256:", "")}.erofs`);
  const mapped = mapVerified(path, archive.indexDigest);
  if (mapped !== undefined) return { bytes: mapped, path };
  const bytes = await archive.index();
  try {
    mkdirSync(osPath(directory), { recursive: true, mode: 0o700 });
    replace(path, bytes);
  } catch {
    return { bytes, path: undefined };
  }
  const written = mapVerified(path, archive.indexDigest);
  return written === undefined ? { bytes, path: undefined } : { bytes: written, path };
}

function mapVerified(path: string, digest: string): Uint8Array | undefined {
  try {
    if (!lstatSync(osPath(path)).isFile()) return undefined;
    const bytes = Bun.mmap(path, { shared: true });
    return digestOf(bytes) === digest ? bytes : undefined;
  } catch {
    return undefined;
  }
}

function replace(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.partial`;
  try {
    writeFileSync(osPath(temporary), bytes, { mode: 0o600, flag: "wx" });
    renameSync(osPath(temporary), osPath(path));
  } catch (error) {
    rmSync(osPath(temporary), { force: true });
    throw error;
  }
}
