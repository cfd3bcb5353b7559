import { randomBytes } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { ClipError, toClipError } from "../errors.ts";
import { type ArchiveContents, encodeArchive } from "../formats/clip2/encode.ts";
import { absolutePath, joinPath, parentPath } from "../system/path-names.ts";
import { osPath, shownPath } from "../system/paths.ts";
import { openArchive } from "./open.ts";
import { verifyArchive } from "./verify.ts";

export interface WrittenArchive {
  /** Bytes of the file. */
  readonly size: number;
  /** "sha256:…" of the whole file. */
  readonly digest: string;
  /** The archive's id (see Archive). */
  readonly id: string;
}

/**
 * Writes an archive under a temporary name beside `path`, reads it back and verifies it, and only then gives it its
 * name. Whatever fails, `path` is as it was and nothing else is left.
 * @throws ClipError IO, DISK_FULL, PERMISSION, INTERRUPTED.
 */
export async function writeArchive(
  path: string,
  contents: ArchiveContents,
  options: { readonly signal?: AbortSignal } = {},
): Promise<WrittenArchive> {
  const directory = parentPath(absolutePath(path));
  // Without the archive's own name in it, which may be as long as a name can be.
  const temporary = joinPath(directory, `.clip-${randomBytes(8).toString("hex")}.partial`);
  const hasher = new Bun.CryptoHasher("sha256");
  let size = 0;
  try {
    const handle = await open(osPath(temporary), "wx", 0o644);
    try {
      for (const piece of encodeArchive(contents)) {
        options.signal?.throwIfAborted();
        await writeAll(handle, piece);
        hasher.update(piece);
        size += piece.length;
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    const id = await readBack(temporary);
    options.signal?.throwIfAborted();
    await rename(osPath(temporary), osPath(path));
    await syncDirectory(directory);
    return { size, digest: `sha256:${hasher.digest("hex")}`, id };
  } catch (error) {
    await rm(osPath(temporary), { force: true });
    throw toClipError(error, `writing ${shownPath(path)}`);
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await handle.write(bytes, at, bytes.length - at)).bytesWritten;
  }
}

async function readBack(path: string): Promise<string> {
  const archive = await openArchive(path);
  try {
    const [finding] = (await verifyArchive(archive)).findings;
    if (finding !== undefined) {
      throw new ClipError(
        "INTERNAL",
        `the archive that was just written does not verify: ${finding.text}; please report this`,
      );
    }
    return archive.id;
  } finally {
    await archive.close();
  }
}

/** Some filesystems cannot sync a directory, and some directories cannot be read: the archive is there all the same. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(osPath(directory), "r").catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
