import { ClipError } from "../../errors.ts";
import { viewOf } from "../fields.ts";
import type { LayerContents } from "./contents.ts";
import { sha256Of } from "./head.ts";
import { checkpointKinds, layerCodecs, layerRow } from "./layout.ts";
import { checkpointTable, granuleTable } from "./tables.ts";

/** Section `layers`. @throws ClipError UNSUPPORTED for digests that are not sha256. */
export function encodeLayers(layers: readonly LayerContents[]): Uint8Array {
  const bytes = new Uint8Array(layers.length * layerRow.size);
  layers.forEach((layer, i) => {
    layerRow.write(viewOf(bytes), i * layerRow.size, {
      digest: rawSha256(layer.digest),
      diffId: rawSha256(layer.diffId),
      size: layer.size,
      tarSize: layer.tarSize,
      checkpoints: layer.checkpoints.length,
      granules: layer.granules.length,
      frames: layer.frames,
      codec: layerCodecs.indexOf(layer.codec),
    });
  });
  return bytes;
}

/** Section `checkpoints`. */
export function encodeCheckpoints(layers: readonly LayerContents[]): Uint8Array {
  const all = layers.flatMap(({ checkpoints }) => checkpoints);
  return checkpointTable.encode(
    {
      out: Float64Array.from(all, ({ out }) => out),
      bit: Float64Array.from(all, ({ bit }) => bit),
      windowSize: Float64Array.from(all, ({ window }) => window.length),
      kind: Float64Array.from(all, ({ kind }) => checkpointKinds.indexOf(kind)),
      windowSha256: Buffer.concat(all.map(({ window }) => sha256Of(window))),
    },
    all.length,
  );
}

/** Section `granules`. */
export function encodeGranules(layers: readonly LayerContents[]): Uint8Array {
  const all = layers.flatMap(({ granules }) => granules);
  return granuleTable.encode(
    {
      reach: Float64Array.from(all, ({ reach }) => reach),
      sha256: Buffer.concat(all.map(({ sha256 }) => sha256)),
    },
    all.length,
  );
}

/** Section `windows`: each is compressed by itself, so that it can be fetched by itself. */
export const encodeWindows = (layers: readonly LayerContents[]): Uint8Array =>
  Buffer.concat(layers.flatMap(({ checkpoints }) => checkpoints.map(({ window }) => window)));

function rawSha256(digest: string): Uint8Array {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
  if (hex === undefined) {
    throw new ClipError(
      "UNSUPPORTED",
      `${digest} is not a sha256 digest, the only kind that a .clip archive holds; push the image with sha256 digests`,
    );
  }
  return Buffer.from(hex, "hex");
}
