import { formatBytes, formatDuration, shortDigest } from "../format.ts";
import type { OnProgress, Progress } from "../progress.ts";
import { BrokenPipe, type Output } from "./output.ts";

export interface ProgressDisplay {
  readonly onProgress: OnProgress;
  /** Ends the display; may be called again. */
  close(): void;
}

/** Bars on a terminal, plain lines in a pipe, one JSON document an event with `--json`, nothing when quiet. */
export async function showProgress(output: Output): Promise<ProgressDisplay> {
  if (output.json) return { onProgress: (progress) => report(progress, output), close: () => {} };
  if (output.verbosity < 0) return { onProgress: () => {}, close: () => {} };
  if (process.stderr.isTTY !== true) return plainLines(output);
  const { startBars } = await import("../../ui/progress-bars.tsx");
  return startBars();
}

/** Progress that nobody reads any more does not stop the work. */
function report(progress: Progress, output: Output): void {
  try {
    output.value(progress);
  } catch (error) {
    if (!(error instanceof BrokenPipe)) throw error;
  }
}

const lineEveryMs = 5000;

/** A line when something begins, ends or warns, and one for each layer every few seconds. */
function plainLines(output: Output): ProgressDisplay {
  const startedAt = new Map<string, number>();
  const shownAt = new Map<string, number>();
  const layerLine = (progress: Progress & { kind: "layer" }) => {
    const { digest, done, total } = progress;
    const now = performance.now();
    const begun = startedAt.get(digest);
    if (begun === undefined) {
      startedAt.set(digest, now);
      shownAt.set(digest, now);
      output.note(`${shortDigest(digest)}: indexing ${formatBytes(total)}`);
      return;
    }
    const rate = done / Math.max(1, now - begun);
    if (done >= total) {
      output.note(
        `${shortDigest(digest)}: done, ${formatBytes(total)} at ${formatBytes(Math.round(rate * 1000))}/s`,
      );
    } else if (now - shownAt.get(digest)! >= lineEveryMs) {
      shownAt.set(digest, now);
      output.note(
        `${shortDigest(digest)}: ${formatBytes(done)} of ${formatBytes(total)}, ${formatBytes(Math.round(rate * 1000))}/s, ${formatDuration((total - done) / Math.max(rate, 1e-9))} left`,
      );
    }
  };
  return {
    onProgress: (progress) => {
      if (progress.kind === "layer") layerLine(progress);
      else output.note(progress.kind === "warning" ? `warning: ${progress.text}` : progress.text);
    },
    close: () => {},
  };
}
