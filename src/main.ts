#!/usr/bin/env bun
/** The command line: dispatches, handles signals, and exits. */
import yargs from "yargs";
import type { Command } from "./commands/command.ts";
import { commands } from "./commands/index.ts";
import { BrokenPipe, createOutput, type OutputFlags, reportFailure } from "./commands/output.ts";
import { ClipError, toClipError } from "./errors.ts";
import { commandArguments } from "./system/paths.ts";
import { version } from "./version.ts";

const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  // A second signal ends a program that does not stop by itself.
  process.on(name, () => (interrupted.signal.aborted ? process.exit(130) : interrupted.abort()));
}

process.exit(await main(commandArguments()));

async function main(args: readonly string[]): Promise<number> {
  // Known before yargs has understood anything, so that its own complaints follow them too.
  const early: OutputFlags = { json: args.includes("--json"), verbose: args.includes("-v") };
  let exitCode = 0;
  const parser = yargs([...args])
    .scriptName("clip")
    .usage("$0 <command>\n\nMount container images at once; contents arrive when they are read.")
    .version(version)
    .alias("version", "V")
    .help()
    .alias("help", "h")
    .options({
      verbose: { alias: "v", type: "boolean", global: true, describe: "Say more" },
      quiet: {
        alias: "q",
        type: "boolean",
        global: true,
        describe: "Say nothing but results and errors",
      },
    })
    .conflicts("verbose", "quiet")
    .parserConfiguration({ "camel-case-expansion": false, "duplicate-arguments-array": false })
    .recommendCommands()
    .strict()
    .demandCommand(1, "Say what to do: clip --help lists the commands")
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .exitProcess(false)
    .showHelpOnFail(false)
    .fail((message, error) => {
      if (error !== undefined && error !== null) throw error;
      throw new ClipError("USAGE", `${message}; clip --help and clip COMMAND --help explain`);
    });
  for (const command of commands) {
    parser.command(
      command.usage,
      command.summary,
      (argv) => withExamples(command, argv),
      async (flags) => {
        const output = createOutput(flags as OutputFlags);
        exitCode = (await command.run(flags, { output, signal: interrupted.signal })) ?? 0;
      },
    );
  }
  try {
    await parser.parseAsync();
    return exitCode;
  } catch (error) {
    if (error instanceof BrokenPipe) return 0;
    const failure = interrupted.signal.aborted
      ? new ClipError("INTERRUPTED", "interrupted; nothing was left half-done")
      : toClipError(error);
    reportFailure(failure, early);
    return failure.exitCode;
  }
}

function withExamples(command: Command<unknown>, argv: ReturnType<typeof yargs>) {
  const built = command.flags(argv);
  for (const [line, meaning] of command.examples) built.example(line, meaning);
  return built;
}
