import { formatDuration, formatTable } from "../format.ts";
import { listMounts } from "../mount/state.ts";
import { shownPath } from "../system/paths.ts";
import { command, sharedFlags } from "./command.ts";

export default command({
  usage: "ps",
  summary: "List live mounts",
  examples: [["clip ps --json | jq .", "with counters and log files"]],
  flags: (yargs) => yargs.options({ json: sharedFlags.json }),
  async run(_flags, { output }) {
    const mounts = listMounts();
    if (output.json) {
      for (const mount of mounts) output.value(mount);
      return 0;
    }
    if (mounts.length === 0) {
      output.note("no live mounts");
      return 0;
    }
    const rows = mounts.map((mount) => [
      String(mount.pid),
      shownPath(mount.source),
      shownPath(mount.mountPoint),
      mount.driver,
      formatDuration(Date.now() - mount.startedAtMs),
      mount.log === undefined ? "-" : shownPath(mount.log),
    ]);
    for (const line of formatTable(
      [">PID", "SOURCE", "MOUNT POINT", "DRIVER", "UPTIME", "LOG"],
      rows,
    )) {
      output.line(line);
    }
    return 0;
  },
});
