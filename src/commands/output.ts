import { writeSync } from "node:fs";
import { type ClipError, errorCodes, toClipError } from "../errors.ts";

/** How a command talks: results on standard output, everything else on standard error. */
export interface Output {
  readonly json: boolean;
  /** -1 quiet, 0 normal, 1 verbose. */
  readonly verbosity: number;
  /** A line of result. */
  line(text: string): void;
  /** A value of result for programs, one JSON document a line. */
  value(value: unknown): void;
  /** Raw bytes of result. */
  bytes(bytes: Uint8Array): void;
  /** A remark for people; dropped when quiet. */
  note(text: string): void;
  /** A remark that only `-v` shows. */
  detail(text: string): void;
}

export interface OutputFlags {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  readonly verbose?: boolean | undefined;
}

export function createOutput(flags: OutputFlags): Output {
  const verbosity = flags.quiet === true ? -1 : flags.verbose === true ? 1 : 0;
  return {
    json: flags.json === true,
    verbosity,
    line: (text) => writeAll(1, Buffer.from(`${text}\n`)),
    value: (value) => writeAll(1, Buffer.from(`${JSON.stringify(value)}\n`)),
    bytes: (bytes) => writeAll(1, bytes),
    note: (text) => {
      if (verbosity >= 0) remark(text);
    },
    detail: (text) => {
      if (verbosity > 0) remark(text);
    },
  };
}

/** Remarks are for whoever listens: a reader that went away, or a log file on a full disk, must not end a mount. */
function remark(text: string): void {
  try {
    writeAll(2, Buffer.from(`${text}\n`));
  } catch {
    // There is no other place to say it.
  }
}

/** The one sentence (or, with --json, one JSON document) that a failure leaves on standard error. */
export function reportFailure(error: ClipError, flags: OutputFlags): void {
  const isMisuse = errorCodes[error.code] === "usage";
  const causes = flags.verbose === true && !isMisuse ? `\n${causesOf(error)}` : "";
  const text =
    flags.json === true
      ? JSON.stringify({
          error: {
            code: error.code,
            message: error.message,
            exitCode: error.exitCode,
            ...error.data,
          },
        })
      : `clip: ${error.message} [${error.code}]${causes}`;
  try {
    writeAll(2, Buffer.from(`${text}\n`));
  } catch {
    // Nobody listens any more; the exit code still tells.
  }
}

function causesOf(error: Error): string {
  const lines = [error.stack ?? String(error)];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    lines.push(`caused by ${cause.stack ?? cause.message}`);
  }
  return lines.join("\n");
}

/** The reader of our output went away, as `head` does; not a failure of ours. */
export class BrokenPipe extends Error {}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at, bytes.length - at);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EAGAIN") Bun.sleepSync(1);
      else if (code === "EPIPE") throw new BrokenPipe("standard output was closed");
      else
        throw toClipError(
          error,
          fd === 1 ? "writing to standard output" : "writing to standard error",
        );
    }
  }
}
