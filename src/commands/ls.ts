import { listDirectory } from "../archive/list.ts";
import { formatMode, formatTime } from "../format.ts";
import { pathBytes } from "../system/paths.ts";
import { openForCommand } from "./archive-flags.ts";
import { archivePositional, command, sharedFlags } from "./command.ts";

export default command({
  examples: [
    ["clip ls app.clip /usr/lib", "names"],
    ["clip ls -l app.clip /bin/su", "as ls -l shows it"],
    ["clip ls -R --json app.clip", "everything, one JSON document an entry"],
  ],
  flags: (yargs) =>
    yargs
      .positional("archive", archivePositional)
      .positional("path", { type: "string", default: "/", describe: "A path inside the image" })
      .options({
        long: {
          alias: "l",
          type: "boolean",
          default: false,
          describe: "Mode, links, owner, size and time too",
        },
        recursive: {
          alias: "R",
          type: "boolean",
          default: false,
          describe: "And everything below",
        },
        "cache-dir": sharedFlags.cacheDir,
      }),
  async run(flags, { output, signal }) {
    const opened = await openForCommand(flags);
    try {
      for (const entry of listDirectory(opened.image, pathBytes(flags.path), {
        recursive: flags.recursive,
      })) {
        signal.throwIfAborted();
        if (output.json) output.value(entry);
        else if (flags.long) {
          const size = entry.rdev ?? String(entry.size);
          const target = entry.target === undefined ? "" : ` -> ${entry.target}`;
          output.line(
            `${formatMode(entry.mode)} ${String(entry.nlink).padStart(3)} ${String(entry.uid).padStart(5)} ${String(entry.gid).padStart(5)} ${size.padStart(11)} ${formatTime(entry.mtime, entry.mtimeNs).slice(0, 19)} ${entry.path}${target}`,
          );
        } else output.line(entry.path);
      }
      return 0;
    } finally {
      await opened.close();
    }
  },
});
