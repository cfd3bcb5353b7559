import { describe, expect, test } from "bun:test";
import { viewOf } from "../../src/formats/fields.ts";
import { errnos } from "../../src/fuse/errno.ts";
import type { PassedOn, WorkerFailure } from "../../src/fuse/messages.ts";
import { Reply } from "../../src/fuse/reply.ts";
import { Request } from "../../src/fuse/request.ts";
import { answer } from "../../src/fuse/serve.ts";
import { FuseServer } from "../../src/fuse/server.ts";
import * as wire from "../../src/fuse/wire.ts";
import { captured } from "./support/captured.ts";
import { layerByte, smallTree } from "./support/small-tree.ts";

const image = smallTree();
const nidOf = (name: string) => image.lookup(image.root, Buffer.from(name));
const nids = Object.fromEntries(
  ["plain.txt", "sparse", "link", "null", "sub"].map((n) => [n, nidOf(n)]),
);
const root = 1;

/** Answers a captured request, asked of `node`: the reply, or what became of the request instead. */
function ask(
  name: keyof typeof captured,
  node: number,
  change: (view: DataView) => void = () => {},
) {
  const passed: PassedOn[] = [];
  const failures: WorkerFailure[] = [];
  const server = new FuseServer(
    {
      index: image,
      tryRead(nid, offset, size, into, at) {
        if (nid === nids.sparse) return -1;
        for (let i = 0; i < size; i++) into[at + i] = layerByte(512 + offset + i);
        return size;
      },
    },
    3,
    (message) => passed.push(message),
  );
  const bytes = Buffer.from(captured[name], "hex");
  const request = new Request(new Uint8Array(65536));
  request.bytes.set(bytes);
  request.length = bytes.length;
  request.view.setBigUint64(wire.inHeader.at.unique, 0x8000_0000_0000_1234n, true);
  request.view.setBigUint64(wire.inHeader.at.node, BigInt(node), true);
  change(request.view);
  const reply = new Reply();
  const length = answer(server, request, reply, (failure) => failures.push(failure));
  const sent = reply.bytes.slice(0, length);
  const view = viewOf(sent);
  if (length > 0) expect(view.getBigUint64(8, true)).toBe(0x8000_0000_0000_1234n);
  if (length > 0) expect(view.getUint32(0, true)).toBe(length);
  const error = length > 0 ? view.getInt32(4, true) : 0;
  return { length, error, body: sent.subarray(16), view, passed, failures };
}

const bodyView = (body: Uint8Array) => viewOf(body);

describe("metadata", () => {
  test("LOOKUP answers with node, attributes and endless validity", () => {
    const { body, length } = ask("LOOKUP plain.txt", root);
    expect(length).toBe(16 + wire.entryOut.size);
    const entry = wire.entryOut.read(bodyView(body));
    expect(entry).toMatchObject({
      node: nids["plain.txt"]!,
      ino: nids["plain.txt"]!,
      size: 5000,
      blocks: 10,
      mode: 0o100751,
      uid: 3,
      gid: 4_000_000_000,
      mtime: -1,
      mtimeNs: 999_999_999,
      nlink: 1,
    });
    expect(entry.entryValid).toBeGreaterThan(2 ** 30);
    expect(entry.attrValid).toBeGreaterThan(2 ** 30);
  });

  test("LOOKUP of nothing is an answer to be remembered", () => {
    const { body, error } = ask("LOOKUP none", root);
    const entry = wire.entryOut.read(bodyView(body));
    expect([error, entry.node]).toEqual([0, 0]);
    expect(entry.entryValid).toBeGreaterThan(2 ** 30);
  });

  test("LOOKUP in what is no directory, or does not exist, is EIO and told", () => {
    for (const node of [nids["plain.txt"]!, 0, 2 ** 40]) {
      const { error, failures } = ask("LOOKUP plain.txt", node);
      expect(error).toBe(-errnos.EIO);
      expect(failures).toMatchObject([{ operation: "LOOKUP", nid: node, code: "ARCHIVE_CORRUPT" }]);
    }
  });

  test("LOOKUP of . and .. leads back to node 1", () => {
    const rename = (name: string) => (view: DataView) => {
      for (let i = 0; i <= name.length; i++) view.setUint8(40 + i, name.charCodeAt(i) || 0);
    };
    const up = ask("LOOKUP none", nids.sub!, rename(".."));
    expect(wire.entryOut.read(bodyView(up.body)).node).toBe(root);
    const here = ask("LOOKUP none", nids.null!, rename("."));
    expect(wire.entryOut.read(bodyView(here.body))).toMatchObject({
      node: nids.null!,
      mode: 0o020751,
      rdev: (1 << 8) | (300 & 0xff) | ((300 & ~0xff) << 12),
    });
  });

  test("GETATTR of node 1 is the root's", () => {
    const { body } = ask("GETATTR", root);
    expect(wire.attrOut.read(bodyView(body))).toMatchObject({ ino: image.root, mode: 0o040755 });
  });

  test("READLINK, STATFS", () => {
    expect(Buffer.from(ask("READLINK", nids.link!).body).toString()).toBe("plain.txt");
    expect(wire.statfsOut.read(bodyView(ask("STATFS", root).body))).toMatchObject({
      blocks: 256,
      files: image.inodes,
      blockSize: 4096,
      nameLength: 255,
      blocksAvailable: 0,
    });
  });
});

describe("xattrs", () => {
  test("size, value, room too small, absence", () => {
    const plain = nids["plain.txt"]!;
    expect(wire.getxattrOut.read(bodyView(ask("GETXATTR size", plain).body)).size).toBe(5);
    expect(Buffer.from(ask("GETXATTR value", plain).body).toString()).toBe("value");
    const small = (view: DataView) => view.setUint32(40, 4, true);
    expect(ask("GETXATTR value", plain, small).error).toBe(-errnos.ERANGE);
    expect(ask("GETXATTR value", nids.sub!).error).toBe(-errnos.ENODATA);
  });

  test("names", () => {
    const plain = nids["plain.txt"]!;
    const names = "user.empty\0user.text\0";
    expect(wire.getxattrOut.read(bodyView(ask("LISTXATTR size", plain).body)).size).toBe(
      names.length,
    );
    expect(Buffer.from(ask("LISTXATTR names", plain).body).toString()).toBe(names);
    const small = (view: DataView) => view.setUint32(40, names.length - 1, true);
    expect(ask("LISTXATTR names", plain, small).error).toBe(-errnos.ERANGE);
    expect(ask("LISTXATTR names", nids.sub!).length).toBe(16);
  });
});

describe("contents", () => {
  test("READ ends with the file", () => {
    const at = (offset: number) => (view: DataView) => view.setUint32(40 + 8, offset, true);
    const first = ask("READ ahead", nids["plain.txt"]!);
    expect([first.body.length, first.body[0]]).toEqual([4096, layerByte(512)]);
    const second = ask("READ ahead", nids["plain.txt"]!, at(4096));
    expect([second.body.length, second.body[0]]).toEqual([904, layerByte(512 + 4096)]);
    expect(ask("READ ahead", nids["plain.txt"]!, at(5000)).length).toBe(16);
    expect(ask("READ ahead", nids.sub!).error).toBe(-errnos.EISDIR);
  });

  test("READ of what must be fetched is passed on, with its descriptor and all bits of its number", () => {
    const { length, passed } = ask("READ direct", nids.sparse!);
    expect(length).toBe(0);
    expect(passed).toMatchObject([
      {
        kind: "read",
        nid: nids.sparse!,
        offset: 0,
        size: 4096,
        descriptor: 3,
        unique: 0x8000_0000_0000_1234n,
      },
    ]);
  });

  test("INTERRUPT is passed on with the number of its request", () => {
    const { length, passed } = ask("INTERRUPT", 0);
    const unique = Buffer.from(captured["READ direct"], "hex").readBigUInt64LE(8);
    expect(length).toBe(0);
    expect(passed).toEqual([{ kind: "interrupt", unique, descriptor: 3 }]);
  });

  test("LSEEK finds data and holes", () => {
    const seek = (offset: number, whence: number) => {
      const { body, error } = ask("LSEEK", nids.sparse!, (view) => {
        view.setUint32(48, offset, true);
        view.setUint32(56, whence, true);
      });
      return error === 0 ? wire.lseekOut.read(bodyView(body)).offset : error;
    };
    const [data, hole] = [3, 4];
    expect([
      seek(0, data),
      seek(8192, hole),
      seek(8704, data),
      seek(1_000_000, hole),
      seek(0, 9),
    ]).toEqual([8192, 8704, -errnos.ENXIO, -errnos.ENXIO, -errnos.EINVAL]);
  });

  test("READDIRPLUS gives every entry once, whatever the room", () => {
    for (const room of [400, 4096, 32768]) {
      const names: string[] = [];
      for (let cookie = 0; ; ) {
        const { body } = ask("READDIRPLUS", nids.sub!, (view) => {
          view.setUint32(48, cookie, true);
          view.setUint32(56, room, true);
        });
        expect(body.length).toBeLessThanOrEqual(room);
        if (body.length === 0) break;
        for (let at = 0; at < body.length; ) {
          const entry = wire.entryOut.read(viewOf(body), at);
          const head = wire.dirent.read(viewOf(body), at + wire.entryOut.size);
          const nameAt = at + wire.entryOut.size + wire.dirent.size;
          const name = Buffer.from(body.subarray(nameAt, nameAt + head.nameLength)).toString();
          expect(entry.node === 0).toBe(name === "." || name === "..");
          if (entry.node !== 0) expect([entry.node, head.type]).toEqual([head.ino, 8]);
          names.push(name);
          cookie = head.cookie;
          at = (nameAt + head.nameLength + 7) & ~7;
        }
      }
      expect(names.length).toBe(302);
      expect(new Set(names).size).toBe(302);
    }
  });
});

describe("what is refused", () => {
  const changes = [
    "CREATE",
    "MKDIR",
    "SYMLINK",
    "LINK",
    "UNLINK",
    "RMDIR",
    "RENAME2",
    "SETATTR",
    "SETXATTR",
    "REMOVEXATTR",
    "MKNOD",
    "WRITE",
    "FALLOCATE",
  ] as const;
  for (const name of changes) {
    test(`${name}: EROFS`, () => expect(ask(name, root).error).toBe(-errnos.EROFS));
  }
  for (const name of ["OPEN", "OPENDIR", "FLUSH", "STATX"] as const) {
    test(`${name}: ENOSYS, so that the kernel asks no more`, () =>
      expect(ask(name, root).error).toBe(-errnos.ENOSYS));
  }
  test("IOCTL: ENOTTY", () => expect(ask("IOCTL", root).error).toBe(-errnos.ENOTTY));
  test("an unknown operation: ENOSYS", () => {
    const unknown = (view: DataView) => view.setUint32(4, 4000, true);
    expect(ask("GETATTR", root, unknown).error).toBe(-errnos.ENOSYS);
  });
  test("FORGET gets no reply", () => {
    const forget = (view: DataView) => view.setUint32(4, 2, true);
    expect(ask("GETATTR", root, forget).length).toBe(0);
  });
  test("a request that is cut short: EINVAL", () => {
    const read = (view: DataView) => view.setUint32(4, 15, true);
    expect(ask("LOOKUP none", root, read).error).toBe(-errnos.EINVAL);
  });
});
