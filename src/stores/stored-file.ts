import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { ClipError, toClipError } from "../errors.ts";
import { corrupt, maxDocumentLength } from "../formats/oci/json.ts";
import { interrupted } from "../registry/failure.ts";
import { osPath, shownPath } from "../system/paths.ts";

/** A run of bytes in a file of this machine. */
export interface StoredFile {
  /** For messages. */
  readonly name: string;
  readonly size: number;
  /** Streams exactly `length` bytes from `offset`. @throws ClipError SIZE_MISMATCH where the file has become shorter. */
  read(
    offset: number,
    length: number,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, void>;
}

/** Files below one root: a directory, or the members of a tar. */
export interface FileTree {
  readonly name: string;
  /** The regular file of that name, undefined where there is none. */
  file(path: string): Promise<StoredFile | undefined>;
  close(): Promise<void>;
}

const pieceLength = 1024 * 1024;

/**
 * Opens a regular file for reading. Nothing else is opened: a FIFO in the place of a file would never answer.
 * @throws ClipError FILE_NOT_FOUND, PERMISSION, IO; UNSUPPORTED for what is no regular file.
 */
export async function openRegularFile(path: string): Promise<{ handle: FileHandle; size: number }> {
  const name = shownPath(path);
  let handle: FileHandle | undefined;
  try {
    handle = await open(osPath(path), constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = await handle.stat();
    if (!stat.isFile()) throw new ClipError("UNSUPPORTED", `${name} is not a regular file`);
    return { handle, size: stat.size };
  } catch (error) {
    await handle?.close();
    throw toClipError(error, `opening ${name}`);
  }
}

/** Streams `length` bytes of an open file from byte `at`. The pieces are the reader's to keep. */
export async function* readHandle(
  handle: FileHandle,
  name: string,
  at: number,
  length: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  for (let done = 0; done < length; ) {
    if (signal?.aborted) throw interrupted(signal);
    const piece = new Uint8Array(Math.min(pieceLength, length - done));
    const { bytesRead } = await handle
      .read(piece, 0, piece.length, at + done)
      .catch((error: unknown) => {
        throw toClipError(error, `reading ${name}`);
      });
    if (bytesRead === 0) {
      const message = `${name} ends at byte ${at + done}, before byte ${at + length} that should be there`;
      throw new ClipError("SIZE_MISMATCH", message, { path: name, offset: at + done });
    }
    done += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

/** The whole of a small file. @throws ClipError MANIFEST_CORRUPT where it is longer than a document may be. */
export async function readDocument(file: StoredFile, signal?: AbortSignal): Promise<Uint8Array> {
  if (file.size > maxDocumentLength) {
    throw corrupt(
      file.name,
      `is ${file.size} bytes long; at most ${maxDocumentLength} are accepted`,
    );
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of file.read(0, file.size, signal)) pieces.push(piece);
  return Buffer.concat(pieces);
}
