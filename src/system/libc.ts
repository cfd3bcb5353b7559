import { dlopen, FFIType, type Pointer, ptr, read } from "bun:ffi";

/**
 * The few functions of the C library that neither Bun nor node:fs offer. Opened at first use, so that nothing of
 * this is touched where it is not needed. Numbers are of Linux's generic ABI (x86-64, arm64) unless said otherwise.
 */

// Results of 64 bits come as numbers (i64_fast), so that a call makes no BigInt for the garbage collector.
const { i32, i64, result, u64, pointer, cstring } = {
  i32: FFIType.i32,
  i64: FFIType.i64,
  result: FFIType.i64_fast,
  u64: FFIType.u64,
  pointer: FFIType.ptr,
  cstring: FFIType.ptr,
};

const symbols = {
  read: { args: [i32, pointer, u64], returns: result },
  write: { args: [i32, pointer, u64], returns: result },
  pread: { args: [i32, pointer, u64, i64], returns: result },
  pwrite: { args: [i32, pointer, u64, i64], returns: result },
  ioctl: { args: [i32, u64, pointer], returns: i32 },
  fcntl: { args: [i32, i32, pointer], returns: i32 },
  flock: { args: [i32, i32], returns: i32 },
  socketpair: { args: [i32, i32, i32, pointer], returns: i32 },
  recvmsg: { args: [i32, pointer, i32], returns: result },
  sendmsg: { args: [i32, pointer, i32], returns: result },
} as const;

const linuxSymbols = {
  mount: { args: [cstring, cstring, cstring, u64, pointer], returns: i32 },
  umount2: { args: [cstring, i32], returns: i32 },
  __errno_location: { args: [], returns: pointer },
} as const;

const darwinSymbols = { __error: { args: [], returns: pointer } } as const;

const candidates =
  process.platform === "darwin"
    ? ["libSystem.B.dylib"]
    : [
        "libc.so.6",
        "libc.so",
        `/lib/libc.musl-${process.arch === "x64" ? "x86_64" : "aarch64"}.so.1`,
      ];

function openAny<T extends Record<string, { args: readonly FFIType[]; returns: FFIType }>>(
  table: T,
) {
  let last: unknown;
  for (const name of candidates) {
    try {
      // biome-ignore lint/suspicious/noExplicitAny: dlopen's generic wants mutable argument lists
      return dlopen(name, table as any).symbols as unknown as {
        [K in keyof T]: (...args: unknown[]) => number;
      };
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

function openLibc() {
  const common = openAny(symbols);
  if (process.platform === "darwin") {
    const own = openAny(darwinSymbols);
    return { ...common, errnoLocation: own.__error, mount: undefined, umount2: undefined };
  }
  const own = openAny(linuxSymbols);
  return { ...common, errnoLocation: own.__errno_location, mount: own.mount, umount2: own.umount2 };
}

let opened: ReturnType<typeof openLibc> | undefined;

/** The functions as they are; each returns -1 on failure, after which {@link errno} says why. */
export function libc(): ReturnType<typeof openLibc> {
  opened ??= openLibc();
  return opened;
}

/** The errno of the calling thread's last failed call. Right when read directly after the call. */
export const errno = (): number => read.i32(libc().errnoLocation() as unknown as Pointer, 0);

/** A NUL-terminated copy of a path or string for a C function. Throws RangeError where it holds a NUL. */
export function cString(text: string | Uint8Array): Uint8Array {
  const bytes = typeof text === "string" ? Buffer.from(text, "utf8") : text;
  if (bytes.includes(0)) throw new RangeError("a path cannot hold a NUL byte");
  const terminated = new Uint8Array(bytes.length + 1);
  terminated.set(bytes);
  return terminated;
}

export { ptr };
