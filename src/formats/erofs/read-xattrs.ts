import { corruptIndex } from "./corrupt.ts";
import type { InodeFields } from "./inode.ts";
import { xattrEntry, xattrHeader, xattrPrefixes } from "./layout.ts";

const prefixBytes = new Map(
  Object.entries(xattrPrefixes).map(([number, text]) => [Number(number), Buffer.from(text)]),
);

/** An extended attribute: its whole name, and its value as a view of the image. */
export type XattrBytes = readonly [name: Uint8Array, value: Uint8Array];

/** The extended attributes of an inode, in the order of the image. */
export function* readXattrs(
  image: Uint8Array,
  view: DataView,
  inode: Readonly<InodeFields>,
): Generator<XattrBytes> {
  const { nid, xattrSize, xattrAt } = inode;
  if (xattrSize === 0) return;
  const end = xattrAt + xattrSize;
  if (view.getUint8(xattrAt + xattrHeader.at.sharedCount) !== 0) {
    throw corruptIndex("has shared attributes, which are never written", nid);
  }
  for (let at = xattrAt + xattrHeader.size; at < end; ) {
    const nameLength = view.getUint8(at + xattrEntry.at.nameLength);
    const prefix = prefixBytes.get(view.getUint8(at + xattrEntry.at.prefix));
    const valueSize = view.getUint16(at + xattrEntry.at.valueSize, true);
    const nameAt = at + xattrEntry.size;
    const valueAt = nameAt + nameLength;
    if (prefix === undefined || valueAt + valueSize > end) {
      throw corruptIndex("has malformed extended attributes", nid);
    }
    const name = Buffer.concat([prefix, image.subarray(nameAt, valueAt)]);
    yield [name, image.subarray(valueAt, valueAt + valueSize)];
    at = nameAt + ((nameLength + valueSize + 3) & ~3);
  }
}

/** The value of the attribute `name`; undefined where the inode has none. */
export function findXattr(
  image: Uint8Array,
  view: DataView,
  inode: Readonly<InodeFields>,
  name: Uint8Array,
): Uint8Array | undefined {
  if (inode.xattrSize === 0) return undefined;
  for (const [found, value] of readXattrs(image, view, inode)) {
    if (Buffer.compare(found, name) === 0) return value;
  }
  return undefined;
}
