/** Numbers and bars as the terminal views draw them. */
export { formatBytes as humanBytes, formatDuration as humanTime } from "../src/format.ts";

const unicode = !/^(C|POSIX)$/.test(
  process.env.LC_ALL ?? process.env.LC_CTYPE ?? process.env.LANG ?? "",
);

/** A bar of `width` cells, `share` (0 to 1) of it filled; ASCII where the locale has no Unicode. */
export function barCells(share: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width);
  const [full, empty] = unicode ? ["█", "░"] : ["#", "."];
  return full.repeat(filled) + empty.repeat(width - filled);
}
