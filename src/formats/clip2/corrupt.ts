import { ClipError } from "../../errors.ts";

/** `what` continues the sentence "the archive …". */
export const corruptArchive = (what: string): ClipError =>
  new ClipError("ARCHIVE_CORRUPT", `the archive ${what}; get or build it again`);
