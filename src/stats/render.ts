import { counters, histograms } from "./counter-table.ts";
import { counterNames, histogramNames } from "./counters.ts";
import type { Snapshot } from "./snapshot.ts";

/** One line of JSON, without the arrays that only a live view draws. */
export function renderJson(snapshot: Snapshot): string {
  const { layers, histograms, ...rest } = snapshot;
  const short = Object.fromEntries(
    Object.entries(histograms).map(([name, { buckets: _, ...values }]) => [name, values]),
  );
  const sizes = layers.map(({ residency: _, uses: __, ...layer }) => layer);
  return JSON.stringify({ ...rest, histograms: short, layers: sizes });
}

/** A line for each counter and histogram that is not zero, with what it means. */
export function renderText(snapshot: Snapshot): string {
  const rows: [string, string, string][] = [];
  for (const name of counterNames) {
    const value = snapshot.counters[name];
    if (value !== 0) rows.push([name, String(value), counters[name]]);
  }
  for (const name of histogramNames) {
    const { count, medianNs, p99Ns, maxNs } = snapshot.histograms[name];
    if (count === 0) continue;
    const times = [medianNs, p99Ns, maxNs].map(milliseconds).join(" / ");
    rows.push([name, String(count), `${histograms[name]}: median / 99 % / longest ${times} ms`]);
  }
  const width = (column: 0 | 1) => Math.max(0, ...rows.map((row) => row[column].length));
  const [names, values] = [width(0), width(1)];
  return rows
    .map(
      ([name, value, meaning]) => `${name.padEnd(names)}  ${value.padStart(values)}  ${meaning}\n`,
    )
    .join("");
}

const milliseconds = (ns: number): string => (ns / 1e6).toFixed(ns < 1e6 ? 3 : 1);
