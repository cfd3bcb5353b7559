import { corruptIndex } from "./corrupt.ts";
import type { ErofsImage } from "./image.ts";
import { emptyInode, type InodeFields } from "./inode.ts";
import {
  chunkIndex,
  entryTypeOfMode,
  fileTypes,
  maxLinkBytes,
  maxNameBytes,
  typeMask,
} from "./layout.ts";
import { chunkCount } from "./read-chunks.ts";

const slash = 0x2f;
const dot = Buffer.from(".");
const dotDot = Buffer.from("..");

/** What a walk over a whole image counts. */
export interface ImageCounts {
  readonly inodes: number;
  readonly directories: number;
  readonly files: number;
  /** Sum of the files' sizes, holes included, each inode once. */
  readonly fileBytes: number;
}

/**
 * Walks the whole image and checks what `ErofsImage` takes on trust: that directories form one tree with right `.`
 * and `..`, that names are sorted, unique and possible, that entries agree with their inodes in type, that link
 * counts are true, that data lies in the devices, and that nothing is counted twice.
 * @throws ClipError ARCHIVE_CORRUPT at the first thing that is wrong.
 */
export function verifyImage(image: ErofsImage): ImageCounts {
  return new Walk(image).run();
}

class Walk {
  readonly #inode = emptyInode();
  readonly #parents = new Map<number, number>();
  /** Link count of each inode that is no directory, less the entries found so far. */
  readonly #linksLeft = new Map<number, number>();
  #files = 0;
  #fileBytes = 0;
  /** Overlapping structures could make a small image endless to walk; honest ones never share a byte. */
  #bytesLeft: number;

  constructor(readonly image: ErofsImage) {
    this.#bytesLeft = image.bytes.length;
  }

  run(): ImageCounts {
    const { image } = this;
    const waiting = [image.root];
    this.#parents.set(image.root, image.root);
    for (let nid = waiting.pop(); nid !== undefined; nid = waiting.pop()) {
      for (const child of this.#directory(nid)) waiting.push(child);
    }
    for (const [nid, left] of this.#linksLeft) {
      if (left !== 0) throw corruptIndex("has another number of names than its link count", nid);
    }
    const inodes = this.#parents.size + this.#linksLeft.size;
    if (inodes !== image.inodes) {
      throw corruptIndex(`it has ${inodes} inodes where ${image.inodes} are declared`);
    }
    return {
      inodes,
      directories: this.#parents.size,
      files: this.#files,
      fileBytes: this.#fileBytes,
    };
  }

  /** Checks a directory and what it holds but for directories; gives those. */
  #directory(nid: number): number[] {
    const { image } = this;
    image.inode(nid, this.#inode);
    const { nlink, size } = this.#inode;
    this.#spend(size, nid);
    this.#attributes(this.#inode);
    const children: number[] = [];
    let before: Uint8Array | undefined;
    let dots = 0;
    image.readdir(nid, 0, (name, child, type) => {
      if (before !== undefined && Buffer.compare(before, name) >= 0) {
        throw corruptIndex("is a directory whose names are not in order", nid);
      }
      before = name;
      if (Buffer.compare(name, dot) === 0 || Buffer.compare(name, dotDot) === 0) {
        const wanted = name.length === 1 ? nid : this.#parents.get(nid);
        if (child !== wanted || type !== fileTypes.dir.entry) {
          throw corruptIndex(
            `is a directory with a wrong "${dotDot.subarray(0, name.length)}"`,
            nid,
          );
        }
        dots++;
        return true;
      }
      if (name.length > maxNameBytes || name.includes(slash) || name.includes(0)) {
        throw corruptIndex("is a directory with an impossible name", nid);
      }
      if (type === fileTypes.dir.entry) children.push(child);
      this.#child(child, type, nid);
      return true;
    });
    if (dots !== 2) throw corruptIndex('is a directory without "." or ".."', nid);
    if (nlink !== 2 + children.length) {
      throw corruptIndex("is a directory with a wrong link count", nid);
    }
    return children;
  }

  #child(nid: number, type: number, parent: number): void {
    const inode = this.#inode;
    const left = this.#linksLeft.get(nid);
    if (left !== undefined) {
      this.#linksLeft.set(nid, left - 1);
    } else if (this.#parents.has(nid)) {
      throw corruptIndex("is a directory that is reached in two ways", nid);
    }
    this.image.inode(nid, inode);
    if (entryTypeOfMode[inode.mode >> 12] !== type) {
      throw corruptIndex("is of another type than its entry says", nid);
    }
    if (type === fileTypes.dir.entry) this.#parents.set(nid, parent);
    else if (left === undefined) {
      this.#linksLeft.set(nid, inode.nlink - 1);
      this.#attributes(inode);
      this.#data(inode);
    }
  }

  #attributes(inode: InodeFields): void {
    this.#spend(inode.tailAt - inode.xattrAt, inode.nid);
    let before: Uint8Array | undefined;
    for (const [name] of this.image.xattrs(inode.nid)) {
      if (before !== undefined && Buffer.compare(before, name) >= 0) {
        throw corruptIndex("has extended attributes that are not in order", inode.nid);
      }
      before = name;
    }
  }

  #data(inode: InodeFields): void {
    const { nid, size } = inode;
    const type = inode.mode & typeMask;
    if (type === fileTypes.file.mode) {
      this.#files++;
      this.#fileBytes += size;
      this.#spend(chunkCount(inode) * chunkIndex.size, nid);
      this.image.extents(nid, 0, size, () => {});
    } else if (type === fileTypes.symlink.mode) {
      this.#spend(Math.min(size, maxLinkBytes), nid);
      if (this.image.readlink(nid).includes(0)) {
        throw corruptIndex("is a symbolic link whose target holds a NUL byte", nid);
      }
    }
  }

  #spend(bytes: number, nid: number): void {
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft < 0) throw corruptIndex("shares its place with others", nid);
  }
}
