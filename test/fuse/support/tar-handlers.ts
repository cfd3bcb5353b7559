import { openSync, readFileSync, readSync } from "node:fs";
import { ErofsImage } from "../../../src/formats/erofs/image.ts";
import type { FuseHandlers } from "../../../src/fuse/server.ts";

export interface TarSetup {
  readonly index: string;
  readonly tar: string;
  /** Files whose reads are passed on to the main thread. */
  readonly passedOn: readonly number[];
}

/** Serves files out of an uncompressed tar that is at hand. */
export function tarHandlers(setup: TarSetup): FuseHandlers {
  const index = new ErofsImage(readFileSync(setup.index));
  const fd = openSync(setup.tar, "r");
  return {
    index,
    tryRead(nid, offset, size, into, at) {
      if (setup.passedOn.includes(nid)) return -1;
      readFromTar(index, fd, nid, offset, size, into, at);
      return size;
    },
  };
}

export function readFromTar(
  index: ErofsImage,
  fd: number,
  nid: number,
  offset: number,
  size: number,
  into: Uint8Array,
  at: number,
): void {
  index.extents(nid, offset, size, (fileOffset, length, device, place) => {
    const target = at + fileOffset - offset;
    if (device === 0) into.fill(0, target, target + length);
    else readSync(fd, into, target, length, place);
  });
}
