import { maxNameBytes } from "../formats/erofs/layout.ts";
import { writeAttrOut, writeEntry, writeNegativeEntry } from "./attributes.ts";
import { errnos } from "./errno.ts";
import type { Handler } from "./handler.ts";
import { pageSize } from "./limits.ts";
import { nidOfNode } from "./metadata.ts";
import { attrOut, entryOut, statfsOut } from "./wire.ts";

const dot = Buffer.from(".");

/**
 * What is not there is answered too, so that the kernel remembers it. `.` is asked for by node alone, to open a file
 * handle (FUSE_EXPORT_SUPPORT); `..` is in the index like other names.
 */
export const lookup: Handler = (server, request, reply) => {
  const parent = nidOfNode(server.index, request.node);
  const { name } = request;
  if (name.length > maxNameBytes) return -errnos.ENAMETOOLONG;
  const nid = dot.equals(name) ? parent : server.index.lookup(parent, name);
  if (nid === 0) writeNegativeEntry(reply.bytes, reply.view, reply.body);
  else writeEntry(reply.view, reply.body, server.index, server.inode(nid));
  return entryOut.size;
};

export const getattr: Handler = (server, request, reply) => {
  const inode = server.inode(nidOfNode(server.index, request.node));
  writeAttrOut(reply.view, reply.body, server.index, inode);
  return attrOut.size;
};

export const readlink: Handler = (server, request, reply) =>
  reply.put(server.index.readlink(nidOfNode(server.index, request.node)));

/** As much as all layers hold, none of it free. */
export const statfs: Handler = (server, _request, reply) => {
  const { index } = server;
  let bytes = 0;
  for (const blocks of index.deviceBlocks) bytes += blocks * 512;
  statfsOut.write(reply.view, reply.body, {
    blocks: Math.ceil(bytes / pageSize),
    files: index.inodes,
    blockSize: pageSize,
    fragmentSize: pageSize,
    nameLength: maxNameBytes,
  });
  return statfsOut.size;
};
