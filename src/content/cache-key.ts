import type { LayerMap } from "../layers/layer-map.ts";

/**
 * The name of a layer's cache files: the digest of everything that its bytes are verified by (design D10). Two archives
 * share them only if their tables of the layer are the same, so one that lies about a layer spoils its own cache alone.
 */
export function cacheKeyOf(map: LayerMap): string {
  const hasher = new Bun.CryptoHasher("sha256");
  const { digest, diffId, codec, size, tarSize } = map;
  const [checkpoints, granules] = [map.out.length, map.granuleReach.length];
  const head = { clip: 2, digest, diffId, codec, size, tarSize, checkpoints, granules };
  hasher.update(`${JSON.stringify(head)}\n`);
  // The lengths of all arrays follow from the head, so no two maps give the same bytes.
  hasher.update(map.out).update(map.bit).update(map.kind).update(map.windowSha256);
  hasher.update(map.granuleSha256).update(map.granuleReach);
  return hasher.digest("hex");
}
