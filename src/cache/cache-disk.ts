import { closeSync } from "node:fs";
import { tryLockRange, unlockRange } from "../system/locks.ts";
import type { BlockMap, LayerShape } from "./block-map.ts";
import { type CacheFiles, openCacheFiles } from "./cache-files.ts";
import { readFully, writeFully } from "./positioned-io.ts";
import { type SideLayout, sideLayout } from "./side-file.ts";

const diskRetryMs = 10_000;

/**
 * The two files of a layer's cache, on a disk that may be full, broken, read-only or not there at all: reads that
 * fail say false, and a write that fails keeps the next ones away for a while.
 */
export class CacheDisk {
  readonly layout: SideLayout;
  private files: CacheFiles | undefined;
  private againAt = 0;

  /** `directory` undefined: no disk. `onFailure` hears of every failure. */
  constructor(
    directory: string | undefined,
    shape: LayerShape,
    blocks: BlockMap,
    private readonly onFailure: (error: unknown) => void,
  ) {
    this.layout = sideLayout(shape, blocks);
    if (directory === undefined) return;
    try {
      this.files = openCacheFiles(directory, shape, this.layout);
    } catch (error) {
      onFailure(error);
    }
  }

  get present(): boolean {
    return this.files !== undefined;
  }

  get writable(): boolean {
    return this.files?.writable === true && performance.now() >= this.againAt;
  }

  close(): void {
    if (this.files === undefined) return;
    closeSync(this.files.side);
    closeSync(this.files.data);
    this.files = undefined;
  }

  readData(position: number, target: Uint8Array): boolean {
    return this.read(this.files?.data, position, target);
  }

  readSide(position: number, target: Uint8Array): boolean {
    return this.read(this.files?.side, position, target);
  }

  /** Writes to the data file, and when that is done to the side file. */
  write(
    data: { at: number; bytes: Uint8Array } | undefined,
    side: { at: number; bytes: Uint8Array },
  ): boolean {
    if (this.files === undefined || !this.writable) return false;
    try {
      if (data !== undefined) writeFully(this.files.data, data.bytes, data.at);
      writeFully(this.files.side, side.bytes, side.at);
      return true;
    } catch (error) {
      this.againAt = performance.now() + diskRetryMs;
      this.onFailure(error);
      return false;
    }
  }

  /** Locks a byte of the side file for this open of it; true also where there is nothing to lock. */
  tryLock(byte: number): boolean {
    if (this.files?.writable !== true) return true;
    try {
      return tryLockRange(this.files.side, "exclusive", byte, 1);
    } catch {
      // A filesystem without locks: then two processes may fetch the same bytes.
      return true;
    }
  }

  unlock(byte: number): void {
    if (this.files?.writable !== true) return;
    try {
      unlockRange(this.files.side, byte, 1);
    } catch (error) {
      this.onFailure(error);
    }
  }

  private read(fd: number | undefined, position: number, target: Uint8Array): boolean {
    if (fd === undefined) return false;
    try {
      return readFully(fd, target, position);
    } catch (error) {
      this.onFailure(error);
      return false;
    }
  }
}
