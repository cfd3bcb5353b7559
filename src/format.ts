/** Numbers and tables for people. */

const units = ["B", "KiB", "MiB", "GiB", "TiB"];

/** 1536 → "1.5 KiB". */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(value < 10 ? 2 : 1)} ${units[unit]}`;
}

/** 93_000 → "1m33s". */
export function formatDuration(ms: number): string {
  if (Math.round(ms) < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}m${String(whole % 60).padStart(2, "0")}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? `${hours}h${String(minutes % 60).padStart(2, "0")}m`
    : `${Math.floor(hours / 24)}d${hours % 24}h`;
}

export const formatCount = (count: number): string => count.toLocaleString("en-US");

/** Columns padded to their widest cell; a column whose header starts with `>` is right-aligned. */
export function formatTable(
  headers: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const titles = headers.map((header) => header.replace(/^>/, ""));
  const widths = titles.map((title, i) =>
    Math.max(Bun.stringWidth(title), ...rows.map((row) => Bun.stringWidth(row[i] ?? ""))),
  );
  const draw = (cells: readonly string[]) =>
    cells
      .map((cell, i) => {
        const space = " ".repeat(Math.max(0, widths[i]! - Bun.stringWidth(cell)));
        return headers[i]!.startsWith(">") ? space + cell : cell + space;
      })
      .join("  ")
      .trimEnd();
  return [draw(titles), ...rows.map(draw)];
}

/** "sha256:0123456789ab…" for a column; the whole digest is in `--json`. */
export const shortDigest = (digest: string): string => digest.replace(/^(\w+:\w{12})\w+$/, "$1");

/** By the type bits of st_mode (S_IFMT >> 12, inode(7)). */
const typeLetters = "-pc-d-b---l-s";

/** st_mode as `ls -l` shows it: "drwxr-sr-t". */
export function formatMode(mode: number): string {
  const bit = (mask: number, letter: string) => ((mode & mask) !== 0 ? letter : "-");
  const exec = (mask: number, special: number, letter: string) =>
    (mode & special) === 0 ? bit(mask, "x") : (mode & mask) !== 0 ? letter : letter.toUpperCase();
  return [
    typeLetters[mode >> 12] ?? "-",
    bit(0o400, "r"),
    bit(0o200, "w"),
    exec(0o100, 0o4000, "s"),
    bit(0o040, "r"),
    bit(0o020, "w"),
    exec(0o010, 0o2000, "s"),
    bit(0o004, "r"),
    bit(0o002, "w"),
    exec(0o001, 0o1000, "t"),
  ].join("");
}

/** Seconds since 1970 and nanoseconds as `stat` shows them, in UTC. */
export function formatTime(seconds: number, nanoseconds: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return `@${seconds}.${String(nanoseconds).padStart(9, "0")}`;
  return `${date.toISOString().slice(0, 19).replace("T", " ")}.${String(nanoseconds).padStart(9, "0")} UTC`;
}
