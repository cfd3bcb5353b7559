import { granuleSize } from "../../layers/layer-index.ts";
import type { LayerMap } from "../../layers/layer-map.ts";
import { viewOf } from "../fields.ts";
import type { ImageManifest } from "../oci/manifest.ts";
import { corruptArchive } from "./corrupt.ts";
import { layerCodecs, layerRow, limits } from "./layout.ts";
import { checkpointTable, granuleTable } from "./tables.ts";

/** A layer's tables, with where its windows are: checkpoint i's begins at `windowAt[i]` of the windows section. */
export interface LayerTables extends Omit<LayerMap, "window"> {
  readonly frames: number;
  readonly windowAt: Float64Array;
  readonly windowSize: Float64Array;
}

/**
 * Reads and checks the tables of all layers: what they say is possible and fits together, so that whoever uses them
 * need not check again.
 * @throws ClipError ARCHIVE_CORRUPT.
 */
export function decodeLayerTables(
  sections: {
    readonly layers: Uint8Array;
    readonly checkpoints: Uint8Array;
    readonly granules: Uint8Array;
  },
  windowsSize: number,
  manifest: ImageManifest,
): LayerTables[] {
  const count = sections.layers.length / layerRow.size;
  if (!Number.isInteger(count) || count > limits.layers || count !== manifest.layers.length) {
    throw corruptArchive("has another number of layers than its manifest");
  }
  const checkpoints = checkpointTable.decode(sections.checkpoints);
  const granules = granuleTable.decode(sections.granules);
  let firstCheckpoint = 0;
  let firstGranule = 0;
  let windowAt = 0;
  const layers = Array.from({ length: count }, (_, i): LayerTables => {
    const row = layerRow.read(viewOf(sections.layers), i * layerRow.size);
    const described = manifest.layers[i]!;
    const codec = layerCodecs[row.codec];
    const endCheckpoint = firstCheckpoint + row.checkpoints;
    const endGranule = firstGranule + row.granules;
    const isPossible =
      codec !== undefined &&
      row.checkpoints > 0 &&
      endCheckpoint <= checkpoints.rows &&
      endGranule <= granules.rows;
    if (!isPossible) throw corruptArchive(`describes layer ${i} impossibly`);
    const digest = `sha256:${Buffer.from(row.digest).toString("hex")}`;
    if (digest !== described.digest || row.size !== described.size) {
      throw corruptArchive(`has another layer ${i} than its manifest`);
    }
    const windowSize = checkpoints.values.windowSize.subarray(firstCheckpoint, endCheckpoint);
    const layer: LayerTables = {
      digest,
      diffId: `sha256:${Buffer.from(row.diffId).toString("hex")}`,
      mediaType: described.mediaType,
      codec,
      size: row.size,
      tarSize: row.tarSize,
      frames: row.frames,
      out: checkpoints.values.out.subarray(firstCheckpoint, endCheckpoint),
      bit: checkpoints.values.bit.subarray(firstCheckpoint, endCheckpoint),
      kind: Uint8Array.from(checkpoints.values.kind.subarray(firstCheckpoint, endCheckpoint)),
      windowSha256: checkpoints.values.windowSha256.subarray(
        firstCheckpoint * 32,
        endCheckpoint * 32,
      ),
      windowSize,
      windowAt: windowSize.map((size) => (windowAt += size) - size),
      granuleSha256: granules.values.sha256.subarray(firstGranule * 32, endGranule * 32),
      granuleReach: granules.values.reach.subarray(firstGranule, endGranule),
    };
    checkLayer(layer, i);
    firstCheckpoint = endCheckpoint;
    firstGranule = endGranule;
    return layer;
  });
  if (
    firstCheckpoint !== checkpoints.rows ||
    firstGranule !== granules.rows ||
    windowAt !== windowsSize
  ) {
    throw corruptArchive("has checkpoints, granules or windows that belong to no layer");
  }
  return layers;
}

/** A window holds at most 32 KiB and a block's header; zstd adds a little to what it cannot pack. */
const maxWindowSize = 40 * 1024;
const maxKind = 2;

function checkLayer(layer: LayerTables, number: number): void {
  const { out, bit, kind, size, tarSize, granuleReach, windowSize } = layer;
  const wrong = (what: string) => corruptArchive(`has ${what} in layer ${number} that cannot be`);
  if (out[0] !== 0 || bit[0] !== 0) throw wrong("a first checkpoint");
  let granule = 0;
  for (let i = 0; i < out.length; i++) {
    const isLast = i + 1 === out.length;
    const nextOut = isLast ? tarSize : out[i + 1]!;
    const nextBit = isLast ? size * 8 : bit[i + 1]!;
    const rises = isLast
      ? nextBit >= bit[i]! && nextOut >= out[i]!
      : nextBit > bit[i]! && nextOut >= out[i]!;
    if (!rises || nextBit > size * 8 || nextOut > tarSize) throw wrong("a checkpoint");
    if (
      kind[i]! > maxKind ||
      windowSize[i]! > maxWindowSize ||
      (kind[i] === 0 && bit[i]! % 8 !== 0)
    ) {
      throw wrong("a checkpoint");
    }
    const length = Math.ceil(nextBit / 8) - Math.floor(bit[i]! / 8);
    const end = granule + Math.ceil(length / granuleSize);
    if (end > granuleReach.length) throw wrong("a number of granules");
    for (let before = out[i]!; granule < end; granule++) {
      const reach = granuleReach[granule]!;
      if (reach < before || reach > tarSize) throw wrong("a granule");
      before = reach;
    }
    if (length > 0 && granuleReach[granule - 1]! < nextOut) throw wrong("a span");
  }
  if (granule !== granuleReach.length) throw wrong("a number of granules");
}
