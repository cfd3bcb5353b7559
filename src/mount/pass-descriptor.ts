import { ClipError } from "../errors.ts";
import { struct, viewOf } from "../formats/fields.ts";
import { errno, libc, ptr } from "../system/libc.ts";

/**
 * Descriptors that come from another process over a Unix socket (unix(7), SCM_RIGHTS), on 64-bit Linux.
 */

// sys/socket.h and bits/socket.h of Linux.
const unixDomain = 1;
const streamSocket = 1 | 0o2000000; // SOCK_STREAM | SOCK_CLOEXEC
const socketLevel = 1;
const rights = 1;
const receiveFlags = 0x40 | 0x4000_0000; // MSG_DONTWAIT | MSG_CMSG_CLOEXEC

const messageHeader = struct("msghdr", 56, {
  name: "u64",
  nameLength: "u64",
  pieces: "u64",
  pieceCount: "u64",
  control: "u64",
  controlLength: "u64",
  flags: "u64",
});
const piece = struct("iovec", 16, { base: "u64", length: "u64" });
const control = struct("cmsghdr and one descriptor", 24, {
  length: "u64",
  level: "i32",
  type: "i32",
  descriptor: "i32",
  padding: "u32",
});

/** All of a message lies in one piece of memory, so that one object keeps it alive. */
const pieceAt = messageHeader.size;
const controlAt = pieceAt + piece.size;
const byteAt = controlAt + control.size;

/** The length of a control message with one descriptor: the padding is not counted. */
const controlLength = 20;

/** Two connected sockets, both closed on exec. */
export function socketPair(): [number, number] {
  const pair = new Int32Array(2);
  if (libc().socketpair(unixDomain, streamSocket, 0, ptr(pair)) !== 0) {
    throw new ClipError("IO", `socketpair failed with errno ${errno()}`);
  }
  return [pair[0]!, pair[1]!];
}

/** A descriptor that has been sent to `socket`; undefined where nothing is there. Does not wait. */
export function receiveDescriptor(socket: number): number | undefined {
  const memory = new Uint8Array(byteAt + 1);
  const view = viewOf(memory);
  const address = ptr(memory);
  messageHeader.write(view, 0, {
    pieces: address + pieceAt,
    pieceCount: 1,
    control: address + controlAt,
    controlLength: control.size,
  });
  piece.write(view, pieceAt, { base: address + byteAt, length: 1 });
  if (libc().recvmsg(socket, memory, receiveFlags) <= 0) return undefined;
  const { length, level, type, descriptor } = control.read(view, controlAt);
  const isDescriptor = length === controlLength && level === socketLevel && type === rights;
  return isDescriptor ? descriptor : undefined;
}
