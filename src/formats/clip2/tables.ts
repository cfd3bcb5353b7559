import { table } from "./columns.ts";

/** One row for each checkpoint, layer after layer. Windows follow each other in this order in the windows section. */
export const checkpointTable = table("checkpoints", {
  out: "rising",
  bit: "rising",
  windowSize: "u32",
  kind: "u8",
  windowSha256: "sha256",
});

/** One row for each granule, span after span. */
export const granuleTable = table("granules", {
  reach: "rising",
  sha256: "sha256",
});
