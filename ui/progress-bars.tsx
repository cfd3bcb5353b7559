import { Box, render, Text } from "ink";
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
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), drawEveryMs);
    return () => clearInterval(timer);
  }, []);
  const { step, layers, warnings } = sample();
  return (
    <Box flexDirection="column">
      {layers.map((layer) => (
        <LayerRow key={layer.digest} layer={layer} />
      ))}
      {warnings.slice(-shownWarnings).map((text) => (
        <Text key={text} wrap="truncate">{`! ${text}`}</Text>
      ))}
      {warnings.length > shownWarnings ? (
        <Text>{`! ${warnings.length} warnings in all`}</Text>
      ) : null}
      <Text dimColor wrap="truncate">
        {step}
      </Text>
    </Box>
  );
}

function LayerRow({ layer }: { readonly layer: LayerState }) {
  const elapsed = (layer.endedAt ?? performance.now()) - layer.startedAt;
  const rate = layer.done / Math.max(1, elapsed);
  const left =
    layer.endedAt !== undefined
      ? "done"
      : rate > 0
        ? humanTime((layer.total - layer.done) / rate)
        : "–";
  const share = layer.total === 0 ? 1 : layer.done / layer.total;
  return (
    <Text wrap="truncate">
      {`${layer.digest.slice(7, 19)} ${barCells(share, 24)} ${humanBytes(layer.done).padStart(9)} / ${humanBytes(layer.total)}  ${humanBytes(rate * 1000)}/s  ${left}`}
    </Text>
  );
}
