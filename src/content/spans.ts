import { type LayerShape, lastAtMost } from "../cache/block-map.ts";
import { ClipError } from "../errors.ts";
import { granuleSize } from "../layers/layer-index.ts";
import type { LayerMap } from "../layers/layer-map.ts";
import { cacheKeyOf } from "./cache-key.ts";

/**
 * The spans of a layer: from where decoding can start to where the next start is. Of an uncompressed layer, where it can
 * start anywhere, every granule is a span of its own. Everything that a hostile archive could have wrong in its
 * tables is checked here, once.
 */
export class Spans {
  readonly count: number;
  /** Tar offset of each span's start, and `tarSize` at the end. */
  readonly starts: Float64Array;
  /** Byte of the blob where each span starts and where it ends; neighbours may share a byte. */
  readonly byteStarts: Float64Array;
  readonly byteEnds: Float64Array;
  /** Number of each span's first granule, and the number of all at the end. */
  readonly firstGranules: Float64Array;

  /** @throws ClipError ARCHIVE_CORRUPT where the tables do not fit each other. */
  constructor(readonly map: LayerMap) {
    checkTables(map);
    const parts = map.codec === "tar" ? splitTar(map) : partsOf(map);
    this.count = parts.starts.length;
    this.starts = Float64Array.from([...parts.starts, map.tarSize]);
    this.byteStarts = Float64Array.from(parts.byteStarts);
    this.byteEnds = Float64Array.from(parts.byteEnds);
    this.firstGranules = new Float64Array(this.count + 1);
    for (let span = 0; span < this.count; span++) {
      const bytes = this.byteEnds[span]! - this.byteStarts[span]!;
      this.firstGranules[span + 1] = this.firstGranules[span]! + Math.ceil(bytes / granuleSize);
    }
    if (this.firstGranules[this.count] !== map.granuleReach.length) {
      throw corrupt(map, "the number of its granules is wrong");
    }
  }

  /** What the cache has to know. */
  shape(): LayerShape {
    return {
      key: cacheKeyOf(this.map),
      tarSize: this.map.tarSize,
      spanStarts: this.starts.slice(0, -1),
      resumable: this.map.codec === "gzip",
    };
  }

  /** The checkpoint that a span starts at. */
  checkpointOf(span: number): number {
    return this.map.codec === "tar" ? 0 : span;
  }

  spanAt(offset: number): number {
    return lastAtMost(this.starts, this.count, offset);
  }

  granuleCount(span: number): number {
    return this.firstGranules[span + 1]! - this.firstGranules[span]!;
  }

  /** Byte of the blob where granule `granule` of a span starts; the span's end for the number after the last. */
  granuleStart(span: number, granule: number): number {
    return Math.min(this.byteStarts[span]! + granule * granuleSize, this.byteEnds[span]!);
  }

  /** The digest that a granule of a span must have. */
  granuleSha256(span: number, granule: number): Uint8Array {
    const at = (this.firstGranules[span]! + granule) * 32;
    return this.map.granuleSha256.subarray(at, at + 32);
  }

  /** The tar offset up to which a span's bytes can be had with its granules up to `granule`. */
  reach(span: number, granule: number): number {
    return this.map.granuleReach[this.firstGranules[span]! + granule]!;
  }

  /** The first granule of a span with which all its tar bytes below `to` can be had. */
  granuleReaching(span: number, to: number): number {
    let low = 0;
    let high = Math.max(0, this.granuleCount(span) - 1);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.reach(span, middle) >= to) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

interface Parts {
  readonly starts: number[];
  readonly byteStarts: number[];
  readonly byteEnds: number[];
}

function partsOf({ out, bit, size }: LayerMap): Parts {
  const starts = Array.from(out);
  const byteStarts = Array.from(bit, (at) => Math.floor(at / 8));
  const byteEnds = Array.from(bit, (_, i) =>
    i + 1 < bit.length ? Math.ceil(bit[i + 1]! / 8) : size,
  );
  return { starts, byteStarts, byteEnds };
}

function splitTar(map: LayerMap): Parts {
  if (map.out.length !== 1 || map.bit[0] !== 0 || map.size !== map.tarSize) {
    throw corrupt(map, "an uncompressed layer has one checkpoint, at its start");
  }
  const count = Math.ceil(map.size / granuleSize);
  const starts = Array.from({ length: count }, (_, i) => i * granuleSize);
  const byteEnds = starts.map((start) => Math.min(start + granuleSize, map.size));
  return { starts, byteStarts: starts, byteEnds };
}

function checkTables(map: LayerMap): void {
  const { out, bit, kind, granuleReach, tarSize, size } = map;
  const count = out.length;
  const fits =
    bit.length === count &&
    kind.length === count &&
    map.windowSha256.length === count * 32 &&
    map.granuleSha256.length === granuleReach.length * 32;
  if (!fits) throw corrupt(map, "its tables have different lengths");
  if (granuleReach.length > Math.ceil(size / granuleSize) + 2 * count) {
    throw corrupt(map, "the number of its granules is wrong");
  }
  if (count === 0 ? tarSize > 0 : out[0] !== 0) throw corrupt(map, "nothing leads to its start");
  for (let i = 0; i < count; i++) {
    const [nextOut, nextBit] = [out[i + 1] ?? tarSize, bit[i + 1] ?? size * 8];
    // Written so that NaN is refused too.
    if (!(out[i]! >= 0 && out[i]! <= nextOut && bit[i]! >= 0 && bit[i]! <= nextBit)) {
      throw corrupt(map, `checkpoint ${i} is out of order`);
    }
  }
}

const corrupt = (map: LayerMap, what: string): ClipError =>
  new ClipError(
    "ARCHIVE_CORRUPT",
    `the archive's tables of layer ${map.digest} are wrong: ${what}; build the archive again`,
    { digest: map.digest },
  );
