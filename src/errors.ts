/**
 * Every failure that a user can meet is a ClipError: a stable code, the data to act on, and one sentence that names
 * the file, layer, URL (without credentials) or offset concerned and says what to do next.
 */

/** The classes of failure and the process exit code of each (documented in the README). */
export const exitCodes = {
  internal: 1,
  usage: 2,
  notFound: 3,
  integrity: 4,
  authentication: 5,
  unreachable: 6,
  io: 7,
  unsupported: 8,
  interrupted: 130,
} as const;

export type FailureClass = keyof typeof exitCodes;

/** Stable error codes, each with its class. Programs may rely on the names; they are never reused. */
export const errorCodes = {
  INTERNAL: "internal",
  USAGE: "usage",
  BAD_REFERENCE: "usage",
  FILE_NOT_FOUND: "notFound",
  IMAGE_NOT_FOUND: "notFound",
  PLATFORM_NOT_FOUND: "notFound",
  LAYER_NOT_FOUND: "notFound",
  PATH_NOT_FOUND: "notFound",
  NOT_MOUNTED: "notFound",
  NOT_AN_ARCHIVE: "integrity",
  ARCHIVE_TRUNCATED: "integrity",
  ARCHIVE_CORRUPT: "integrity",
  ARCHIVE_VERSION: "unsupported",
  DIGEST_MISMATCH: "integrity",
  DIFFID_MISMATCH: "integrity",
  SIZE_MISMATCH: "integrity",
  LAYER_CORRUPT: "integrity",
  TAR_CORRUPT: "integrity",
  MANIFEST_CORRUPT: "integrity",
  CACHE_CORRUPT: "integrity",
  LIMIT_EXCEEDED: "integrity",
  UNAUTHORIZED: "authentication",
  FORBIDDEN: "authentication",
  CREDENTIAL_HELPER: "authentication",
  UNREACHABLE: "unreachable",
  TIMEOUT: "unreachable",
  TOO_MANY_REQUESTS: "unreachable",
  REGISTRY_ERROR: "unreachable",
  NO_RANGE_SUPPORT: "unreachable",
  IO: "io",
  DISK_FULL: "io",
  PERMISSION: "io",
  MOUNT_FAILED: "io",
  MOUNT_BUSY: "io",
  NO_FUSE: "unsupported",
  UNSUPPORTED: "unsupported",
  INTERRUPTED: "interrupted",
} as const satisfies Record<string, FailureClass>;

export type ErrorCode = keyof typeof errorCodes;

/** Facts about a failure for programs: digests, paths, offsets, URLs with the credentials removed. */
export type ErrorData = Readonly<Record<string, string | number | boolean | undefined>>;

export class ClipError extends Error {
  override readonly name = "ClipError";
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly data: ErrorData = {},
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }

  /** The process exit code of this failure. */
  get exitCode(): number {
    return exitCodes[errorCodes[this.code]];
  }
}

/** Whether `error` is a ClipError, of one of `codes` where some are given. */
export const isClipError = (error: unknown, ...codes: ErrorCode[]): error is ClipError =>
  error instanceof ClipError && (codes.length === 0 || codes.includes(error.code));

interface SystemError {
  readonly code: string;
  readonly message: string;
}

const isSystemError = (error: unknown): error is SystemError =>
  error instanceof Error && typeof (error as { code?: unknown }).code === "string";

const systemCodes: Readonly<Record<string, ErrorCode>> = {
  ENOENT: "FILE_NOT_FOUND",
  ENOTDIR: "FILE_NOT_FOUND",
  EACCES: "PERMISSION",
  EPERM: "PERMISSION",
  EROFS: "PERMISSION",
  ENOSPC: "DISK_FULL",
  EDQUOT: "DISK_FULL",
  ABORT_ERR: "INTERRUPTED",
};

const systemAdvice: Readonly<Partial<Record<ErrorCode, string>>> = {
  FILE_NOT_FOUND: "check the path",
  PERMISSION: "choose another place, or have its owner allow it",
  DISK_FULL: "make room there, or choose another place",
};

/** node:fs says "ENOENT: no such file or directory, open 'name'"; who says what was being tried needs the middle. */
const messageOf = (message: string): string =>
  /^E[A-Z0-9]+: (.+?)(?:, \w+(?: '.*)?)?$/s.exec(message)?.[1] ?? message;

/** Turns whatever was thrown into a ClipError; `doing` says what was being tried ("reading the archive app.clip"). */
export function toClipError(error: unknown, doing?: string): ClipError {
  if (error instanceof ClipError) return error;
  if (error instanceof Error && error.name === "AbortError") {
    return new ClipError("INTERRUPTED", "interrupted", {}, { cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  const sentence = doing === undefined ? message : `${doing}: ${messageOf(message)}`;
  if (isSystemError(error)) {
    const code = systemCodes[error.code] ?? (/^E[A-Z0-9]+$/.test(error.code) ? "IO" : "INTERNAL");
    const advice = systemAdvice[code];
    const whole = advice === undefined ? sentence : `${sentence}; ${advice}`;
    return new ClipError(code, whole, { errno: error.code }, { cause: error });
  }
  return new ClipError("INTERNAL", sentence, {}, { cause: error });
}
