import { ClipError } from "../../errors.ts";

/** The error for an index that is not what the writer writes; `what` completes "inode N …" where a nid is given. */
export const corruptIndex = (what: string, nid?: number): ClipError =>
  new ClipError(
    "ARCHIVE_CORRUPT",
    `the archive's index is damaged: ${nid === undefined ? "" : `inode ${nid} `}${what}; get the archive again or rebuild it`,
    nid === undefined ? {} : { nid },
  );
