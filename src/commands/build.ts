import { buildArchive } from "../archive/build.ts";
import { ClipError } from "../errors.ts";
import { formatBytes, formatCount, formatDuration } from "../format.ts";
import { shownPath } from "../system/paths.ts";
import { command, sharedFlags } from "./command.ts";
import { showProgress } from "./progress.ts";

export default command({
  examples: [
    ["clip build docker.io/library/debian:12 -o debian.clip", "an image in a registry"],
    [
      "clip build oci:./image:latest -o app.clip",
      "an OCI layout, as buildah push and skopeo copy write it",
    ],
    [
      "clip build oci-archive:image.tar -o app.clip --storage-ref registry.example/app:1",
      "indexed here, mounted from there",
    ],
  ],
  flags: (yargs) =>
    yargs
      .positional("source", {
        type: "string",
        demandOption: true,
        describe:
          "oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:REF], docker://REF or REF",
      })
      .options({
        output: {
          alias: "o",
          type: "string",
          demandOption: true,
          requiresArg: true,
          describe: "The archive to write",
        },
        platform: {
          type: "string",
          requiresArg: true,
          describe: "os/arch[/variant] of a multi-platform image",
        },
        "checkpoint-mib": {
          type: "number",
          default: 2,
          requiresArg: true,
          describe: "Greatest distance between checkpoints, MiB of output (fractions allowed)",
        },
        "storage-ref": {
          type: "string",
          requiresArg: true,
          describe:
            "Reference to record as the place of the layers, when it is not the one indexed",
        },
        insecure: sharedFlags.insecure,
      }),
  async run(flags, { output, signal }) {
    if (Number.isNaN(flags["checkpoint-mib"])) {
      throw new ClipError("USAGE", "--checkpoint-mib takes a number of MiB, as 2 or 0.5");
    }
    const started = performance.now();
    const progress = await showProgress(output);
    try {
      const result = await buildArchive({
        source: flags.source,
        output: flags.output,
        checkpointMiB: flags["checkpoint-mib"],
        insecure: flags.insecure,
        onProgress: progress.onProgress,
        signal,
        ...(flags.platform === undefined ? {} : { platform: flags.platform }),
        ...(flags["storage-ref"] === undefined ? {} : { storageRef: flags["storage-ref"] }),
      });
      progress.close();
      const durationMs = performance.now() - started;
      if (output.json) {
        output.value({ kind: "result", ...result, durationMs: Math.round(durationMs) });
        return 0;
      }
      const stored = result.layers.reduce((sum, layer) => sum + layer.size, 0);
      for (const layer of result.layers) {
        output.detail(
          `${layer.digest}: ${layer.codec}, ${formatBytes(layer.tarSize)} of tar, ${formatCount(layer.checkpoints)} checkpoints, diffID ${layer.diffId}`,
        );
      }
      output.detail(`archive ${result.id}, manifest ${result.manifestDigest}`);
      output.note(
        `${shownPath(result.output)}: ${formatBytes(result.size)} for ${formatCount(result.entries)} entries in ${result.layers.length} layers of ${formatBytes(stored)}, in ${formatDuration(durationMs)}`,
      );
      return 0;
    } finally {
      progress.close();
    }
  },
});
