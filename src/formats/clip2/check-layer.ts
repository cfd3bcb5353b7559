import type { LayerTables } from "./contents.ts";
import { corruptArchive } from "./corrupt.ts";
import { checkpointKinds, granuleSize, limits } from "./layout.ts";

type Wrong = (what: string) => Error;

const start = checkpointKinds.indexOf("start");
const inside = checkpointKinds.indexOf("inside");

/**
 * Checks that a layer's tables fit each other and the layer's sizes. Number `number` counts from 0, for messages.
 * @throws ClipError ARCHIVE_CORRUPT.
 */
export function checkLayer(layer: LayerTables, number: number): void {
  const wrong: Wrong = (what) => corruptArchive(`has ${what} in layer ${number} that cannot be`);
  const { codec, size, tarSize, out, bit, kind } = layer;
  if (size >= limits.layerSize || tarSize >= limits.layerSize) throw wrong("a size");
  if (out[0] !== 0 || bit[0] !== 0 || kind[0] !== start) throw wrong("a first checkpoint");
  if (codec === "tar" && (out.length > 1 || size !== tarSize)) throw wrong("an uncompressed tar");
  for (let i = 0; i < out.length; i++) {
    const rises = i === 0 || (out[i]! > out[i - 1]! && bit[i]! > bit[i - 1]!);
    const isInside = i === 0 || (out[i]! <= tarSize && bit[i]! < size * 8);
    if (!rises || !isInside || !isOfItsKind(layer, i)) throw wrong(`a checkpoint ${i}`);
  }
  checkGranules(layer, wrong);
}

/** Only deflate can be resumed anywhere else than where a frame, member or tar starts. */
function isOfItsKind({ codec, bit, kind, windowSize }: LayerTables, i: number): boolean {
  if (kind[i] === start) return windowSize[i] === 0 && bit[i]! % 8 === 0;
  if (codec !== "gzip" || windowSize[i]! > limits.windowSize) return false;
  return kind[i] === inside ? windowSize[i]! > 0 : kind[i]! < checkpointKinds.length;
}

/** Every span has as many granules as its length implies; what they reach rises up to where the next span begins. */
function checkGranules({ size, tarSize, out, bit, granuleReach }: LayerTables, wrong: Wrong): void {
  let granule = 0;
  for (let i = 0; i < out.length; i++) {
    const from = Math.floor(bit[i]! / 8);
    const to = i + 1 < bit.length ? Math.ceil(bit[i + 1]! / 8) : size;
    const end = granule + Math.ceil((to - from) / granuleSize);
    if (end > granuleReach.length) throw wrong("a number of granules");
    const outTo = out[i + 1] ?? tarSize;
    let reach = out[i]!;
    for (; granule < end; granule++) {
      const next = granuleReach[granule]!;
      if (next < reach || next > outTo) throw wrong(`a granule ${granule}`);
      reach = next;
    }
    if (reach !== outTo) throw wrong(`a span ${i}`);
  }
  if (granule !== granuleReach.length) throw wrong("a number of granules");
}
