import { resolve } from "node:path";
import { formatBytes, formatDuration } from "../format.ts";
import { detachedParent, startDetached } from "../mount/detach.ts";
import { type Mount, mountArchive, newMountId } from "../mount/mount.ts";
import { commandArguments, shownPath } from "../system/paths.ts";
import { contentOptions } from "./archive-flags.ts";
import { command, sharedFlags } from "./command.ts";
import type { Output } from "./output.ts";

export default command({
  usage: "mount <archive> <dir>",
  summary: "Show an image's root filesystem; contents are fetched when they are read",
  examples: [
    ["clip mount app.clip /mnt/app", "in the foreground; Ctrl-C unmounts"],
    ["clip mount app.clip /mnt/app --detach", "returns when the mount is ready"],
    ["clip mount app.clip /mnt/app --origin mirror.example/app:1", "the layers are there now"],
  ],
  flags: (yargs) =>
    yargs
      .positional("archive", { type: "string", demandOption: true, describe: "The .clip file" })
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
        id: { type: "string", hidden: true, requiresArg: true },
        json: sharedFlags.json,
      }),
  async run(flags, { output, signal }) {
    const parent = detachedParent();
    const id = flags.id ?? newMountId();
    if (flags.detach && parent === undefined) {
      const started = performance.now();
      const { pid, log } = await startDetached(id, [...commandArguments(), "--id", id], signal);
      if (output.json) output.value({ id, pid, mountPoint: resolve(flags.dir), log });
      else
        output.note(
          `${shownPath(flags.archive)} is on ${shownPath(flags.dir)} (${formatDuration(performance.now() - started)}, pid ${pid}); clip umount ${shownPath(flags.dir)} ends it`,
        );
      return 0;
    }
    try {
      const mount = await mountArchive({
        ...contentOptions({ ...flags, archive: resolve(flags.archive) }),
        mountPoint: flags.dir,
        id,
        onMessage: (text) =>
          output.note(
            parent === undefined ? `\r\u001b[K${text}` : `${new Date().toISOString()} ${text}`,
          ),
        signal,
        ...(flags["allow-other"] === undefined ? {} : { allowOther: flags["allow-other"] }),
        ...(parent === undefined ? {} : { log: parent.log }),
      });
      parent?.ready();
      if (parent === undefined && output.json) output.value({ kind: "mounted", ...mount.state });
      await (parent === undefined && !output.json
        ? holdInForeground(mount, output, signal)
        : hold(mount, signal));
      return 0;
    } catch (error) {
      parent?.failed(error);
      throw error;
    }
  },
});

const statusEveryMs = 1000;

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

async function holdInForeground(mount: Mount, output: Output, signal: AbortSignal): Promise<void> {
  const { mountPoint, origin, startedAtMs } = mount.state;
  const isTerminal = process.stderr.isTTY === true && output.verbosity >= 0;
  output.note(`${shownPath(mountPoint)}: mounted, layers at ${origin}; Ctrl-C unmounts`);
  const draw = () => process.stderr.write(`\r\u001b[K${statusLine(mount, startedAtMs)}`);
  const timer = isTerminal ? setInterval(draw, statusEveryMs) : undefined;
  try {
    if (isTerminal) draw();
    await hold(mount, signal);
  } finally {
    clearInterval(timer);
    if (isTerminal) process.stderr.write("\r\u001b[K");
  }
  output.note(
    `${shownPath(mountPoint)}: unmounted after ${formatDuration(Date.now() - startedAtMs)}`,
  );
}

function statusLine(mount: Mount, startedAtMs: number): string {
  const { counters } = mount.snapshot();
  const line = `up ${formatDuration(Date.now() - startedAtMs)}  reads ${counters.reads} (${counters.localHits} from the cache)  served ${formatBytes(counters.servedBytes)}  fetched ${formatBytes(counters.fetchedBytes)} in ${counters.requests} requests  errors ${counters.readErrors}`;
  return line.slice(0, Math.max(20, (process.stderr.columns ?? 80) - 1));
}
