import { closeSync, openSync } from "node:fs";
import { ClipError } from "../errors.ts";
import { libc } from "../system/libc.ts";
import { readRequest, writeReply } from "./device-io.ts";
import { errnos } from "./errno.ts";
import { agree, type InitAgreement, writeInitOut } from "./init.ts";
import { requestBufferSize } from "./limits.ts";
import { opcodeOf } from "./operations.ts";
import { Reply } from "./reply.ts";
import { Request } from "./request.ts";
import { initIn } from "./wire.ts";

/**
 * A FUSE connection: descriptors to read requests from, and what INIT agreed. Plain data: a process that is given the
 * same descriptors (under numbers of its own) can go on serving.
 */
export interface FuseSession {
  /** The device that was mounted with, and its clones. A reply goes to the descriptor of its request. */
  readonly fds: readonly number[];
  readonly init: InitAgreement;
}

/**
 * Answers INIT, the first request on a device that was mounted just now, and clones the device for `workers` threads.
 * Where it can't be cloned all threads share it. On failure every descriptor is closed, `device` too.
 * @throws ClipError MOUNT_FAILED when the mount is gone, UNSUPPORTED for kernels that are too old.
 */
export function openSession(device: number, workers: number): FuseSession {
  try {
    const init = answerInit(device);
    const fds = [device];
    while (fds.length < workers) {
      const clone = cloneDevice(device);
      if (clone === undefined) break;
      fds.push(clone);
    }
    return { fds, init };
  } catch (error) {
    closeSync(device);
    throw error;
  }
}

/** Closes the descriptors. Threads must not be reading from them. */
export function closeSession(session: FuseSession): void {
  for (const fd of session.fds) closeSync(fd);
}

function answerInit(device: number): InitAgreement {
  const request = new Request(new Uint8Array(requestBufferSize));
  const reply = new Reply();
  const respond = (size: number) =>
    writeReply(device, reply.bytes, reply.seal(request.uniqueLow, request.uniqueHigh, size));
  request.length = readRequest(device, request.bytes);
  if (request.length === 0) {
    throw new ClipError("MOUNT_FAILED", "the filesystem was unmounted before it was ready");
  }
  if (request.opcode !== opcodeOf("INIT") || !request.holds(initIn.size)) {
    respond(-errnos.EIO);
    throw new ClipError("MOUNT_FAILED", "the kernel's first FUSE request was not INIT");
  }
  try {
    const init = agree(initIn.read(request.view, request.body));
    respond(writeInitOut(reply.view, reply.body, init));
    return init;
  } catch (error) {
    respond(-errnos.EIO);
    throw error;
  }
}

/** _IOR(229, 0, uint32_t) of fuse.h. */
const cloneRequest = 0x8004_e500;

/** Another descriptor of the same connection, with requests of its own; undefined where that is not allowed. */
function cloneDevice(device: number): number | undefined {
  let clone: number;
  try {
    clone = openSync("/dev/fuse", "r+");
  } catch {
    return undefined;
  }
  const argument = Uint32Array.of(device);
  if (libc().ioctl(clone, cloneRequest, argument) === 0) return clone;
  closeSync(clone);
  return undefined;
}
