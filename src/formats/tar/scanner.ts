import { printable } from "../bytestring.ts";
import type { TarEntry } from "./entry.ts";
import { TarFaults } from "./faults.ts";
import { blockSize, isZeroBlock } from "./header.ts";
import { MemberReader } from "./member.ts";
import { limitWarnings } from "./warnings.ts";

export interface TarScannerOptions {
  /** Told of what is understood in one of several ways, or not taken over. */
  readonly onWarning?: (text: string) => void;
  /** What is being read, for messages: "layer sha256:…". */
  readonly name?: string;
}

/** Reads a tar as it streams by. */
export interface TarScanner {
  /** Takes the next bytes, a piece of any length, of which nothing is kept after the call. */
  push(piece: Uint8Array): void;
  /** Says that the stream is over. Throws TAR_CORRUPT where the tar was cut short. */
  end(): void;
}

/**
 * Finds the entries of an uncompressed tar and where their data lies; the data itself is passed over, not copied.
 * `onEntry` is called for each entry in the order of the tar, as soon as all its headers have been read. What
 * follows the two zero blocks of the end is ignored.
 * @throws ClipError TAR_CORRUPT, LIMIT_EXCEEDED or UNSUPPORTED from `push` and `end`, naming the offset.
 */
export function createTarScanner(
  onEntry: (entry: TarEntry) => void,
  options: TarScannerOptions = {},
): TarScanner {
  const faults = new TarFaults(options.name ?? "the tar");
  const warn = limitWarnings(options.onWarning ?? (() => {}));
  const member = new MemberReader(onEntry, warn, faults);
  /** A block whose bytes come in several pieces. */
  const partial = Buffer.alloc(blockSize);
  let partialLength = 0;
  /** Offset in the tar of the next byte to come. */
  let position = 0;
  let zeroBlocks = 0;

  const take = (block: Buffer, from: number, at: number): void => {
    faults.at = at;
    if (member.wantsMore) member.more(block, from);
    else if (isZeroBlock(block, from)) {
      if (member.isPending) throw faults.corrupt("the tar ends where a header announces an entry");
      zeroBlocks++;
    } else if (zeroBlocks > 0) {
      throw faults.corrupt("an entry follows a block of zeros, which should end the tar");
    } else member.header(block, from);
  };

  return {
    push(bytes) {
      const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let from = 0; from < piece.length && zeroBlocks < 2; ) {
        const left = piece.length - from;
        let taken = Math.min(left, member.dataLeft);
        if (taken > 0) member.dataLeft -= taken;
        else if (partialLength === 0 && left >= blockSize) {
          take(piece, from, position);
          taken = blockSize;
        } else {
          taken = Math.min(left, blockSize - partialLength);
          piece.copy(partial, partialLength, from, from + taken);
          partialLength += taken;
          if (partialLength === blockSize) {
            partialLength = 0;
            take(partial, 0, position + taken - blockSize);
          }
        }
        from += taken;
        position += taken;
      }
    },
    end() {
      if (member.dataLeft === 0 && partialLength === 0 && !member.isPending) return;
      faults.at = position;
      const inside = member.dataLeft > 0 ? ` inside the data of "${printable(member.name)}"` : "";
      throw faults.corrupt(`the stream ends${inside}: it was cut short`);
    },
  };
}
