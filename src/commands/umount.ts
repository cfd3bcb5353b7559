import { unmountClip } from "../mount/umount.ts";
import { shownPath } from "../system/paths.ts";
import { command } from "./command.ts";

export default command({
  examples: [
    ["clip umount /mnt/app", "waits until the server has ended"],
    ["clip umount --force /mnt/app", "detach now, even while files are open"],
  ],
  flags: (yargs) =>
    yargs
      .positional("dir", { type: "string", demandOption: true, describe: "The mount point" })
      .options({
        force: {
          alias: "f",
          type: "boolean",
          default: false,
          describe: "Detach even while it is in use",
        },
      }),
  async run(flags, { output, signal }) {
    await unmountClip(flags.dir, { force: flags.force, signal });
    if (output.json) output.value({ unmounted: flags.dir });
    else output.note(`unmounted ${shownPath(flags.dir)}`);
    return 0;
  },
});
