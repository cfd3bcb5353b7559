import { ErofsImage } from "../../../src/formats/erofs/image.ts";
import type { TarEntry } from "../../../src/formats/tar/entry.ts";
import { createTree } from "../../../src/tree/tree.ts";
import { writeIndex } from "../../../src/tree/write-index.ts";

const tarSize = 1024 * 1024;

const entry = (type: TarEntry["type"], name: string, fields: Partial<TarEntry> = {}): TarEntry => ({
  type,
  name,
  linkName: "",
  mode: 0o751,
  uid: 3,
  gid: 4_000_000_000,
  mtime: 1_700_000_000,
  mtimeNs: 999_999_999,
  devMajor: 0,
  devMinor: 0,
  size: 0,
  extents: [],
  xattrs: [],
  headerAt: 0,
  ...fields,
});

/** An index in memory; byte n of the layer is n modulo 251. */
export function smallTree(): ErofsImage {
  const tree = createTree();
  tree.beginLayer(0);
  tree.add(
    entry("file", "plain.txt", {
      size: 5000,
      extents: [{ offset: 0, length: 5000, at: 512 }],
      mtime: -1,
      xattrs: [
        ["user.text", "value"],
        ["user.empty", ""],
      ],
    }),
  );
  tree.add(
    entry("file", "sparse", {
      size: 1_000_000,
      extents: [{ offset: 8192, length: 512, at: 10240 }],
    }),
  );
  tree.add(entry("symlink", "link", { linkName: "plain.txt" }));
  tree.add(entry("char", "null", { devMajor: 1, devMinor: 300 }));
  tree.add(entry("dir", "sub"));
  for (let i = 0; i < 300; i++) tree.add(entry("file", `sub/file-${i}`));
  tree.endLayer();
  return new ErofsImage(writeIndex(tree.finish(), [tarSize]).image);
}

export const layerByte = (at: number): number => at % 251;
