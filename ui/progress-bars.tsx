import { Box, render, Text, useWindowSize } from "ink";
import { useEffect, useState } from "react";
import type { OnProgress } from "../src/progress.ts";
import { barCells, humanBytes, humanTime } from "./measure.ts";

interface LayerState {
  readonly digest: string;
  readonly done: number;
  readonly total: number;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
}

interface Picture {
  readonly step: string;
  readonly layers: readonly LayerState[];
  readonly warnings: readonly string[];
}

const drawEveryMs = 250;
const shownWarnings = 3;

/** Bars of a running build on standard error, one a layer. Events are coalesced: a few pictures a second. */
export function startBars(): { onProgress: OnProgress; close(): void } {
  const layers = new Map<string, LayerState>();
  const warnings: string[] = [];
  let step = "";
  const picture = (): Picture => ({ step, layers: [...layers.values()], warnings: [...warnings] });
  const app = render(<Bars sample={picture} />, {
    stdout: process.stderr,
    exitOnCtrlC: false,
    patchConsole: false,
  });
  let open = true;
  return {
    onProgress: (progress) => {
      if (progress.kind === "step") step = progress.text;
      else if (progress.kind === "warning") warnings.push(progress.text);
      else {
        const { digest, done, total } = progress;
        const now = performance.now();
        const startedAt = layers.get(digest)?.startedAt ?? now;
        layers.set(digest, {
          digest,
          done,
          total,
          startedAt,
          endedAt: done >= total ? now : undefined,
        });
      }
    },
    close: () => {
      if (!open) return;
      open = false;
      app.rerender(<Bars sample={picture} />);
      app.unmount();
    },
  };
}

function Bars({ sample }: { readonly sample: () => Picture }) {
  const [, tick] = useState(0);
  const { rows } = useWindowSize();
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), drawEveryMs);
    return () => clearInterval(timer);
  }, []);
  const { step, layers, warnings } = sample();
  const { shown, hidden } = fitting(layers, rows - linesBesideBars);
  return (
    <Box flexDirection="column">
      {shown.map((layer) => (
        <LayerRow key={layer.digest} layer={layer} />
      ))}
      {hidden.length > 0 ? <Text>{hiddenLayers(hidden)}</Text> : null}
      {warnings.slice(-shownWarnings).map((text) => (
        <Text key={text} wrap="truncate">{`! ${text}`}</Text>
      ))}
      {warnings.length > shownWarnings ? (
        <Text>{`! ${warnings.length} warnings in all`}</Text>
      ) : null}
      <Text dimColor={process.env.NO_COLOR === undefined} wrap="truncate">
        {step}
      </Text>
    </Box>
  );
}

/** Step, warnings, the line of hidden layers, and where the cursor stands. A picture taller than the screen flickers. */
const linesBesideBars = 4 + shownWarnings;

/** The layers to draw where there is room for `rows`: those at work first, in their order. */
function fitting(layers: readonly LayerState[], rows: number) {
  const room = Math.max(1, rows);
  if (layers.length <= room) return { shown: layers, hidden: [] };
  const atWork = layers.filter((layer) => layer.endedAt === undefined);
  const done = layers.filter((layer) => layer.endedAt !== undefined);
  const chosen = new Set([...atWork, ...done.toReversed()].slice(0, room));
  return {
    shown: layers.filter((layer) => chosen.has(layer)),
    hidden: layers.filter((layer) => !chosen.has(layer)),
  };
}

function hiddenLayers(hidden: readonly LayerState[]): string {
  const bytes = hidden.reduce((sum, layer) => sum + layer.total, 0);
  return `and ${hidden.length} more layers of ${humanBytes(bytes)}`;
}

const barWidth = 24;

function LayerRow({ layer }: { readonly layer: LayerState }) {
  const { digest, done, total, startedAt, endedAt } = layer;
  const elapsed = Math.max(1, (endedAt ?? performance.now()) - startedAt);
  const rate = done / elapsed;
  const share = total === 0 ? 1 : done / total;
  const left =
    endedAt !== undefined
      ? `done in ${humanTime(elapsed)}`
      : rate > 0
        ? `${humanTime((total - done) / rate)} left`
        : "waiting";
  const cells = [
    digest.slice(7, 19),
    barCells(share, barWidth),
    `${humanBytes(done).padStart(9)} of ${humanBytes(total).padEnd(9)}`,
    `${humanBytes(Math.round(rate * 1000))}/s`.padStart(11),
    left,
  ];
  return <Text wrap="truncate">{cells.join("  ")}</Text>;
}
