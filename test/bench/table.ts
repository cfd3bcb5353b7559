import { type Measured, median } from "./alternate.ts";

/** Rows of text as a Markdown table. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(header), rule, ...rows.map(line)].join("\n");
}

const milliseconds = (value: number): string =>
  value < 10
    ? value.toFixed(2)
    : value < 1000
      ? value.toFixed(0)
      : `${(value / 1000).toFixed(2)} s`;

/**
 * Medians, extremes and the ratio to the first candidate's median; with `bytes`, what every run goes through, also
 * the throughput.
 */
export function timesTable(measured: readonly Measured[], bytes?: number): string {
  const reference = median(measured[0]!.times);
  const rows = measured.map(({ name, times }) => {
    const middle = median(times);
    const range = `${milliseconds(Math.min(...times))} - ${milliseconds(Math.max(...times))}`;
    const rate = bytes === undefined ? [] : [(bytes / 1e3 / middle).toFixed(0)];
    return [name, milliseconds(middle), range, (middle / reference).toFixed(2), ...rate];
  });
  return table(
    ["candidate", "ms", "range", "ratio", ...(bytes === undefined ? [] : ["MB/s"])],
    rows,
  );
}
