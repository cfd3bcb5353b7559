import { mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ErofsImage } from "../../../src/formats/erofs/image.ts";
import { createTarScanner } from "../../../src/formats/tar/scanner.ts";
import { createTree } from "../../../src/tree/tree.ts";
import { writeIndex } from "../../../src/tree/write-index.ts";

/** A tree on disk, a tar of it, and the tar's index image. */
export interface Fixture {
  readonly folder: string;
  readonly tree: string;
  readonly tar: string;
  readonly index: string;
  readonly image: ErofsImage;
  /** The nid of a path of the tree. */
  nid(path: string): number;
  remove(): void;
}

/** Makes a fixture whose directory `many` has so many entries. */
export function makeFixture(entries = 20): Fixture {
  const folder = mkdtempSync(join(tmpdir(), "clip-fuse-"));
  const [tree, tar, index] = ["tree", "layer.tar", "index.erofs"].map((name) => join(folder, name));
  const made = Bun.spawnSync([
    "sh",
    join(import.meta.dir, "make-tree.sh"),
    tree!,
    tar!,
    String(entries),
  ]);
  if (made.exitCode !== 0) throw new Error(`make-tree.sh: ${made.stderr}`);
  const merged = createTree();
  merged.beginLayer(0);
  const scanner = createTarScanner((entry) => merged.add(entry));
  scanner.push(readFileSync(tar!));
  scanner.end();
  merged.endLayer();
  const { image } = writeIndex(merged.finish(), [statSync(tar!).size]);
  writeFileSync(index!, image);
  const reader = new ErofsImage(image);
  return {
    folder,
    tree: tree!,
    tar: tar!,
    index: index!,
    image: reader,
    nid: (path) =>
      path.split("/").reduce((nid, name) => reader.lookup(nid, Buffer.from(name)), reader.root),
    // By rm, as Bun's own stumbles over names that are not UTF-8.
    remove: () => void Bun.spawnSync(["rm", "-rf", "--one-file-system", folder]),
  };
}
