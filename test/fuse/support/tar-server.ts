/**
 * Mounts a fixture and serves it: `bun tar-server.ts JSON`. Says `ready` on standard output, and what it meets.
 * `tar-server.ts unmount DIR` unmounts.
 */
import { openSync, readFileSync } from "node:fs";
import { toClipError } from "../../../src/errors.ts";
import { ErofsImage } from "../../../src/formats/erofs/image.ts";
import { PendingReads } from "../../../src/fuse/pending.ts";
import { closeSession, openSession } from "../../../src/fuse/session.ts";
import { startWorkers } from "../../../src/fuse/start-workers.ts";
import { mountFuse, setReadAhead } from "../../../src/mount/device.ts";
import { unmount } from "../../../src/mount/unmount.ts";
import { commandArguments } from "../../../src/system/paths.ts";
import { readFromTar, type TarSetup } from "./tar-handlers.ts";

export interface TarServerOptions extends TarSetup {
  readonly mountPoint: string;
  readonly allowOther: boolean;
  readonly workers: number;
  /** All workers read from the one descriptor that was mounted with. */
  readonly sharedDescriptor?: boolean;
  readonly readAheadKib?: number;
  /** How long reads of passed-on files take. */
  readonly delayMs: number;
  /** Files whose data never comes. */
  readonly stuck: readonly number[];
}

const say = (text: string) => process.stdout.write(`${text}\n`);

async function main(options: TarServerOptions): Promise<void> {
  const { device, mountPoint } = await mountFuse({ ...options, source: "fixture, with a comma" });
  const session = openSession(device, options.sharedDescriptor === true ? 1 : options.workers);
  const index = new ErofsImage(readFileSync(options.index));
  const tar = openSync(options.tar, "r");
  const pending = new PendingReads({
    fds: session.fds,
    async fetch({ nid, offset, size }) {
      say(`read ${nid} ${offset} ${size}`);
      if (options.stuck.includes(nid)) await new Promise(() => {});
      await Bun.sleep(options.delayMs);
      const data = new Uint8Array(size);
      readFromTar(index, tar, nid, offset, size, data, 0);
      return data;
    },
  });
  const { ended } = await startWorkers({
    session,
    count: options.workers,
    newWorker: () => new Worker(new URL("./tar-worker.ts", import.meta.url).href),
    setup: { index: options.index, tar: options.tar, passedOn: options.passedOn },
    pending,
    onFailure: (failure) => say(`failure ${JSON.stringify(failure)}`),
  });
  if (options.readAheadKib !== undefined) setReadAhead(mountPoint, options.readAheadKib);
  say(`session ${JSON.stringify(session)}`);
  say("ready");
  await ended;
  pending.close();
  closeSession(session);
  say("ended");
}

try {
  const [what, path] = commandArguments();
  if (what === "unmount") say(`unmounted ${await unmount(path!)}`);
  else await main(JSON.parse(what!) as TarServerOptions);
} catch (error) {
  const { code, message } = toClipError(error);
  say(`error ${code} ${message}`);
  process.exit(1);
}
