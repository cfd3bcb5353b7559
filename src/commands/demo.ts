import { type DemoReport, demoLink, runDemo } from "../demo/demo.ts";
import { formatBytes, formatDuration, formatTable } from "../format.ts";
import { command } from "./command.ts";

export default command({
  examples: [["clip demo", "needs no network, no root and leaves nothing behind"]],
  flags: (yargs) => yargs,
  async run(_flags, { output, signal }) {
    const report = await runDemo({ onStep: (text) => output.note(text), signal });
    if (output.json) output.value(report);
    else for (const line of drawReport(report)) output.line(line);
    return 0;
  },
});

function drawReport(report: DemoReport): string[] {
  const share = (bytes: number) => `${((100 * bytes) / report.imageBytes).toFixed(1)} %`;
  const row = (what: string, bytes: number, ms: number) => [
    what,
    formatBytes(bytes),
    share(bytes),
    formatDuration(ms),
  ];
  const rows = [
    row("index the image (once, anywhere)", report.imageBytes, report.buildMs),
    row(
      report.driver === "fuse" ? "mount: the whole tree is there" : "open: the whole tree is there",
      0,
      report.readyMs,
    ),
    ...report.reads.map((read) =>
      row(`read ${read.path} (${formatBytes(read.bytes)})`, read.fetchedBytes, read.ms),
    ),
    row(
      "all of that, on a machine that had nothing",
      report.fetchedBytes,
      report.readyMs + report.reads.reduce((sum, { ms }) => sum + ms, 0),
    ),
    row("pull the whole image instead (not unpacked yet)", report.pull.bytes, report.pull.ms),
  ];
  return [
    "",
    `image ${formatBytes(report.imageBytes)}, archive ${formatBytes(report.archiveBytes)} (${share(report.archiveBytes)}), simulated link ${formatBytes(demoLink.bytesPerSecond)}/s with ${demoLink.latencyMs} ms`,
    "",
    ...formatTable(["", ">FETCHED", ">OF THE IMAGE", ">TIME"], rows),
    ...(report.whyNotMounted === undefined
      ? []
      : ["", `Read through the library, not a mount: ${report.whyNotMounted}`]),
  ];
}
