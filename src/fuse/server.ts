import { emptyInode, type InodeFields } from "../formats/erofs/inode.ts";
import { DirectoryWriter } from "./directory-writer.ts";
import type { PassedOn } from "./messages.ts";
import type { MetadataIndex } from "./metadata.ts";

/** What answers requests: built by every worker for itself, out of what it was set up with. */
export interface FuseHandlers {
  readonly index: MetadataIndex;
  /**
   * Copies up to `size` bytes of file `nid` from byte `offset` to byte `at` of `into`, if they can be had at once: all
   * `size` of them (the caller has bounded it by the file's end), and says how many. -1 means that they must be
   * fetched: the main thread will be asked.
   */
  tryRead(nid: number, offset: number, size: number, into: Uint8Array, at: number): number;
}

/** One worker's state: handlers, and what is reused from request to request. */
export class FuseServer {
  readonly index: MetadataIndex;
  readonly directory: DirectoryWriter;
  readonly #inode = emptyInode();

  constructor(
    readonly handlers: FuseHandlers,
    /** Index into the session's descriptors of the one that requests are read from. */
    readonly descriptor: number,
    /** Hands a request to the main thread, which will answer it. */
    readonly passOn: (message: PassedOn) => void,
  ) {
    this.index = handlers.index;
    this.directory = new DirectoryWriter(handlers.index);
  }

  /** The fields of an inode, until the next call. */
  inode(nid: number): InodeFields {
    this.index.inode(nid, this.#inode);
    return this.#inode;
  }
}
