import { formatBytes, formatCount, formatDuration } from "../format.ts";
import { detachedParent, programArguments, startDetached } from "../mount/detach.ts";
import { type Mount, mountArchive, newMountId } from "../mount/mount.ts";
import { absolutePath } from "../system/path-names.ts";
import { shownPath } from "../system/paths.ts";
import { contentOptions } from "./archive-flags.ts";
import { archivePositional, command, sharedFlags } from "./command.ts";
import type { Output } from "./output.ts";
import { StatusLine } from "./status-line.ts";

export default command({
  examples: [
    ["clip mount app.clip /mnt/app", "in the foreground; Ctrl-C unmounts"],
    ["clip mount app.clip /mnt/app --detach", "returns when the mount is ready"],
    ["clip mount app.clip /mnt/app --origin mirror.example/app:1", "the layers are there now"],
  ],
  flags: (yargs) =>
    yargs
      .positional("archive", archivePositional)
      .positional("dir", { type: "string", demandOption: true, describe: "An existing directory" })
      .options({
        detach: {
          alias: "d",
          type: "boolean",
          default: false,
          describe: "Return once the mount is ready",
        },
        "allow-other": {
          type: "boolean",
          describe: "Let other users in, the kernel checking permissions (root's default)",
        },
        origin: sharedFlags.origin,
        insecure: sharedFlags.insecure,
        "cache-dir": sharedFlags.cacheDir,
      }),
  async run(flags, { output, signal }) {
    const parent = detachedParent();
    const id = parent?.id ?? newMountId();
    if (flags.detach && parent === undefined) {
      const started = performance.now();
      const { pid, log } = await startDetached(id, programArguments(), signal);
      if (output.json) output.value({ id, pid, mountPoint: absolutePath(flags.dir), log });
      else
        output.note(
          `${shownPath(flags.archive)} is on ${shownPath(flags.dir)} (${formatDuration(performance.now() - started)}, pid ${pid}); clip umount ${shownPath(flags.dir)} ends it`,
        );
      return 0;
    }
    const status = new StatusLine(parent === undefined ? output : undefined);
    try {
      const mount = await mountArchive({
        ...contentOptions({ ...flags, archive: absolutePath(flags.archive) }),
        mountPoint: flags.dir,
        id,
        onMessage: (text) => {
          if (parent === undefined) status.above(() => output.note(text));
          else output.note(`${new Date().toISOString()} ${text}`);
        },
        signal,
        ...(flags["allow-other"] === undefined ? {} : { allowOther: flags["allow-other"] }),
        ...(parent === undefined ? {} : { log: parent.log }),
      });
      parent?.ready();
      if (parent !== undefined) await hold(mount, signal);
      else if (output.json) {
        output.value({ kind: "mounted", ...mount.state });
        await hold(mount, signal);
        output.value({ kind: "unmounted", ...mount.state });
      } else await holdInForeground(mount, output, status, signal);
      return 0;
    } catch (error) {
      parent?.failed(error);
      throw error;
    }
  },
});

/** Until somebody unmounts, or a signal asks for it: then unmounts, lazily when the mount is in use. */
async function hold(mount: Mount, signal: AbortSignal): Promise<void> {
  const asked = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => asked.resolve(), { once: true });
  if (signal.aborted) asked.resolve();
  const why = await Promise.race([
    mount.closed.then(() => "gone"),
    asked.promise.then(() => "asked"),
  ]);
  if (why === "gone") return;
  await mount.unmount().catch(() => mount.unmount({ lazy: true }));
}

async function holdInForeground(
  mount: Mount,
  output: Output,
  status: StatusLine,
  signal: AbortSignal,
): Promise<void> {
  const { mountPoint, origin, startedAtMs } = mount.state;
  output.note(`${shownPath(mountPoint)}: mounted, layers at ${origin}; Ctrl-C unmounts`);
  status.start(() => statusOf(mount));
  try {
    await hold(mount, signal);
  } finally {
    status.stop();
  }
  output.note(
    `${shownPath(mountPoint)}: unmounted after ${formatDuration(Date.now() - startedAtMs)}`,
  );
}

function statusOf(mount: Mount): string {
  const { counters } = mount.snapshot();
  return [
    `up ${formatDuration(Date.now() - mount.state.startedAtMs)}`,
    `${formatCount(counters.reads)} reads, ${formatCount(counters.localHits)} from the cache`,
    `fetched ${formatBytes(counters.fetchedBytes)} in ${formatCount(counters.fetches)} pieces`,
    `served ${formatBytes(counters.servedBytes)}`,
    `${formatCount(counters.readErrors)} errors`,
  ].join(" · ");
}
