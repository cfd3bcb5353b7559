import { ClipError } from "../errors.ts";
import type { Descriptor, Origin } from "./origin.ts";
import type { FileTree, StoredFile } from "./stored-file.ts";

/**
 * An origin whose blobs are files of this machine; `locate` finds the file of a digest. No requests are made, so
 * none are counted.
 */
export function fileOrigin(
  files: FileTree,
  locate: (digest: string, signal?: AbortSignal) => Promise<StoredFile | undefined>,
): Origin {
  const find = async (descriptor: Descriptor, signal?: AbortSignal): Promise<StoredFile> => {
    const { digest, size } = descriptor;
    const file = await locate(digest, signal);
    if (file === undefined) {
      const message = `${files.name} does not have the layer ${digest}; give another place with --origin`;
      throw new ClipError("LAYER_NOT_FOUND", message, { layer: digest, origin: files.name });
    }
    if (file.size === size) return file;
    throw new ClipError(
      "SIZE_MISMATCH",
      `the layer ${digest} in ${files.name} should be ${size} bytes long but is ${file.size}; copy the image again`,
      { layer: digest, expected: size, actual: file.size },
    );
  };
  return {
    name: files.name,
    blob: (descriptor) => ({
      digest: descriptor.digest,
      size: descriptor.size,
      async *read(offset, length, options = {}) {
        assertRange(offset, length, descriptor.size);
        const file = await find(descriptor, options.signal);
        yield* file.read(offset, length, options.signal);
      },
    }),
    async check(descriptor, options = {}) {
      await find(descriptor, options.signal);
    },
    close: () => files.close(),
  };
}

/** Asking beyond the end of a blob is a mistake of the caller. @throws RangeError. */
export function assertRange(offset: number, length: number, size: number): void {
  const sound = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0;
  if (!sound || length < 0 || offset + length > size) {
    throw new RangeError(`bytes ${offset} to ${offset + length} of a blob of ${size}`);
  }
}
