import { expect, test } from "bun:test";
import {
  clipMounts,
  mountAt,
  parseMountInfo,
  readMountTable,
} from "../../src/mount/mount-table.ts";
import { pathBytes } from "../../src/system/paths.ts";

const text = String.raw`23 28 0:21 / /proc rw,relatime shared:12 - proc proc rw
42 27 0:39 / /mnt/a\040b ro,relatime shared:1 master:2 - fuse.clip /srv/x\134y\012.clip ro,user_id=0
43 42 0:40 / /mnt/a\040b ro,relatime - tmpfs none rw
44 27 0:41 / /mnt/RAW ro - fuse.clip app.clip ro
nonsense
1 2 x:y / /mnt ro - fuse.clip z ro
`;
const bytes = Buffer.from(text.replace("RAW", "\xff\xc3\xa9"), "latin1");

test("a mountinfo file is parsed field by field, with and without optional fields", () => {
  const table = parseMountInfo(bytes);
  expect(table.length).toBe(4);
  expect(table[1]).toEqual({
    id: 42,
    parentId: 27,
    major: 0,
    minor: 39,
    mountPoint: "/mnt/a b",
    type: "fuse.clip",
    source: "/srv/x\\y\n.clip",
  });
  expect(clipMounts(table).map(({ minor }) => minor)).toEqual([39, 41]);
});

test("bytes that are not UTF-8 survive", () => {
  const { mountPoint } = parseMountInfo(bytes)[3]!;
  expect(mountPoint.endsWith("é")).toBe(true);
  expect(Buffer.from(pathBytes(mountPoint))).toEqual(Buffer.from("/mnt/\xff\xc3\xa9", "latin1"));
});

test("the topmost mount of a place is the one that counts", () => {
  const table = parseMountInfo(bytes);
  expect(mountAt("/mnt/a b", table)?.type).toBe("tmpfs");
  expect(mountAt("/mnt", table)).toBeUndefined();
});

test.skipIf(process.platform !== "linux")("this system's table has the root", () => {
  expect(mountAt("/", readMountTable())).toBeDefined();
});
