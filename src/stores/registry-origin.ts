import { ClipError } from "../errors.ts";
import {
  type CallOptions,
  createRegistryClient,
  type RegistryClient,
  type RegistryOptions,
} from "../registry/client.ts";
import {
  openBlob,
  parseContentRange,
  type RemoteBlob,
  readRange,
  sizeMismatch,
} from "../registry/ranged-read.ts";
import { contentLength } from "../registry/read-body.ts";
import { formatReference, parseReference, type Reference } from "../registry/reference.ts";
import { retrying } from "../registry/retry.ts";
import { assertRange } from "./file-origin.ts";
import { type ImageReader, verifyDescriptor } from "./image-reader.ts";
import type { Descriptor, Origin, OriginSpec } from "./origin.ts";

/** An image in a registry. @throws ClipError BAD_REFERENCE. */
export const registryOrigin = (referenceText: string, options: RegistryOptions): Origin => {
  const reference = parseReference(referenceText);
  return originOf(reference, createRegistryClient(reference, options));
};

function originOf(reference: Reference, client: RegistryClient): Origin {
  const remote = ({ digest, size }: Descriptor): RemoteBlob => ({
    digest,
    size,
    imageName: reference.name,
  });
  return {
    name: reference.name,
    blob(descriptor) {
      const blob = remote(descriptor);
      return {
        digest: blob.digest,
        size: blob.size,
        async *read(offset, length, options = {}) {
          assertRange(offset, length, blob.size);
          yield* readRange(client, blob, offset, length, options);
        },
      };
    },
    check: (descriptor, options = {}) =>
      retrying(client.retrier(options), () => checkBlob(client, remote(descriptor), options)),
    // Connections belong to Bun, which closes them when they idle.
    async close() {},
  };
}

/** A HEAD, and where that tells no length, or a signed URL is good for GET only, one byte. */
async function checkBlob(
  client: RegistryClient,
  blob: RemoteBlob,
  options: CallOptions,
): Promise<void> {
  const size =
    (await headLength(client, blob, options)) ?? (await rangeLength(client, blob, options));
  if (size !== blob.size) throw sizeMismatch(blob, size);
}

async function headLength(
  client: RegistryClient,
  blob: RemoteBlob,
  options: CallOptions,
): Promise<number | undefined> {
  try {
    const answer = await openBlob(client, blob, "HEAD", options);
    await answer.close();
    return contentLength(answer.headers);
  } catch (error) {
    const status = error instanceof ClipError ? error.data.status : undefined;
    if (status === 400 || status === 403 || status === 405) return undefined;
    throw error;
  }
}

async function rangeLength(
  client: RegistryClient,
  blob: RemoteBlob,
  options: CallOptions,
): Promise<number | undefined> {
  const answer = await openBlob(client, blob, "GET", options, { range: "bytes=0-0" });
  await answer.close();
  const { status, headers } = answer;
  if (status === 206) return parseContentRange(headers.get("content-range"))?.total;
  // Of an empty blob there is no byte 0.
  if (status === 416) return 0;
  return contentLength(headers);
}

/** Reads an image of a registry. */
export function registryReader(
  spec: OriginSpec & { kind: "registry" },
  options: RegistryOptions,
): ImageReader {
  const reference = parseReference(spec.reference);
  const client = createRegistryClient(reference, options);
  const call = (signal: AbortSignal | undefined): CallOptions => ({ signal });
  return {
    name: formatReference(reference),
    origin: originOf(reference, client),
    async root(signal) {
      const wanted = reference.digest ?? reference.tag!;
      const { bytes, digest, mediaType } = await client.manifest(wanted, call(signal));
      return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
    },
    async document(descriptor, signal) {
      const { bytes } = await client.manifest(descriptor.digest, call(signal));
      verifyDescriptor(bytes, descriptor, `the manifest ${descriptor.digest} of ${reference.name}`);
      return { descriptor, bytes };
    },
    async config(descriptor, signal) {
      const bytes = await client.smallBlob(descriptor.digest, call(signal));
      verifyDescriptor(bytes, descriptor, `the configuration of ${reference.name}`);
      return bytes;
    },
    pinned: (manifestDigest) => ({
      ...spec,
      reference: formatReference({ ...reference, digest: manifestDigest }),
    }),
  };
}
