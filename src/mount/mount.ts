import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type OpenedImage, openImage } from "../content/open-image.ts";
import { ClipError } from "../errors.ts";
import type { PassedRead } from "../fuse/messages.ts";
import { PendingReads } from "../fuse/pending.ts";
import { closeSession, type FuseSession, openSession } from "../fuse/session.ts";
import { defaultWorkers, type FuseWorkers, startWorkers } from "../fuse/start-workers.ts";
import { type Counters, createCounters } from "../stats/counters.ts";
import { type Snapshot, snapshot } from "../stats/snapshot.ts";
import { runtimeDirectory } from "../system/directories.ts";
import { startFuseWorker } from "../workers.ts";
import { allowsOthersByDefault, checkDevice, mountFuse } from "./device.ts";
import { FailedReads } from "./failed-reads.ts";
import type { WorkerSetup } from "./fuse-worker.ts";
import { type MountState, publishState } from "./state.ts";
import { unmount } from "./unmount.ts";

export interface MountOptions {
  /** Path of the archive. */
  readonly archive: string;
  /** An existing directory. */
  readonly mountPoint: string;
  /** Where the layers are now, when it is not where the archive says; as `clip build` takes a source. */
  readonly origin?: string;
  readonly insecure?: boolean;
  readonly cacheDir?: string;
  /** Other users may use the mount, with the kernel checking permissions. Root's default. */
  readonly allowOther?: boolean;
  /** Names the mount; made up when it is left out. */
  readonly id?: string;
  /** File with a detached mount's messages, for `clip ps`. */
  readonly log?: string;
  /** Hears what an operator should know: a full cache disk, damage that readers met. */
  readonly onMessage?: (text: string) => void;
  /** Ends the mounting, not the mount. */
  readonly signal?: AbortSignal;
}

/** A live mount, served by this process. */
export interface Mount {
  readonly state: MountState;
  /** All statistics now. */
  snapshot(): Snapshot;
  /** @throws ClipError MOUNT_BUSY while it is in use, unless `lazy`. */
  unmount(options?: { readonly lazy?: boolean }): Promise<void>;
  /** Settles when the mount is gone, whoever unmounted it, and everything is closed. */
  readonly closed: Promise<void>;
}

export const newMountId = (): string => randomBytes(6).toString("hex");

/**
 * Mounts an archive's root filesystem, read-only, and serves it from this process. Read through it from other
 * processes only: a blocking read of this thread would wait for itself.
 * @throws ClipError; nothing stays mounted or open on failure.
 */
export async function mountArchive(options: MountOptions): Promise<Mount> {
  checkDevice();
  const id = options.id ?? newMountId();
  const directory = runtimeDirectory().path;
  const countersPath = join(directory, `${id}.counters`);
  let counters: Counters | undefined;
  const opened = await openImage({
    archive: options.archive,
    ...pick(options, "origin", "insecure", "cacheDir"),
    countersOf: ({ layers }) => {
      const shapes = layers.map(({ digest, tarSize, out }) => ({
        digest,
        tarSize,
        checkpoints: out.length,
      }));
      counters = createCounters(countersPath, { layers: shapes });
      return counters;
    },
    onCacheFailure: (error) =>
      options.onMessage?.(
        `the cache cannot be used, reads go on from the origin: ${String(error)}`,
      ),
  });
  const release = async () => {
    await opened.close();
    rmSync(countersPath, { force: true });
  };
  try {
    options.signal?.throwIfAborted();
    const mounted = await mountFuse({
      mountPoint: options.mountPoint,
      source: options.archive,
      allowOther: options.allowOther ?? allowsOthersByDefault(),
    });
    const undo = () => unmount(mounted.mountPoint, { lazy: true }).catch(() => undefined);
    try {
      const session = openSession(mounted.device, defaultWorkers(availableParallelism()));
      const serving = await serve(session, opened, countersPath, options);
      const state: MountState = {
        id,
        pid: process.pid,
        source: options.archive,
        archiveId: opened.archive.id,
        mountPoint: mounted.mountPoint,
        driver: "fuse",
        origin: opened.origin.name,
        startedAtMs: Date.now(),
        counters: countersPath,
        ...pick(options, "log"),
      };
      const published = publishState(directory, state);
      const closed = serving.workers.ended.finally(async () => {
        serving.pending.close();
        closeSession(session);
        published.remove();
        await release();
      });
      closed.catch(() => undefined);
      opened.content.countResidency();
      return {
        state,
        closed,
        snapshot: () => snapshot(counters!),
        unmount: async (how = {}) => {
          await unmount(mounted.mountPoint, how);
          await closed;
        },
      };
    } catch (error) {
      await undo();
      throw error;
    }
  } catch (error) {
    await release();
    throw error;
  }
}

async function serve(
  session: FuseSession,
  opened: OpenedImage,
  countersPath: string,
  options: MountOptions,
): Promise<{ workers: FuseWorkers; pending: PendingReads }> {
  const { archive, content, indexFile, cacheDirectory } = opened;
  const failedReads = new FailedReads();
  const pending = new PendingReads({
    fds: session.fds,
    fetch: async (read: PassedRead) => {
      const failure = failedReads.failureOf(read);
      if (failure !== undefined) throw failure;
      const { nid, offset, size, pid } = read;
      const startedMs = performance.now();
      try {
        return await content.read(nid, offset, size, { pid });
      } catch (error) {
        failedReads.remember(read, error, startedMs);
        if (error instanceof ClipError)
          options.onMessage?.(`a read failed: ${error.message} [${error.code}]`);
        throw error;
      }
    },
  });
  const setup: WorkerSetup = {
    index: indexFile.path ?? indexFile.bytes,
    virtual: archive.virtual,
    shapes: content.shapes,
    cacheDirectory,
    counters: countersPath,
  };
  const workers = await startWorkers({
    session,
    count: Math.max(session.fds.length, 1),
    newWorker: startFuseWorker,
    setup,
    pending,
    onFailure: ({ operation, nid, code, message }) =>
      options.onMessage?.(`${operation} of inode ${nid} failed: ${message} [${code}]`),
  });
  return { workers, pending };
}

/** Those of some optional properties that are there, as exactOptionalPropertyTypes wants them. */
function pick<T extends object, K extends keyof T>(from: T, ...keys: K[]): Pick<T, K> {
  const picked: Partial<T> = {};
  for (const key of keys) if (from[key] !== undefined) picked[key] = from[key];
  return picked as Pick<T, K>;
}
