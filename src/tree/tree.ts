import { ClipError, type ErrorCode } from "../errors.ts";
import { type ByteString, byteStringOf, bytesOf, printable } from "../formats/bytestring.ts";
import {
  encodeDevice,
  maxLinkBytes,
  maxMajor,
  maxMinor,
  maxNameBytes,
} from "../formats/erofs/layout.ts";
import type { TarEntry } from "../formats/tar/entry.ts";
import { limitWarnings } from "../formats/tar/warnings.ts";
import { isAufsName, opaqueMark, type SplitName, splitName, whiteoutPrefix } from "./names.ts";
import { Directory, Leaf, type Node } from "./node.ts";
import { resolveDirectory } from "./resolve.ts";
import { hideLower } from "./whiteout.ts";

/** An index is refused when it would be larger: real ones are some 150 bytes for each file. */
const maxIndexBytes = 2 ** 30;
/** What a node takes in the index besides its texts. */
const nodeBytes = 128;

/** A tree that is complete. */
export interface MergedTree {
  readonly root: Directory;
  readonly layers: number;
}

/** Merges the entries of an image's layers, lowest layer first, by the rules of the OCI image spec (layer.md). */
export interface Tree {
  /** Begins layer `index`, counted from 0; `name` stands for it in messages. */
  beginLayer(index: number, name?: string): void;
  /** Applies the next entry of the layer. Throws LAYER_CORRUPT or LIMIT_EXCEEDED, naming layer and entry. */
  add(entry: TarEntry): void;
  endLayer(): void;
  /** Ends the merging. */
  finish(): MergedTree;
}

export interface TreeOptions {
  /** Told of entries that are passed over. */
  readonly onWarning?: (text: string) => void;
}

/** An empty tree: a root directory of root, mode 0755. */
export const createTree = (options: TreeOptions = {}): Tree => new Merger(options);

class Merger implements Tree {
  readonly #root = new Directory();
  #layer = -1;
  #layerName = "";
  #entryName: ByteString = "";
  #indexBytes = 0;
  /** Names that the current layer gave to inodes of lower layers; the inode's own layer doesn't tell them. */
  readonly #linked = new Map<Directory, Set<ByteString>>();
  /** The directory resolved last: entries of one directory mostly come one after another. */
  #lastPath: ByteString | undefined;
  #lastDirectory = this.#root;

  readonly #warn: (text: string) => void;

  constructor(options: TreeOptions) {
    this.#warn = limitWarnings(options.onWarning ?? (() => {}));
  }

  beginLayer(index: number, name = `layer ${index + 1}`): void {
    if (index !== this.#layer + 1) throw new Error(`layer ${index} after ${this.#layer}`);
    this.#layer = index;
    this.#layerName = name;
  }

  endLayer(): void {
    this.#linked.clear();
  }

  finish(): MergedTree {
    return { root: this.#root, layers: this.#layer + 1 };
  }

  add(entry: TarEntry): void {
    this.#entryName = entry.name;
    this.#count(entry);
    if (isAufsName(entry.name)) return;
    const split = splitName(entry.name);
    if (split.base === "") this.#addRoot(entry);
    else if (split.base === opaqueMark) this.#addOpaque(split);
    else if (split.base.startsWith(whiteoutPrefix)) this.#addWhiteout(split);
    else if (entry.type === "dir") this.#addDirectory(split, entry);
    else if (entry.type === "hardlink") this.#addHardLink(split, entry);
    else this.#addLeaf(split, entry);
  }

  #count(entry: TarEntry): void {
    let bytes = nodeBytes + entry.name.length + entry.linkName.length + entry.extents.length * 32;
    for (const [name, value] of entry.xattrs) bytes += name.length + value.length;
    this.#indexBytes += bytes;
    if (this.#indexBytes > maxIndexBytes) {
      throw this.#fail(
        `takes the metadata of the image over ${maxIndexBytes} bytes`,
        "LIMIT_EXCEEDED",
      );
    }
  }

  #addRoot(entry: TarEntry): void {
    if (entry.type !== "dir")
      throw this.#fail("would make the root something else than a directory");
    this.#describe(this.#root, entry);
    this.#touch(this.#root);
  }

  #addOpaque(split: SplitName): void {
    const directory = this.#existing(split.directory);
    if (directory !== undefined) this.#hideBelow(directory);
  }

  #addWhiteout(split: SplitName): void {
    const name = split.base.slice(whiteoutPrefix.length);
    if (name === "" || name === "." || name === "..") {
      this.#warn(
        `${this.#layerName}: the whiteout "${printable(this.#entryName)}" names nothing and is passed over`,
      );
      return;
    }
    const directory = this.#existing(split.directory);
    const node = directory?.children.get(name);
    if (directory === undefined || node === undefined) return;
    if (!this.#isTouched(directory, name, node)) this.#remove(directory, name);
    else if (node instanceof Directory) {
      if (node.describedIn !== this.#layer) node.resetAttributes();
      this.#hideBelow(node);
    }
  }

  #addDirectory(split: SplitName, entry: TarEntry): void {
    const parent = this.#parent(split.directory);
    let directory = parent.children.get(split.base);
    if (!(directory instanceof Directory)) {
      this.#remove(parent, split.base);
      directory = new Directory(parent);
      this.#attach(parent, split.base, directory);
    }
    this.#describe(directory, entry);
    this.#touch(directory);
  }

  /** A hard link is another name and nothing else: what its header says of owner or mode doesn't count. */
  #addHardLink(split: SplitName, entry: TarEntry): void {
    const target = splitName(entry.linkName);
    const node = this.#existing(target.directory)?.children.get(target.base);
    const shown = `"${printable(entry.linkName)}"`;
    if (node === undefined) throw this.#fail(`is a hard link to ${shown}, which does not exist`);
    if (node instanceof Directory) throw this.#fail(`is a hard link to the directory ${shown}`);
    const parent = this.#parent(split.directory);
    if (parent.children.get(split.base) !== node) {
      this.#remove(parent, split.base);
      this.#attach(parent, split.base, node);
    }
    if (node.layer !== this.#layer) {
      const names = this.#linked.get(parent) ?? new Set();
      this.#linked.set(parent, names.add(split.base));
    }
    this.#touch(parent);
  }

  #addLeaf(split: SplitName, entry: TarEntry): void {
    const leaf = this.#makeLeaf(entry);
    const parent = this.#parent(split.directory);
    this.#remove(parent, split.base);
    this.#attach(parent, split.base, leaf);
    this.#touch(parent);
  }

  #makeLeaf(entry: TarEntry): Leaf {
    const { type, linkName, devMajor, devMinor } = entry;
    if (type === "dir" || type === "hardlink") throw new Error(`${type} is not of its own`);
    const target = type === "symlink" ? linkName : "";
    if (type === "symlink" && (target === "" || target.length > maxLinkBytes)) {
      throw this.#fail(
        `is a symbolic link with a target of ${target.length} bytes; 1 to ${maxLinkBytes} are possible`,
      );
    }
    if (devMajor > maxMajor || devMinor > maxMinor) {
      throw this.#fail(`is a device ${devMajor}:${devMinor}, a number that Linux does not have`);
    }
    const device = type === "char" || type === "block" ? encodeDevice(devMajor, devMinor) : 0;
    const leaf = new Leaf(type, this.#layer, entry.size, entry.extents, target, device);
    copyAttributes(leaf, entry);
    // Linux shows every symbolic link with all permissions.
    if (type === "symlink") leaf.mode = 0o777;
    return leaf;
  }

  #describe(directory: Directory, entry: TarEntry): void {
    copyAttributes(directory, entry);
    directory.describedIn = this.#layer;
  }

  #touch(directory: Directory): void {
    for (let at = directory; at.touchedIn !== this.#layer; at = at.parent)
      at.touchedIn = this.#layer;
  }

  #isTouched(directory: Directory, name: ByteString, node: Node): boolean {
    if (node instanceof Directory) return node.touchedIn === this.#layer;
    return node.layer === this.#layer || this.#linked.get(directory)?.has(name) === true;
  }

  #hideBelow(directory: Directory): void {
    hideLower(
      directory,
      this.#layer,
      (parent, name, node) => this.#isTouched(parent, name, node),
      (parent, name) => this.#remove(parent, name),
    );
  }

  /** The directory at `path` where there is one. */
  #existing(path: ByteString): Directory | undefined {
    if (path === this.#lastPath) return this.#lastDirectory;
    const resolved = resolveDirectory(this.#root, path);
    if ("problem" in resolved || resolved.missing.length > 0) return undefined;
    this.#lastPath = path;
    this.#lastDirectory = resolved.directory;
    return resolved.directory;
  }

  /** The directory at `path`, made where it is missing. */
  #parent(path: ByteString): Directory {
    if (path === this.#lastPath) return this.#lastDirectory;
    const resolved = resolveDirectory(this.#root, path);
    if ("problem" in resolved) throw this.#fail(resolved.problem);
    let { directory } = resolved;
    for (const name of resolved.missing) {
      const made = new Directory(directory);
      this.#attach(directory, name, made);
      directory = made;
    }
    this.#lastPath = path;
    this.#lastDirectory = directory;
    return directory;
  }

  #attach(directory: Directory, name: ByteString, node: Node): void {
    if (name.length > maxNameBytes) {
      throw this.#fail(
        `has a name of ${name.length} bytes; Linux takes ${maxNameBytes}`,
        "LIMIT_EXCEEDED",
      );
    }
    // A copy: the name as it was cut out keeps the whole path of its entry in memory.
    directory.children.set(byteStringOf(bytesOf(name)), node);
    if (node instanceof Leaf) node.nlink++;
  }

  /** Takes away a name and, of a directory, everything below it. */
  #remove(directory: Directory, name: ByteString): void {
    const node = directory.children.get(name);
    if (node === undefined) return;
    directory.children.delete(name);
    if (node instanceof Directory || node.type === "symlink") this.#lastPath = undefined;
    const waiting = [node];
    for (let gone = waiting.pop(); gone !== undefined; gone = waiting.pop()) {
      if (gone instanceof Leaf) gone.nlink--;
      else for (const child of gone.children.values()) waiting.push(child);
    }
  }

  #fail(what: string, code: ErrorCode = "LAYER_CORRUPT"): ClipError {
    const entry = printable(this.#entryName);
    return new ClipError(code, `${this.#layerName}: the entry "${entry}" ${what}`, {
      layer: this.#layer,
      entry,
    });
  }
}

function copyAttributes(node: Node, entry: TarEntry): void {
  node.mode = entry.mode;
  node.uid = entry.uid;
  node.gid = entry.gid;
  node.mtime = entry.mtime;
  node.mtimeNs = entry.mtimeNs;
  node.xattrs = entry.xattrs;
}
