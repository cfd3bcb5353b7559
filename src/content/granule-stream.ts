import { ClipError } from "../errors.ts";
import { granuleSize } from "../layers/layer-index.ts";
import type { Blob, ReadOptions } from "../stores/origin.ts";

/** A granule to fetch: bytes `from` to `to` of the blob, and their digest. */
export interface GranuleWanted {
  /** Its number in its span. */
  readonly granule: number;
  readonly from: number;
  readonly to: number;
  readonly sha256: Uint8Array;
}

export interface GranuleStreamEvents extends ReadOptions {
  readonly onBytes: (count: number) => void;
  readonly onMismatch: () => void;
}

/**
 * Fetches granules that follow each other (each begins where the one before ended, or at its last byte) and gives the
 * bytes of each, verified, valid until the next one is asked for. What does not verify is fetched once more.
 * @throws ClipError DIGEST_MISMATCH where it is wrong again, and whatever the blob throws.
 */
export async function* verifiedGranules(
  blob: Blob,
  wanted: readonly GranuleWanted[],
  events: GranuleStreamEvents,
): AsyncGenerator<{ readonly granule: GranuleWanted; readonly bytes: Uint8Array }> {
  let distrusted: GranuleWanted | undefined;
  for (let done = 0; done < wanted.length; ) {
    for await (const bytes of cut(blob, wanted, done, events)) {
      const granule = wanted[done]!;
      if (matches(bytes, granule.sha256)) {
        yield { granule, bytes };
        done++;
        continue;
      }
      events.onMismatch();
      if (distrusted === granule) throw mismatch(blob, granule);
      distrusted = granule;
      break;
    }
  }
}

/** The bytes of granules `first` and on, cut out of one ranged read. */
async function* cut(
  blob: Blob,
  wanted: readonly GranuleWanted[],
  first: number,
  events: GranuleStreamEvents,
): AsyncGenerator<Uint8Array> {
  const { from } = wanted[first]!;
  const length = wanted.at(-1)!.to - from;
  const buffer = new Uint8Array(granuleSize);
  let filled = 0;
  let index = first;
  for await (const chunk of blob.read(from, length, events)) {
    events.onBytes(chunk.length);
    for (let at = 0; at < chunk.length && index < wanted.length; ) {
      const granule = wanted[index]!;
      const size = granule.to - granule.from;
      const part = chunk.subarray(at, at + size - filled);
      buffer.set(part, filled);
      filled += part.length;
      at += part.length;
      // An empty last piece: the granule may be of one byte, shared with the one before.
      while (index < wanted.length && filled === wanted[index]!.to - wanted[index]!.from) {
        yield buffer.subarray(0, filled);
        const shared = (wanted[index + 1]?.from ?? Number.POSITIVE_INFINITY) < wanted[index]!.to;
        if (shared) buffer[0] = buffer[filled - 1]!;
        filled = shared ? 1 : 0;
        index++;
      }
    }
  }
  if (index < wanted.length) {
    throw new ClipError("SIZE_MISMATCH", `layer ${blob.digest} ended early at the origin`, {
      digest: blob.digest,
    });
  }
}

const matches = (bytes: Uint8Array, sha256: Uint8Array): boolean =>
  Buffer.compare(new Bun.CryptoHasher("sha256").update(bytes).digest(), sha256) === 0;

function mismatch(blob: Blob, { from, to }: GranuleWanted): ClipError {
  const { digest } = blob;
  return new ClipError(
    "DIGEST_MISMATCH",
    `bytes ${from} to ${to} of layer ${digest} are not those that were indexed; ` +
      "the origin has another or a damaged blob: check it, or use another origin",
    { digest, from, to },
  );
}
