import { constants, open } from "node:fs/promises";
import { ClipError, toClipError } from "../errors.ts";
import { osPath, shownPath } from "../system/paths.ts";

/** Something of known size that can be read at any place: an archive file here, an object elsewhere. */
export interface ByteSource {
  /** For messages. */
  readonly name: string;
  readonly size: number;
  /** Exactly `length` bytes from byte `offset`. @throws ClipError ARCHIVE_TRUNCATED, IO. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Opening a FIFO must not wait for somebody to write to it. */
const openFlags = constants.O_RDONLY | constants.O_NONBLOCK;

/** Opens a file. @throws ClipError FILE_NOT_FOUND, PERMISSION, NOT_AN_ARCHIVE for anything but a regular file. */
export async function openFileSource(path: string): Promise<ByteSource> {
  const name = shownPath(path);
  const handle = await open(osPath(path), openFlags).catch((error: unknown) => {
    throw toClipError(error, `opening the archive ${name}`);
  });
  const stat = await handle.stat().catch(async (error: unknown) => {
    await handle.close();
    throw toClipError(error, `opening the archive ${name}`);
  });
  if (!stat.isFile()) {
    await handle.close();
    throw new ClipError(
      "NOT_AN_ARCHIVE",
      `${name} is not a regular file; give the path of a .clip archive`,
    );
  }
  return {
    name,
    size: stat.size,
    async read(offset, length) {
      if (offset < 0 || offset + length > stat.size) throw truncated(name);
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; ) {
        const { bytesRead } = await handle
          .read(bytes, at, length - at, offset + at)
          .catch((error: unknown) => {
            throw toClipError(error, `reading the archive ${name}`);
          });
        if (bytesRead === 0) throw truncated(name);
        at += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}

const truncated = (name: string): ClipError =>
  new ClipError("ARCHIVE_TRUNCATED", `the archive ${name} is cut short; get or build it again`);

const pieceSize = 1024 * 1024;

/** sha256 of a range of any length, read in pieces. @throws ClipError. */
export async function digestOfRange(
  source: ByteSource,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const hasher = new Bun.CryptoHasher("sha256");
  for (let at = 0; at < length; at += pieceSize) {
    hasher.update(await source.read(offset + at, Math.min(pieceSize, length - at)));
  }
  return new Uint8Array(hasher.digest());
}
