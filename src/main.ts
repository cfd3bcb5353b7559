#!/usr/bin/env bun
/** The command line: signals, the exit code, and what failures leave on standard error. */
import { BrokenPipe, type OutputFlags, reportFailure } from "./commands/output.ts";
import { ClipError, toClipError } from "./errors.ts";
import { programArguments } from "./mount/detach.ts";
import { version } from "./version.ts";

const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  // A second signal ends a program that does not stop by itself.
  process.on(name, () => (interrupted.signal.aborted ? process.exit(130) : interrupted.abort()));
}

process.exit(await main(programArguments()));

async function main(args: readonly string[]): Promise<number> {
  try {
    if (args.length === 1 && ["--version", "-V"].includes(args[0]!)) {
      process.stdout.write(`${version}\n`);
      return 0;
    }
    const { dispatch } = await import("./commands/dispatch.ts");
    return await dispatch(args, interrupted.signal);
  } catch (error) {
    if (error instanceof BrokenPipe) return 0;
    const failure = interrupted.signal.aborted
      ? new ClipError("INTERRUPTED", "interrupted; nothing was left half-done")
      : toClipError(error);
    reportFailure(failure, outputFlags(args));
    return failure.exitCode;
  }
}

/** Read without yargs, whose own complaints follow them too. */
function outputFlags(args: readonly string[]): OutputFlags {
  const end = args.indexOf("--");
  const flags = end < 0 ? args : args.slice(0, end);
  return {
    json: flags.includes("--json"),
    verbose: flags.some((flag) => flag === "-v" || flag === "--verbose"),
  };
}
