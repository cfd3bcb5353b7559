import { emptyInode } from "../formats/erofs/inode.ts";
import { fileTypes } from "../formats/erofs/layout.ts";
import { writeU64 } from "../formats/fields.ts";
import { writeEntry } from "./attributes.ts";
import type { MetadataIndex } from "./metadata.ts";
import type { Reply } from "./reply.ts";
import { dirent, entryOut } from "./wire.ts";

/** DT_* of dirent.h (which are mode bits shifted right by 12) by FT_*; 0 is "unknown". */
const direntTypes = new Uint8Array(256);
for (const { entry, mode } of Object.values(fileTypes)) direntTypes[entry] = mode >> 12;

/**
 * Writes directory entries into a reply, with their attributes (READDIRPLUS) or without. One object serves all
 * requests of a worker, so that listing makes no closure for each.
 */
export class DirectoryWriter {
  readonly #index: MetadataIndex;
  readonly #inode = emptyInode();
  readonly #visit: Parameters<MetadataIndex["readdir"]>[2];
  #reply: Reply | undefined;
  #withAttributes = false;
  #at = 0;
  #end = 0;

  constructor(index: MetadataIndex) {
    this.#index = index;
    this.#visit = (name, nid, type, next) => this.#write(name, nid, type, next);
  }

  /** Writes entries of directory `nid` from `cookie`, at most `size` bytes; returns how many bytes they took. */
  write(reply: Reply, nid: number, cookie: number, size: number, withAttributes: boolean): number {
    this.#reply = reply;
    this.#withAttributes = withAttributes;
    this.#at = reply.body;
    this.#end = reply.body + Math.min(size, reply.capacity);
    this.#index.readdir(nid, cookie, this.#visit);
    return this.#at - reply.body;
  }

  #write(name: Uint8Array, nid: number, type: number, next: number): boolean {
    const { bytes, view } = this.#reply!;
    const headAt = this.#at + (this.#withAttributes ? entryOut.size : 0);
    const nameAt = headAt + dirent.size;
    const padded = (nameAt + name.length + 7) & ~7;
    if (padded > this.#end) return false;
    bytes.set(name, nameAt);
    bytes.fill(0, nameAt + name.length, padded);
    writeU64(view, headAt + dirent.at.ino, nid);
    writeU64(view, headAt + dirent.at.cookie, next);
    view.setUint32(headAt + dirent.at.nameLength, name.length, true);
    view.setUint32(headAt + dirent.at.type, direntTypes[type]!, true);
    if (this.#withAttributes) this.#writeAttributes(name, nid);
    this.#at = padded;
    return true;
  }

  /** The kernel takes a zero node for "attributes not told", and wants none for `.` and `..`. */
  #writeAttributes(name: Uint8Array, nid: number): void {
    const { bytes, view } = this.#reply!;
    if (isDots(name)) {
      bytes.fill(0, this.#at, this.#at + entryOut.size);
      return;
    }
    this.#index.inode(nid, this.#inode);
    writeEntry(view, this.#at, this.#index, this.#inode);
  }
}

const dot = ".".charCodeAt(0);

const isDots = (name: Uint8Array): boolean =>
  name[0] === dot && (name.length === 1 || (name.length === 2 && name[1] === dot));
