/**
 * What an inflate kernel does, whatever it is written in: raw deflate (RFC 1951) in bulk between two byte areas that
 * it owns, with its position known to the bit. It runs until something happens and says what. It takes no bit beyond
 * what it was given, and delivers every symbol that is wholly there: feeding the same bytes in other pieces changes
 * neither the output nor any position at which it stops.
 */

/** Why {@link InflateKernel.run} returned. */
export type Stop =
  /** All input was used, but for bits that are part of something unfinished. */
  | "input"
  /** The output area is full: take the output and run on. */
  | "output"
  /** `stopAt` was reached: the first end of a symbol there or after it, at most 257 bytes late. */
  | "stopped"
  /** A block ended which was not the last; the next bit is the next block's header. */
  | "block"
  /** The final block ended; the next bit is the first one after the deflate stream. */
  | "end";

/** Bits of a block's header, enough to build its tables again: they begin at bit `phase` of the first byte. */
export interface BlockHeader {
  readonly phase: number;
  readonly bytes: Uint8Array;
}

/** Where to go on. The next byte fed is the one that holds bit `bit`. */
export interface DeflatePoint {
  /** Absolute bit offset in the compressed data. */
  readonly bit: number;
  /** Absolute offset in the output. */
  readonly out: number;
  /** Up to 32 KiB of output before `out`; matches that reach further back are an error. */
  readonly window: Uint8Array;
  /** Inside a block: its header. Without it, `bit` is where a block's header begins. */
  readonly header?: BlockHeader;
}

export interface InflateKernel {
  /** Places the kernel; forgets all input and output. Throws LAYER_CORRUPT for a header that is not one. */
  resume(point: DeflatePoint): void;
  /** Begins another deflate stream at the (byte-aligned) position, with an empty window; unread input stays. */
  restart(): void;
  /** Takes as much input as there is room for and says how many bytes that was: at least 1 of 1 while less than 128 KiB are unread. */
  feed(bytes: Uint8Array): number;
  /** Input not consumed yet, from the byte that holds bit `bit` on; valid until the next call. */
  unread(): Uint8Array;
  /** Passes over the rest of the byte begun, and over `count` bytes more. */
  skip(count: number): void;
  /** Decodes. Throws LAYER_CORRUPT where the data breaks the format's rules. */
  run(stopAt: number): Stop;

  /** Absolute offset of the next bit to be read. */
  readonly bit: number;
  /** Absolute offset of the next byte of output. */
  readonly out: number;
  /** What the last run put out; valid until the next call of anything. */
  readonly produced: Uint8Array;

  /** Whether the position is inside a block, its header consumed. */
  readonly insideBlock: boolean;
  /** A copy of the header of the block that the position is in. Inside a stored block, one made up for what is left of it. */
  header(): BlockHeader;
  /** A copy of the output that matches may still refer to, up to 32 KiB. */
  window(): Uint8Array;

  /** From here on, notes which bytes of {@link window} matches refer to. Only the next 32 KiB of output can. */
  startMarking(): void;
  stopMarking(): void;
  /** How many bytes are marked, and, of the 32 KiB before the start of marking, which (1) and which not (0). */
  readonly marked: number;
  readonly marks: Uint8Array;
}
