/** Origins: where layer blobs come from. A registry, an OCI layout, an OCI or Docker archive. */

/** Plain description of an origin: crosses threads, and goes (without secrets, which it never holds) into archives. */
export type OriginSpec =
  | { readonly kind: "registry"; readonly reference: string; readonly insecure?: boolean }
  | { readonly kind: "oci-layout"; readonly path: string; readonly tag?: string }
  | { readonly kind: "oci-archive"; readonly path: string; readonly tag?: string }
  | { readonly kind: "docker-archive"; readonly path: string; readonly tag?: string };

/** Digest, length and media type of a blob (OCI image spec, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What a fetch met on its way, for counters; all counts are since the call began. */
export interface FetchEvents {
  /** A request was sent (retries included). */
  readonly onRequest?: () => void;
  readonly onRetry?: (reason: string) => void;
}

export interface ReadOptions extends FetchEvents {
  readonly signal?: AbortSignal;
}

/** One blob of an origin, readable by ranges. */
export interface Blob {
  readonly digest: string;
  readonly size: number;
  /**
   * Streams `length` bytes from byte `offset`, in pieces of any size, exactly `length` in all. Broken bodies are
   * resumed where they broke; what cannot be got is a ClipError (never a short stream). Bytes are not verified here.
   */
  read(offset: number, length: number, options?: ReadOptions): AsyncIterable<Uint8Array>;
}

export interface Origin {
  /** For messages: no credentials in it. */
  readonly name: string;
  /** A blob of the image. No request is made before the first read. */
  blob(descriptor: Descriptor): Blob;
  /** Whether the blob is there with the right length, without downloading it. Throws LAYER_NOT_FOUND or SIZE_MISMATCH. */
  check(descriptor: Descriptor, options?: ReadOptions): Promise<void>;
  /** Releases connections and files. */
  close(): Promise<void>;
}

/** An image as an origin has it. The bytes are as stored, verified against their digests. */
export interface ResolvedImage {
  readonly origin: Origin;
  /** What the archive records: pinned by digest where the origin allows it. */
  readonly spec: OriginSpec;
  /** For a docker-archive, which has no OCI manifest, an equivalent one is made up (deterministically). */
  readonly manifestDescriptor: Descriptor;
  readonly manifest: Uint8Array;
  readonly config: Uint8Array;
  readonly layers: readonly Descriptor[];
  /** diffIDs of the config, one for each layer. */
  readonly diffIds: readonly string[];
}
