import { formatDuration, formatTable } from "../format.ts";
import { listMounts, type MountState } from "../mount/state.ts";
import { openCounters } from "../stats/counters.ts";
import { type Snapshot, snapshot } from "../stats/snapshot.ts";
import { shownPath } from "../system/paths.ts";
import { command } from "./command.ts";

export default command({
  examples: [
    ["clip ps", "pid, archive, mount point, driver, uptime and log file"],
    ["clip ps --json", "one JSON document a mount, with all its counters"],
  ],
  flags: (yargs) => yargs,
  async run(_flags, { output }) {
    const mounts = listMounts();
    if (output.json) {
      for (const mount of mounts) output.value({ ...mount, snapshot: snapshotOf(mount) });
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

/** All statistics of a mount; null where its counters cannot be read, as when it has ended meanwhile. */
function snapshotOf({ counters }: MountState): Snapshot | null {
  try {
    return snapshot(openCounters(counters));
  } catch {
    return null;
  }
}
