import yargs, { type Argv } from "yargs";
import { version } from "../version.ts";
import { type Command, sharedFlags } from "./command.ts";
import { commands, nameOf } from "./index.ts";
import { createOutput, type OutputFlags } from "./output.ts";
import { missingCommand, unknownCommand, usageError } from "./usage-error.ts";

/** yargs' own hidden flag: what follows is a command line to complete. */
const completionFlag = "--get-yargs-completions";

/** Runs one command line. Returns the exit code. @throws ClipError; whatever the command throws. */
export async function dispatch(given: readonly string[], signal: AbortSignal): Promise<number> {
  const args = withoutSeparator(given);
  const completing = args[0] === completionFlag;
  const words = completing ? args.slice(2) : args;
  const name = words.find((word) => !word.startsWith("-"));
  const named = commands.find((command) => nameOf(command) === name);
  const wantsHelp = words.some((word) => word === "--help" || word === "-h");
  if (!completing && named === undefined && !wantsHelp) {
    if (name !== undefined) throw unknownCommand(name);
    if (words.length > 0) throw missingCommand();
  }
  let exitCode = 0;
  const parser = createParser(args);
  const loaded = (await named?.load())?.default;
  for (const listed of commands) {
    if (listed !== named || loaded === undefined) parser.command(listed.usage, listed.summary);
    else {
      parser.command(
        listed.usage,
        listed.summary,
        (argv) => declare(loaded, argv),
        async (flags) => {
          const output = createOutput(flags as OutputFlags);
          exitCode = (await loaded.run(flags, { output, signal })) ?? 0;
        },
      );
    }
  }
  if (args.length === 0) {
    process.stderr.write(`${await parser.getHelp()}\n\n`);
    throw missingCommand();
  }
  try {
    await parser.parseAsync();
    return exitCode;
  } catch (error) {
    if (!(error instanceof Misused)) throw error;
    const flags = loaded === undefined ? [] : await flagsOf(loaded);
    throw usageError(error.message, { args, named, flags });
  }
}

/** yargs does not give commands what stands behind `--`. All of ours take paths there, where ./ changes nothing. */
function withoutSeparator(args: readonly string[]): string[] {
  const at = args.indexOf("--");
  if (at < 0) return [...args];
  const operands = args.slice(at + 1).map((text) => (text.startsWith("-") ? `./${text}` : text));
  return [...args.slice(0, at), ...operands];
}

/** What yargs has to say about a command line, in its own words. */
class Misused extends Error {}

/** The long flags that a command takes, without dashes: read from its help, which yargs does not say otherwise. */
async function flagsOf(command: Command<unknown>): Promise<string[]> {
  const help = await declare(command, createParser([])).getHelp();
  return [...help.matchAll(/--([a-z][a-z-]+)/g)].map(([, flag]) => flag!);
}

function createParser(args: readonly string[]): Argv {
  return (
    yargs([...args])
      .scriptName("clip")
      // Messages are matched in usage-error.ts; help is in one language, as everything else is.
      .locale("en")
      .usage("$0 <command>\n\nMount container images at once; contents arrive when they are read.")
      .version(version)
      .alias("version", "V")
      .help()
      .alias("help", "h")
      .options({
        json: sharedFlags.json,
        verbose: { alias: "v", type: "boolean", describe: "Say more" },
        quiet: { alias: "q", type: "boolean", describe: "Say nothing but results and errors" },
      })
      .conflicts("verbose", "quiet")
      .parserConfiguration({ "camel-case-expansion": false, "duplicate-arguments-array": false })
      .strict()
      .wrap(Math.max(60, Math.min(100, process.stdout.columns ?? 100)))
      .exitProcess(false)
      .showHelpOnFail(false)
      .epilogue("clip COMMAND --help shows a command's flags, with examples")
      .fail((message, error) => {
        // yargs throws its own complaints about flags without a value.
        if (error instanceof Error && error.name !== "YError") throw error;
        throw new Misused(message ?? error.message);
      })
  );
}

/** Examples stand on lines of their own, below each other: they are there to be copied. */
function declare(command: Command<unknown>, argv: Argv): Argv<unknown> {
  const examples = command.examples.map(([line, meaning]) => `  ${line}\n      ${meaning}`);
  return command.flags(argv).epilogue(["Examples:", ...examples].join("\n"));
}
