import { errnos } from "./errno.ts";
import type { Handler } from "./handler.ts";
import { nidOfNode } from "./metadata.ts";
import type { Reply } from "./reply.ts";
import { getxattrIn, getxattrOut } from "./wire.ts";

/** A caller that gives no room asks for the size. */
function tellSize(reply: Reply, size: number): number {
  reply.view.setUint32(reply.body + getxattrOut.at.size, size, true);
  reply.view.setUint32(reply.body + getxattrOut.at.padding, 0, true);
  return getxattrOut.size;
}

export const getxattr: Handler = (server, request, reply) => {
  const room = request.view.getUint32(request.body + getxattrIn.at.size, true);
  const nid = nidOfNode(server.index, request.node);
  const value = server.index.xattr(nid, request.attributeName);
  if (value === undefined) return -errnos.ENODATA;
  if (room === 0) return tellSize(reply, value.length);
  return value.length > room ? -errnos.ERANGE : reply.put(value);
};

/** Names, each with a NUL behind it. */
export const listxattr: Handler = (server, request, reply) => {
  const room = request.view.getUint32(request.body + getxattrIn.at.size, true);
  const limit = Math.min(room, reply.capacity);
  let size = 0;
  for (const [name] of server.index.xattrs(nidOfNode(server.index, request.node))) {
    const at = reply.body + size;
    size += name.length + 1;
    if (size > limit) continue;
    reply.bytes.set(name, at);
    reply.bytes[at + name.length] = 0;
  }
  if (room === 0) return tellSize(reply, size);
  return size > limit ? -errnos.ERANGE : size;
};
