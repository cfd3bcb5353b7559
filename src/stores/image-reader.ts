import { ClipError } from "../errors.ts";
import { verifyDigest } from "../formats/oci/digest.ts";
import type { Descriptor, Origin, OriginSpec } from "./origin.ts";

/** A manifest or index with its bytes, which have the descriptor's digest. */
export interface ImageDocument {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** What resolving an image needs of a place that holds images. */
export interface ImageReader {
  /** Names the image in messages. */
  readonly name: string;
  readonly origin: Origin;
  /**
   * Where the search for the manifest begins: one document, or the entries to choose from by platform.
   * @throws ClipError IMAGE_NOT_FOUND.
   */
  root(signal?: AbortSignal): Promise<ImageDocument | readonly Descriptor[]>;
  /** A manifest or index that another document refers to, verified. */
  document(descriptor: Descriptor, signal?: AbortSignal): Promise<ImageDocument>;
  /** The image configuration, verified. */
  config(descriptor: Descriptor, signal?: AbortSignal): Promise<Uint8Array>;
  /** What an archive records, once the manifest's digest is known. */
  pinned(manifestDigest: string): OriginSpec;
}

/** Asserts that bytes are what a descriptor says; `what` names them. @throws ClipError SIZE_MISMATCH, DIGEST_MISMATCH. */
export function verifyDescriptor(bytes: Uint8Array, descriptor: Descriptor, what: string): void {
  verifyDigest(bytes, descriptor.digest, what);
  if (bytes.length === descriptor.size) return;
  throw new ClipError(
    "SIZE_MISMATCH",
    `${what} is ${bytes.length} bytes long; what refers to it says ${descriptor.size}`,
    { digest: descriptor.digest, expected: descriptor.size, actual: bytes.length },
  );
}
