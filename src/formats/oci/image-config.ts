import { shown } from "./descriptor.ts";
import { parseDigest } from "./digest.ts";
import { arrayAt, corrupt, objectAt, parseJsonObject, stringAt } from "./json.ts";
import { maxLayers } from "./manifest.ts";
import { type Platform, platformAt } from "./platform.ts";

/** What is needed of an image configuration (config.md); Docker's has the same fields. */
export interface ImageConfig {
  /** Undefined where the configuration does not say, as in images made from scratch by simple tools. */
  readonly platform: Platform | undefined;
  /** Digests of the uncompressed layers, the base first. */
  readonly diffIds: readonly string[];
}

/**
 * Reads an image configuration. `what` names it in messages.
 * @throws ClipError MANIFEST_CORRUPT.
 */
export function parseConfig(bytes: Uint8Array, what: string): ImageConfig {
  const where = `the image configuration ${what}`;
  const object = parseJsonObject(bytes, where);
  const rootfs = objectAt(object.rootfs, `${where}: rootfs`);
  if (rootfs.type !== "layers") {
    throw corrupt(`${where}: rootfs.type`, `is ${shown(rootfs.type)} instead of "layers"`);
  }
  const diffIds = arrayAt(rootfs.diff_ids, `${where}: rootfs.diff_ids`, maxLayers).map(
    (item, i) => {
      const diffId = stringAt(item, `${where}: rootfs.diff_ids[${i}]`);
      if (parseDigest(diffId)?.algorithm !== "sha256") {
        throw corrupt(
          `${where}: rootfs.diff_ids[${i}]`,
          `is ${shown(diffId)}, which is no sha256 digest`,
        );
      }
      return diffId;
    },
  );
  const said = object.os && object.architecture;
  return { platform: said ? platformAt(object, where) : undefined, diffIds };
}
