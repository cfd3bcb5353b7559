import { viewOf } from "../fields.ts";
import { corruptIndex } from "./corrupt.ts";
import { readFlat } from "./flat-data.ts";
import { emptyInode, type InodeFields, readInode } from "./inode.ts";
import {
  blockBits,
  blockSize,
  deviceSlot,
  featureIncompat,
  fileTypes,
  maxLinkBytes,
  superblock,
  superMagic,
  superOffset,
  typeMask,
  virtualTag,
} from "./layout.ts";
import { countBlocks, seekChunk, type VisitRun, visitRuns } from "./read-chunks.ts";
import { findEntry, type VisitEntry, visitEntries } from "./read-directory.ts";
import { findXattr, readXattrs, type XattrBytes } from "./read-xattrs.ts";

const dotDot = Buffer.from("..");

/**
 * Reads an index image where it lies, as a file mapped into memory: nothing is decoded in advance or kept. An inode
 * is named by its nid, which is also its inode number. Whatever the image holds, a method returns or throws a
 * ClipError ARCHIVE_CORRUPT after a time that the image's size bounds.
 */
export class ErofsImage {
  readonly bytes: Uint8Array;
  /** nid of the root directory. */
  readonly root: number;
  /** How many inodes the image says to have. */
  readonly inodes: number;
  /** Blocks of 512 bytes of each device, the virtual one (if any) last. */
  readonly deviceBlocks: readonly number[];
  /** Number of the virtual device; 0 where there is none. Devices 1 to `layers` are the layers' tars. */
  readonly virtualDevice: number;
  readonly layers: number;
  readonly #view: DataView;
  readonly #metaAt: number;
  /** For methods that need an inode and don't hand it out. */
  readonly #scratch = emptyInode();

  /** @throws ClipError ARCHIVE_CORRUPT where `bytes` are no index image. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = viewOf(bytes);
    if (bytes.length < superOffset + superblock.size) throw corruptIndex("it is too short");
    const head = superblock.read(this.#view, superOffset);
    const isOurs =
      head.magic === superMagic &&
      head.blockBits === blockBits &&
      head.dirBlockBits === 0 &&
      head.extensionSlots === 0 &&
      head.featureIncompat === featureIncompat;
    if (!isOurs) throw corruptIndex("its superblock is not one that clip writes");
    if (head.blocks * blockSize !== bytes.length) throw corruptIndex("it has another length");
    this.root = head.rootNid;
    this.inodes = head.inodes;
    this.#metaAt = head.metaBlock * blockSize;
    const slotsAt = head.deviceSlotOffset * deviceSlot.size;
    if (slotsAt + head.extraDevices * deviceSlot.size > bytes.length) {
      throw corruptIndex("its device table is cut short");
    }
    const slots = Array.from({ length: head.extraDevices }, (_, i) =>
      deviceSlot.read(this.#view, slotsAt + i * deviceSlot.size),
    );
    this.deviceBlocks = slots.map(({ blocks }) => blocks);
    const tag = Buffer.from(slots.at(-1)?.tag ?? []).toString("latin1");
    const hasVirtual = tag.startsWith(`${virtualTag}\0`);
    this.virtualDevice = hasVirtual ? slots.length : 0;
    this.layers = slots.length - (hasVirtual ? 1 : 0);
    this.#open(this.root, fileTypes.dir.mode, "is the root and no directory");
  }

  /** Fills `into` with the inode's fields. */
  inode(nid: number, into: InodeFields): void {
    readInode(this.#view, this.#metaAt, nid, into);
  }

  /** The nid of the entry `name` of directory `parent`; 0 where there is none. */
  lookup(parent: number, name: Uint8Array): number {
    return findEntry(this.bytes, this.#view, this.#openDirectory(parent), name);
  }

  /** The nid of the directory that holds directory `nid`; the root's is the root. */
  parent(nid: number): number {
    const found = this.lookup(nid, dotDot);
    if (found === 0) throw corruptIndex('is a directory without ".."', nid);
    return found;
  }

  /**
   * Visits the entries of a directory in their order, `.` and `..` among them, from `cookie`: 0, or what an earlier
   * visit was given. Cookies stay valid for ever. `visit` may call any method.
   */
  readdir(nid: number, cookie: number, visit: VisitEntry): void {
    visitEntries(this.bytes, this.#view, { ...this.#openDirectory(nid) }, cookie, visit);
  }

  /** The target of a symbolic link. */
  readlink(nid: number): Uint8Array {
    const link = this.#open(nid, fileTypes.symlink.mode, "is no symbolic link");
    if (link.size === 0 || link.size > maxLinkBytes) {
      throw corruptIndex("is a symbolic link without a target that Linux takes", nid);
    }
    return readFlat(this.bytes, link);
  }

  /** The extended attributes of an inode, whole names and values, in the image's order. */
  xattrs(nid: number): Iterable<XattrBytes> {
    this.inode(nid, this.#scratch);
    return readXattrs(this.bytes, this.#view, { ...this.#scratch });
  }

  /** The value of one extended attribute, a view of the image; undefined where the inode does not have it. */
  xattr(nid: number, name: Uint8Array): Uint8Array | undefined {
    this.inode(nid, this.#scratch);
    return findXattr(this.bytes, this.#view, this.#scratch, name);
  }

  /**
   * Visits where `length` bytes of a file from byte `offset` lie, run by run and up to the file's end; runs are inside
   * their devices. `visit` may call any method.
   */
  extents(nid: number, offset: number, length: number, visit: VisitRun): void {
    const file = { ...this.#openFile(nid) };
    visitRuns(this.#view, file, this.deviceBlocks, offset, length, visit);
  }

  /** Blocks of 512 bytes of a file that no hole covers. */
  allocatedBlocks(nid: number): number {
    return countBlocks(this.#view, this.#openFile(nid), this.deviceBlocks);
  }

  /** Where data, or a hole, begins at or after `offset`, as lseek has it; -1 stands for ENXIO. */
  seek(nid: number, offset: number, want: "data" | "hole"): number {
    return seekChunk(this.#view, this.#openFile(nid), this.deviceBlocks, offset, want);
  }

  #open(nid: number, type: number, otherwise: string): InodeFields {
    const inode = this.#scratch;
    this.inode(nid, inode);
    if ((inode.mode & typeMask) !== type) throw corruptIndex(otherwise, nid);
    return inode;
  }

  #openDirectory(nid: number): InodeFields {
    return this.#open(nid, fileTypes.dir.mode, "is no directory");
  }

  #openFile(nid: number): InodeFields {
    return this.#open(nid, fileTypes.file.mode, "is no file");
  }
}
