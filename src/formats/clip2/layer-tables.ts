import { viewOf } from "../fields.ts";
import type { ImageManifest } from "../oci/manifest.ts";
import { checkLayer } from "./check-layer.ts";
import type { LayerTables } from "./contents.ts";
import { corruptArchive } from "./corrupt.ts";
import { layerCodecs, layerRow, limits } from "./layout.ts";
import { checkpointTable, granuleTable } from "./tables.ts";

/** The raw bytes of the sections that describe layers, and the length of the windows section. */
export interface LayerSections {
  readonly layers: Uint8Array;
  readonly checkpoints: Uint8Array;
  readonly granules: Uint8Array;
  readonly windowsSize: number;
}

/**
 * Reads and checks the tables of all layers: what they say is possible and fits together, so that whoever uses them
 * need not check again.
 * @throws ClipError ARCHIVE_CORRUPT.
 */
export function decodeLayerTables(sections: LayerSections, manifest: ImageManifest): LayerTables[] {
  const count = sections.layers.length / layerRow.size;
  if (!Number.isInteger(count) || count > limits.layers || count !== manifest.layers.length) {
    throw corruptArchive("has another number of layers than its manifest");
  }
  const reader = new LayerReader(sections);
  const layers = manifest.layers.map((described, i) => reader.next(described, i));
  reader.finish();
  return layers;
}

/** Takes one layer after the other off the tables that they share. */
class LayerReader {
  readonly #checkpoints;
  readonly #granules;
  #checkpoint = 0;
  #granule = 0;
  #window = 0;

  constructor(readonly sections: LayerSections) {
    this.#checkpoints = checkpointTable.decode(sections.checkpoints);
    this.#granules = granuleTable.decode(sections.granules);
  }

  next(described: ImageManifest["layers"][number], number: number): LayerTables {
    const row = layerRow.read(viewOf(this.sections.layers), number * layerRow.size);
    const codec = layerCodecs[row.codec];
    const digest = digestText(row.digest);
    const isZero = row.reserved.every((byte) => byte === 0);
    if (codec === undefined || !isZero)
      throw corruptArchive(`describes layer ${number} impossibly`);
    if (digest !== described.digest || row.size !== described.size) {
      throw corruptArchive(`has another layer ${number} than its manifest`);
    }
    const layer: LayerTables = {
      ...{ digest, codec, diffId: digestText(row.diffId), mediaType: described.mediaType },
      ...{ size: row.size, tarSize: row.tarSize, frames: row.frames },
      ...this.#takeCheckpoints(row.checkpoints),
      ...this.#takeGranules(row.granules),
    };
    checkLayer(layer, number);
    return layer;
  }

  finish(): void {
    const isAll =
      this.#checkpoint === this.#checkpoints.rows &&
      this.#granule === this.#granules.rows &&
      this.#window === this.sections.windowsSize;
    if (!isAll) {
      throw corruptArchive("has checkpoints, granules or windows that belong to no layer");
    }
  }

  #takeCheckpoints(count: number) {
    const { rows, values } = this.#checkpoints;
    const [from, to] = [this.#checkpoint, this.#checkpoint + count];
    if (to > rows) throw corruptArchive("has fewer checkpoints than its layers");
    this.#checkpoint = to;
    const windowSize = values.windowSize.subarray(from, to);
    const windowAt = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      windowAt[i] = this.#window;
      this.#window += windowSize[i]!;
    }
    return {
      out: values.out.subarray(from, to),
      bit: values.bit.subarray(from, to),
      kind: Uint8Array.from(values.kind.subarray(from, to)),
      windowSize,
      windowAt,
      windowSha256: values.windowSha256.subarray(from * 32, to * 32),
    };
  }

  #takeGranules(count: number) {
    const { rows, values } = this.#granules;
    const [from, to] = [this.#granule, this.#granule + count];
    if (to > rows) throw corruptArchive("has fewer granules than its layers");
    this.#granule = to;
    return {
      granuleReach: values.reach.subarray(from, to),
      granuleSha256: values.sha256.subarray(from * 32, to * 32),
    };
  }
}

const digestText = (raw: Uint8Array): string => `sha256:${Buffer.from(raw).toString("hex")}`;
