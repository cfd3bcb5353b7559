import { ClipError } from "../../errors.ts";

/** The error of compressed data that breaks its format's rules. `at` is a byte offset in the compressed data. */
export const corrupt = (what: string, at: number): ClipError =>
  new ClipError("LAYER_CORRUPT", `compressed data is corrupt at byte ${at}: ${what}`, {
    offset: at,
    reason: what,
  });
