import { statSync } from "node:fs";
import { join } from "node:path";
import { alternate } from "./alternate.ts";
import { command } from "./command.ts";
import { clip, type Subject } from "./subjects.ts";
import { table, timesTable } from "./table.ts";

/** Building against the floor of inflating and hashing layer after layer, and what the archive weighs. */
export async function benchBuild(subject: Subject, rounds: number): Promise<string> {
  const output = join(subject.scratch, "built.clip");
  let peakBytes = 0;
  const measured = await alternate(
    [
      {
        name: "gzip -dc LAYER | sha256sum",
        run: async () => {
          for (const layer of subject.layers) {
            await command("sh", "-c", 'gzip -dc "$0" | sha256sum', layer);
          }
        },
      },
      {
        name: "clip build",
        run: async () => {
          const built = await command(clip, "build", "-q", subject.source, "-o", output);
          peakBytes = Math.max(peakBytes, built.peakBytes);
        },
      },
    ],
    rounds,
  );
  const size = statSync(output).size;
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(2);
  return [
    timesTable(measured, subject.tarBytes),
    "",
    table(
      ["archive", "MB", "of the layers"],
      [
        ["layers, compressed", megabytes(subject.compressedBytes), "100 %"],
        ["app.clip", megabytes(size), `${((100 * size) / subject.compressedBytes).toFixed(2)} %`],
        ["peak memory of the build", megabytes(peakBytes), ""],
      ],
    ),
  ].join("\n");
}
