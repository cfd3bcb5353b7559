import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { runtimeDirectory } from "../system/directories.ts";
import { tryLockFile } from "../system/locks.ts";

/** What a live mount tells about itself: `ID.json` in the runtime directory, locked for as long as its server lives. */
export interface MountState {
  readonly id: string;
  readonly pid: number;
  /** The archive, as given. */
  readonly source: string;
  readonly archiveId: string;
  /** Absolute, without symbolic links. */
  readonly mountPoint: string;
  readonly driver: "fuse";
  readonly origin: string;
  readonly startedAtMs: number;
  /** File with a detached mount's messages. */
  readonly log?: string;
  /** The mapped counters (src/stats). */
  readonly counters: string;
}

export interface HeldState {
  /** Ends the mount's entry. */
  remove(): void;
}

const maxStateBytes = 64 * 1024;

/** Publishes a mount. The lock goes with this process, however it ends, so that nobody believes a dead server's file. */
export function publishState(directory: string, state: MountState): HeldState {
  const path = statePath(directory, state.id);
  const fd = openSync(path, "wx", 0o600);
  // Whoever lists mounts at this instant locks the file too, for no longer than it takes to find it empty.
  while (!tryLockFile(fd, "exclusive")) Bun.sleepSync(1);
  writeSync(fd, Buffer.from(JSON.stringify(state)));
  return {
    remove: () => {
      rmSync(path, { force: true });
      closeSync(fd);
    },
  };
}

/** The live mounts of this user, oldest first. Entries whose server is gone are removed. */
export function listMounts(directory = runtimeDirectory().path): MountState[] {
  const states: MountState[] = [];
  for (const name of readdirSync(directory)) {
    if (!name.endsWith(".json")) continue;
    const state = readState(join(directory, name));
    if (state !== undefined) states.push(state);
  }
  return states.sort((a, b) => a.startedAtMs - b.startedAtMs);
}

function readState(path: string): MountState | undefined {
  let fd: number;
  try {
    fd = openSync(path, "r+");
  } catch {
    return undefined;
  }
  try {
    const bytes = readFileSync(fd);
    if (!tryLockFile(fd, "exclusive"))
      return bytes.length > maxStateBytes ? undefined : parse(bytes);
    const dead = parse(bytes);
    // Between its creation and its first byte a file is not locked yet: an empty one is left alone.
    if (bytes.length > 0) {
      if (dead !== undefined) rmSync(dead.counters, { force: true });
      ftruncateSync(fd);
      rmSync(path, { force: true });
    }
    return undefined;
  } finally {
    closeSync(fd);
  }
}

function parse(bytes: Uint8Array): MountState | undefined {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8")) as MountState;
  } catch {
    return undefined;
  }
}

const statePath = (directory: string, id: string): string => join(directory, `${id}.json`);
