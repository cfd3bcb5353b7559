import { gzipMagic } from "../formats/deflate/gzip-header.ts";
import { viewOf } from "../formats/fields.ts";
import { isZstdMagic } from "../formats/zstd/frame-header.ts";
import type { Codec } from "./layer-index.ts";

/** Bytes that {@link detectCodec} wants to see, unless the layer is shorter. */
export const codecProbeSize = 4;

/** How a layer is compressed, told from its first bytes: what is neither gzip nor zstd is taken for a tar. */
export function detectCodec(first: Uint8Array): Codec {
  if (first[0] === gzipMagic[0] && first[1] === gzipMagic[1]) return "gzip";
  if (first.length >= 4 && isZstdMagic(viewOf(first).getUint32(0, true))) return "zstd";
  return "tar";
}
