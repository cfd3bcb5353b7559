import { kindOf } from "../archive/list.ts";
import { inodeOf, lookupPath } from "../archive/lookup.ts";
import { ClipError } from "../errors.ts";
import { pathBytes, shownPath } from "../system/paths.ts";
import { openContentForCommand } from "./archive-flags.ts";
import { archivePositional, command, sharedFlags } from "./command.ts";

/** A multiple of 3, so that the pieces' base64 can be written one after another. */
const pieceBytes = 3 << 18;

export default command({
  examples: [
    ["clip cat app.clip /etc/os-release", "needs no mount and no root"],
    ["clip cat app.clip /etc/os-release --json", "one JSON document, the content in base64"],
  ],
  flags: (yargs) =>
    yargs
      .positional("archive", archivePositional)
      .positional("path", {
        type: "string",
        demandOption: true,
        describe: "A file inside the image",
      })
      .options({
        origin: sharedFlags.origin,
        insecure: sharedFlags.insecure,
        "cache-dir": sharedFlags.cacheDir,
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
          `${shownPath(flags.path)} is no regular file (${kind}); clip ls -l shows what it is`,
        );
      }
      const text = (part: string) => output.bytes(Buffer.from(part));
      if (output.json)
        text(`{"path":${JSON.stringify(shownPath(flags.path))},"size":${size},"content":"`);
      for (let at = 0; at < size; at += pieceBytes) {
        const length = Math.min(pieceBytes, size - at);
        const piece = await opened.content.read(nid, at, length, { signal });
        if (output.json) text(Buffer.from(piece).toString("base64"));
        else output.bytes(piece);
      }
      if (output.json) text('"}\n');
      return 0;
    } finally {
      await opened.close();
    }
  },
});
