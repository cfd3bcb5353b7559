import { type ErrorCode, errorCodes, type FailureClass, toClipError } from "../errors.ts";
import { type ErrnoName, errnos } from "./errno.ts";

/** What a program sees of a failure of each class. What could not be fetched or verified is an I/O error. */
const byClass: Readonly<Record<FailureClass, ErrnoName>> = {
  internal: "EIO",
  usage: "EIO",
  notFound: "EIO",
  integrity: "EIO",
  authentication: "EIO",
  unreachable: "EIO",
  io: "EIO",
  unsupported: "EIO",
  interrupted: "EINTR",
};

const byCode: Partial<Readonly<Record<ErrorCode, ErrnoName>>> = {
  PATH_NOT_FOUND: "ENOENT",
};

/** The errno (a positive number) that stands for whatever was thrown: the only place that maps one to the other. */
export function errnoOfError(error: unknown): number {
  const { code } = toClipError(error);
  return errnos[byCode[code] ?? byClass[errorCodes[code]]];
}
