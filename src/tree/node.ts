import type { ByteString } from "../formats/bytestring.ts";
import type { Xattr } from "../formats/erofs/xattrs.ts";
import type { Extent } from "../formats/tar/entry.ts";

/** What every inode of the merged tree has. */
abstract class Attributes {
  /** Permission bits with setuid, setgid and sticky. */
  mode = 0o755;
  uid = 0;
  gid = 0;
  mtime = 0;
  mtimeNs = 0;
  xattrs: readonly Xattr[] = [];
  /** Set when the tree is written. */
  nid = 0;
}

/** A directory. One that no layer has an entry for is of root, mode 0755, and as old as 1970. */
export class Directory extends Attributes {
  readonly type = "dir";
  readonly children = new Map<ByteString, Node>();

  /** The directory that holds it; the root is its own. */
  readonly parent: Directory;
  /** The last layer with an entry for it or for anything below it; -1 where there is none yet. */
  touchedIn = -1;
  /** The last layer with an entry for the directory itself; -1 where there is none. */
  describedIn = -1;
  /** The last layer that hid what lower layers had put below it. */
  hiddenIn = -1;

  constructor(parent?: Directory) {
    super();
    this.parent = parent ?? this;
  }

  /** Forgets what entries said of the directory itself. */
  resetAttributes(): void {
    this.mode = 0o755;
    this.uid = 0;
    this.gid = 0;
    this.mtime = 0;
    this.mtimeNs = 0;
    this.xattrs = [];
    this.describedIn = -1;
  }
}

/** Anything but a directory. It may have several names, in several directories. */
export class Leaf extends Attributes {
  /** How many names it has. */
  nlink = 0;
  /** Where a file's data starts that lies in one piece, as nearly all do: an array for each would take more room. */
  readonly #at: number;
  readonly #pieces: readonly Extent[] | undefined;

  constructor(
    readonly type: "file" | "symlink" | "char" | "block" | "fifo",
    /** The layer whose entry made it, counted from 0; a file's data lies in that layer's tar. */
    readonly layer: number,
    /** Bytes of a file, holes included. */
    readonly size: number,
    extents: readonly Extent[],
    /** A link's target. */
    readonly target: ByteString,
    /** Device number of a device node, as Linux encodes it. */
    readonly device: number,
  ) {
    super();
    this.#at = extents[0]?.at ?? 0;
    this.#pieces = extents.length === 1 && extents[0]!.length === size ? undefined : extents;
  }

  /** Where a file's data lies in its layer's tar. */
  get extents(): readonly Extent[] {
    return this.#pieces ?? [{ offset: 0, length: this.size, at: this.#at }];
  }
}

export type Node = Directory | Leaf;
