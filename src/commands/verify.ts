import { openArchive } from "../archive/open.ts";
import { openArchiveOrigin } from "../archive/origin.ts";
import { verifyArchive, verifyDeep, verifyOrigin } from "../archive/verify.ts";
import { errorCodes, exitCodes } from "../errors.ts";
import { formatBytes } from "../format.ts";
import { shownPath } from "../system/paths.ts";
import { archivePositional, command, sharedFlags } from "./command.ts";
import { showProgress } from "./progress.ts";

export default command({
  examples: [
    ["clip verify app.clip", "structure and digests"],
    [
      "clip verify app.clip --origin",
      "and that every layer is where the archive says (no download)",
    ],
    [
      "clip verify app.clip --deep",
      "and that every granule has the bytes that were indexed and every checkpoint resumes",
    ],
  ],
  flags: (yargs) =>
    yargs
      .positional("archive", archivePositional)
      .options({
        origin: {
          type: "boolean",
          describe: "Also check that the layers are still there",
        },
        deep: {
          type: "boolean",
          describe: "Also read every layer whole and check all of it",
        },
        from: { ...sharedFlags.origin },
        insecure: sharedFlags.insecure,
      })
      .conflicts("origin", "deep"),
  async run(flags, { output, signal }) {
    const archive = await openArchive(flags.archive);
    const progress = await showProgress(output);
    try {
      const report = await verifyArchive(archive, { onProgress: progress.onProgress, signal });
      const findings = [...report.findings];
      if (flags.origin || flags.deep) {
        const origin = openArchiveOrigin(archive.origin, flags.archive, {
          insecure: flags.insecure,
          ...(flags.from === undefined ? {} : { origin: flags.from }),
        });
        try {
          const check = flags.deep ? verifyDeep : verifyOrigin;
          findings.push(
            ...(await check(archive, origin, { onProgress: progress.onProgress, signal })).findings,
          );
        } finally {
          await origin.close();
        }
      }
      progress.close();
      if (output.json)
        output.value({
          kind: "result",
          archive: flags.archive,
          ok: findings.length === 0,
          findings,
        });
      else {
        for (const finding of findings) output.line(`${finding.code}: ${finding.text}`);
        if (findings.length === 0) {
          const checked = flags.deep
            ? "every byte of every layer"
            : flags.origin
              ? "structure, digests, origin"
              : "structure and digests";
          output.note(`${shownPath(flags.archive)} (${formatBytes(archive.size)}): ${checked}: ok`);
        }
      }
      return findings.length === 0 ? 0 : exitCodes[errorCodes[findings[0]!.code]];
    } finally {
      progress.close();
      await archive.close();
    }
  },
});
