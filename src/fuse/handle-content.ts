import { fileTypes, typeMask } from "../formats/erofs/layout.ts";
import { readU64, writeU64 } from "../formats/fields.ts";
import { errnos } from "./errno.ts";
import { type Handler, noReply } from "./handler.ts";
import { nidOfNode } from "./metadata.ts";
import type { Request } from "./request.ts";
import { inHeader, interruptIn, lseekIn, lseekOut, readIn } from "./wire.ts";

const uniqueOf = (request: Request): bigint => request.view.getBigUint64(inHeader.at.unique, true);

/** A reply is as long as the file allows: a shorter one would be taken for the file's end. */
export const read: Handler = (server, request, reply) => {
  const nid = nidOfNode(server.index, request.node);
  const inode = server.inode(nid);
  if ((inode.mode & typeMask) !== fileTypes.file.mode) return -errnos.EISDIR;
  const offset = readU64(request.view, request.body + readIn.at.offset);
  const wanted = request.view.getUint32(request.body + readIn.at.size, true);
  const size = Math.min(wanted, reply.capacity, inode.size - offset);
  if (size <= 0) return 0;
  const got = server.handlers.tryRead(nid, offset, size, reply.bytes, reply.body);
  if (got >= 0) return got === size ? size : -errnos.EIO;
  const { descriptor } = server;
  const { pid } = request;
  server.passOn({ kind: "read", unique: uniqueOf(request), descriptor, nid, offset, size, pid });
  return noReply;
};

/** The kernel's word that a process waiting for a request has got a signal. Who holds the request answers it. */
export const interrupt: Handler = (server, request) => {
  const unique = request.view.getBigUint64(request.body + interruptIn.at.unique, true);
  server.passOn({ kind: "interrupt", unique, descriptor: server.descriptor });
  return noReply;
};

const list =
  (withAttributes: boolean): Handler =>
  (server, request, reply) => {
    const nid = nidOfNode(server.index, request.node);
    const cookie = readU64(request.view, request.body + readIn.at.offset);
    const size = request.view.getUint32(request.body + readIn.at.size, true);
    return server.directory.write(reply, nid, cookie, size, withAttributes);
  };

export const readdir = list(false);
export const readdirplus = list(true);

/** SEEK_DATA and SEEK_HOLE of linux/fs.h; the kernel answers the others itself. */
const whences: Readonly<Record<number, "data" | "hole">> = { 3: "data", 4: "hole" };

export const lseek: Handler = (server, request, reply) => {
  const want = whences[request.view.getUint32(request.body + lseekIn.at.whence, true)];
  if (want === undefined) return -errnos.EINVAL;
  const nid = nidOfNode(server.index, request.node);
  const offset = readU64(request.view, request.body + lseekIn.at.offset);
  const found = server.index.seek(nid, offset, want);
  if (found < 0) return -errnos.ENXIO;
  writeU64(reply.view, reply.body + lseekOut.at.offset, found);
  return lseekOut.size;
};
