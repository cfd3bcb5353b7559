import { kindOf } from "../archive/list.ts";
import { inodeOf, lookupPath } from "../archive/lookup.ts";
import { ClipError } from "../errors.ts";
import { pathBytes, shownPath } from "../system/paths.ts";
import { openContentForCommand } from "./archive-flags.ts";
import { command, sharedFlags } from "./command.ts";

const pieceBytes = 1 << 20;

export default command({
  usage: "cat <archive> <path>",
  summary: "Write one file to standard output, fetching only its part of the layer",
  examples: [["clip cat app.clip /etc/os-release", "needs no mount and no root"]],
  flags: (yargs) =>
    yargs
      .positional("archive", { type: "string", demandOption: true, describe: "The .clip file" })
      .positional("path", {
        type: "string",
        demandOption: true,
        describe: "A file inside the image",
      })
      .options({
        origin: sharedFlags.origin,
        insecure: sharedFlags.insecure,
        "cache-dir": sharedFlags.cacheDir,
        json: { ...sharedFlags.json, describe: "Print a JSON document with the content in base64" },
      }),
  async run(flags, { output, signal }) {
    const opened = await openContentForCommand(flags);
    try {
      const nid = lookupPath(opened.image, pathBytes(flags.path), true);
      const { mode, size } = inodeOf(opened.image, nid);
      const kind = kindOf(mode);
      if (kind !== "file") {
        throw new ClipError(
          "USAGE",
          `${shownPath(flags.path)} is a ${kind}, not a regular file; clip ls -l shows it`,
        );
      }
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < size; at += pieceBytes) {
        const piece = await opened.content.read(nid, at, Math.min(pieceBytes, size - at), {
          signal,
        });
        if (output.json) pieces.push(piece);
        else output.bytes(piece);
      }
      if (output.json) {
        output.value({
          path: shownPath(flags.path),
          size,
          content: Buffer.concat(pieces).toString("base64"),
        });
      }
      return 0;
    } finally {
      await opened.close();
    }
  },
});
