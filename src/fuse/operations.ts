import type { Struct } from "../formats/fields.ts";
import { type ErrnoName, errnos } from "./errno.ts";
import { interrupt, lseek, read, readdir, readdirplus } from "./handle-content.ts";
import { getattr, lookup, readlink, statfs } from "./handle-metadata.ts";
import { getxattr, listxattr } from "./handle-xattr.ts";
import { type Handler, noReply } from "./handler.ts";
import * as wire from "./wire.ts";

export interface Operation {
  readonly name: string;
  /** Bytes that must follow the header. */
  readonly inputSize: number;
  readonly handle: Handler;
}

// biome-ignore lint/suspicious/noExplicitAny: any declared structure
type Input = Struct<any> | null;

const refuse =
  (name: ErrnoName): Handler =>
  () =>
    -errnos[name];
const readOnly = refuse("EROFS");
/** The kernel stops asking for what was answered with ENOSYS once. */
const notNeeded = refuse("ENOSYS");
const ignored: Handler = () => noReply;

/**
 * The opcodes of fuse.h. OPEN and OPENDIR are not needed: after ENOSYS (FUSE_NO_OPEN_SUPPORT, Linux 4.16 and 5.1) the
 * kernel opens without a round trip, keeps the page cache and caches directories, as handles carry no state.
 */
const declared: readonly [opcode: number, name: string, input: Input, handle: Handler][] = [
  [1, "LOOKUP", null, lookup],
  [2, "FORGET", wire.forgetIn, ignored],
  [3, "GETATTR", wire.getattrIn, getattr],
  [4, "SETATTR", null, readOnly],
  [5, "READLINK", null, readlink],
  [6, "SYMLINK", null, readOnly],
  [8, "MKNOD", null, readOnly],
  [9, "MKDIR", null, readOnly],
  [10, "UNLINK", null, readOnly],
  [11, "RMDIR", null, readOnly],
  [12, "RENAME", null, readOnly],
  [13, "LINK", null, readOnly],
  [14, "OPEN", null, notNeeded],
  [15, "READ", wire.readIn, read],
  [16, "WRITE", null, readOnly],
  [17, "STATFS", null, statfs],
  [18, "RELEASE", null, notNeeded],
  [20, "FSYNC", null, notNeeded],
  [21, "SETXATTR", null, readOnly],
  [22, "GETXATTR", wire.getxattrIn, getxattr],
  [23, "LISTXATTR", wire.getxattrIn, listxattr],
  [24, "REMOVEXATTR", null, readOnly],
  [25, "FLUSH", null, notNeeded],
  // INIT is answered once, before there are workers (session.ts).
  [26, "INIT", wire.initIn, refuse("EIO")],
  [27, "OPENDIR", null, notNeeded],
  [28, "READDIR", wire.readIn, readdir],
  [29, "RELEASEDIR", null, notNeeded],
  [30, "FSYNCDIR", null, notNeeded],
  [34, "ACCESS", null, notNeeded],
  [35, "CREATE", null, readOnly],
  [36, "INTERRUPT", wire.interruptIn, interrupt],
  [38, "DESTROY", null, () => 0],
  [39, "IOCTL", null, refuse("ENOTTY")],
  [42, "BATCH_FORGET", wire.batchForgetIn, ignored],
  [43, "FALLOCATE", null, readOnly],
  [44, "READDIRPLUS", wire.readIn, readdirplus],
  [45, "RENAME2", null, readOnly],
  [46, "LSEEK", wire.lseekIn, lseek],
  [47, "COPY_FILE_RANGE", null, readOnly],
  [51, "TMPFILE", null, readOnly],
  // Asked for birth times, which images don't have.
  [52, "STATX", null, notNeeded],
];

const unknown: Operation = { name: "unknown", inputSize: 0, handle: notNeeded };

const operations: Operation[] = [];
for (const [opcode, name, input, handle] of declared) {
  operations[opcode] = { name, inputSize: input?.size ?? 0, handle };
}

/** What an opcode stands for; unknown ones are answered ENOSYS. */
export const operationOf = (opcode: number): Operation => operations[opcode] ?? unknown;

/** The opcode of an operation. Throws where there is none of that name. */
export function opcodeOf(name: string): number {
  const found = declared.find(([, declaredName]) => declaredName === name);
  if (found === undefined) throw new RangeError(`there is no FUSE operation ${name}`);
  return found[0];
}
