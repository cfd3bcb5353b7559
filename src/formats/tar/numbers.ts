/** Numbers as tars hold them. Every parser gives undefined for what is not one, or is past 2^53. */

/**
 * A numeric header field: octal digits between spaces or NULs, or (first bit set) a big-endian two's complement
 * number of the remaining bits, GNU's "base-256". An empty field is 0.
 */
export function parseField(block: Uint8Array, at: number, length: number): number | undefined {
  const first = block[at]!;
  if (first >= 0x80) return parseBase256(block, at, length);
  let i = at;
  const end = at + length;
  while (i < end && (block[i] === 0x20 || block[i] === 0)) i++;
  let value = 0;
  for (; i < end; i++) {
    const digit = block[i]! - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  for (; i < end; i++) if (block[i] !== 0x20 && block[i] !== 0) return undefined;
  return Number.isSafeInteger(value) ? value : undefined;
}

function parseBase256(block: Uint8Array, at: number, length: number): number | undefined {
  const negative = (block[at]! & 0x40) !== 0;
  // The first bit is only the mark; the one after it is the sign.
  let value = (block[at]! & 0x3f) - (negative ? 0x40 : 0);
  for (let i = at + 1; i < at + length; i++) {
    value = value * 256 + block[i]!;
    if (!Number.isSafeInteger(value)) return undefined;
  }
  return value;
}

/** A whole decimal number that is not negative, as PAX records hold it. */
export function parseDecimal(text: string): number | undefined {
  if (!/^[0-9]{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

export interface Time {
  /** Whole seconds since 1970, rounded down. */
  readonly seconds: number;
  /** 0 to 999,999,999. */
  readonly nanoseconds: number;
}

/** A PAX time: decimal seconds, maybe negative, maybe with a fraction, of which nine digits count. */
export function parseTime(text: string): Time | undefined {
  const match = /^(-?)([0-9]{1,16})(?:\.([0-9]*))?$/.exec(text);
  if (match === null) return undefined;
  const whole = Number(match[2]);
  if (!Number.isSafeInteger(whole)) return undefined;
  const fraction = Number((match[3] ?? "").slice(0, 9).padEnd(9, "0"));
  if (match[1] === "") return { seconds: whole, nanoseconds: fraction };
  if (fraction === 0) return { seconds: 0 - whole, nanoseconds: 0 };
  return { seconds: -whole - 1, nanoseconds: 1_000_000_000 - fraction };
}
