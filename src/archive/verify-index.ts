import type { ErofsImage } from "../formats/erofs/image.ts";
import { fileTypes } from "../formats/erofs/layout.ts";
import { verifyImage } from "../formats/erofs/verify.ts";
import type { VirtualTable } from "../formats/erofs/virtual.ts";

const blockSize = 512;

/**
 * Walks the whole index and says what of it does not fit the layers: devices that are other than their tars, files
 * with data outside them.
 * @param tarSizes bytes of each layer's tar.
 * @throws ClipError ARCHIVE_CORRUPT where the index is not even one.
 */
export function verifyIndex(
  image: ErofsImage,
  tarSizes: readonly number[],
  virtual: VirtualTable,
): string[] {
  verifyImage(image);
  if (image.layers !== tarSizes.length) {
    return [`the index has ${image.layers} layers, the archive ${tarSizes.length}`];
  }
  const faults: string[] = [];
  tarSizes.forEach((size, i) => {
    if (image.deviceBlocks[i] === Math.ceil(size / blockSize)) return;
    faults.push(`the index takes layer ${i} for another than one of ${size} bytes of tar`);
  });
  const virtualSize = (image.deviceBlocks[image.virtualDevice - 1] ?? 0) * blockSize;
  const last = virtual.count > 0 ? virtual.entry(virtual.count - 1) : undefined;
  if (last !== undefined && last.virtual + last.length > virtualSize) {
    faults.push("the table of the virtual device is longer than the device");
  }
  for (const nid of files(image)) {
    const isInside = everyRun(image, nid, (device, end) => end <= (tarSizes[device - 1] ?? end));
    if (!isInside) faults.push(`inode ${nid} has data outside its layer`);
    if (faults.length >= enough) break;
  }
  return faults;
}

/** A hostile index could have a fault in every file; nobody reads more of them. */
const enough = 100;

/** Whether `test` holds for the device and end of every run; runs of holes and of the virtual device end anywhere. */
function everyRun(
  image: ErofsImage,
  nid: number,
  test: (device: number, end: number) => boolean,
): boolean {
  let holds = true;
  image.extents(nid, 0, Number.MAX_SAFE_INTEGER, (_, length, device, at) => {
    holds &&= test(device, at + length);
  });
  return holds;
}

/** The regular files of a verified image, each once. */
function* files(image: ErofsImage): Generator<number> {
  const seen = new Set<number>([image.root]);
  const directories = [image.root];
  for (let nid = directories.pop(); nid !== undefined; nid = directories.pop()) {
    const found: number[] = [];
    image.readdir(nid, 0, (_, child, type) => {
      if (seen.has(child)) return true;
      if (type === fileTypes.dir.entry) directories.push(child);
      if (type === fileTypes.file.entry) found.push(child);
      if (type === fileTypes.dir.entry || type === fileTypes.file.entry) seen.add(child);
      return true;
    });
    yield* found;
  }
}
