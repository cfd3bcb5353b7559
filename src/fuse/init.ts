import { ClipError } from "../errors.ts";
import type { ValuesOf } from "../formats/fields.ts";
import { maxReadSize, maxWriteSize, pageSize } from "./limits.ts";
import { type initIn, initOut } from "./wire.ts";

/** What INIT agreed between kernel and server; plain data, so that another process can go on with it. */
export interface InitAgreement {
  readonly major: number;
  readonly minor: number;
  /** FUSE_* flags of INIT, bits 0 to 31 and 32 to 63. */
  readonly flags: number;
  readonly flags2: number;
  readonly maxReadahead: number;
  readonly maxWrite: number;
  readonly maxPages: number;
  readonly maxBackground: number;
}

const protocolMajor = 7;
/** The newest minor whose structures are spoken here, and the oldest: FUSE_MAX_PAGES came with Linux 4.20. */
const newestMinor = 41;
const oldestMinor = 28;

/**
 * Bits of fuse.h that are agreed to wherever the kernel offers them. FUSE_ASYNC_DIO is not: a reader with O_DIRECT
 * would then wait without being killable, and without an INTERRUPT that could end it (fs/fuse/file.c, fuse_direct_IO).
 */
const wanted = {
  asyncRead: 1 << 0,
  exportSupport: 1 << 4,
  /** Without READDIRPLUS_AUTO: always with attributes, a cold `find -ls` is 3 times as fast, counting 20,000 files. */
  doReaddirplus: 1 << 13,
  noOpenSupport: 1 << 17,
  parallelDirectoryOperations: 1 << 18,
  maxPages: 1 << 22,
  cacheSymlinks: 1 << 23,
  noOpendirSupport: 1 << 24,
  /** There is a second word of flags. */
  initExtension: 1 << 30,
};

/** Bits 32 and on, shifted down. */
const wanted2 = {
  /** FUSE_NOTIFY_RESEND after a server's death (Linux 6.9). */
  hasResend: 1 << (39 - 32),
};

const union = (bits: Readonly<Record<string, number>>): number =>
  Object.values(bits).reduce((all, bit) => all | bit, 0);

/** Requests that the kernel sends ahead (read-ahead) without waiting: many, since each may be a round trip far away. */
const maxBackground = 256;

/**
 * Answers INIT.
 * @throws ClipError UNSUPPORTED where the kernel speaks another or an older protocol.
 */
export function agree(offer: ValuesOf<typeof initIn.fields>): InitAgreement {
  if (offer.major !== protocolMajor || offer.minor < oldestMinor) {
    throw new ClipError(
      "UNSUPPORTED",
      `this kernel speaks FUSE ${offer.major}.${offer.minor}, and clip needs ${protocolMajor}.${oldestMinor} (Linux 4.20) or newer; use clip ls, clip cat and the other commands, which need no mount`,
    );
  }
  const flags = (offer.flags & union(wanted)) >>> 0;
  return {
    major: protocolMajor,
    minor: Math.min(offer.minor, newestMinor),
    flags,
    flags2: (flags & wanted.initExtension) === 0 ? 0 : (offer.flags2 & union(wanted2)) >>> 0,
    maxReadahead: offer.maxReadahead,
    maxWrite: maxWriteSize,
    maxPages: maxReadSize / pageSize,
    maxBackground,
  };
}

/** Puts the reply to INIT behind a reply's header; returns its size. */
export function writeInitOut(view: DataView, at: number, init: InitAgreement): number {
  initOut.write(view, at, {
    major: init.major,
    minor: init.minor,
    maxReadahead: init.maxReadahead,
    flags: init.flags,
    flags2: init.flags2,
    maxBackground: init.maxBackground,
    congestionThreshold: Math.floor((init.maxBackground * 3) / 4),
    maxWrite: init.maxWrite,
    timeGranularity: 1,
    maxPages: init.maxPages,
  });
  return initOut.size;
}
