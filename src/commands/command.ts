import type { Argv } from "yargs";
import type { Output } from "./output.ts";

/** What every command gets beside its own flags. */
export interface CommandContext {
  readonly output: Output;
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

/** One subcommand: its flags, and one function to call with them. How it is called is in index.ts. */
export interface Command<Flags> {
  readonly examples: readonly (readonly [command: string, meaning: string])[];
  flags(yargs: Argv): Argv<Flags>;
  /** Resolves to the exit code; nothing means 0. */
  run(flags: Flags, context: CommandContext): Promise<number | undefined>;
}

/** Lets commands of different flags stand in one list. */
export const command = <Flags>(definition: Command<Flags>): Command<unknown> =>
  definition as unknown as Command<unknown>;

/** Flags that several commands share, declared once. */
export const sharedFlags = {
  json: { type: "boolean", describe: "Print JSON for programs" },
  insecure: {
    type: "boolean",
    default: false,
    describe: "Allow plain HTTP and unverified TLS to the registry",
  },
  origin: {
    type: "string",
    requiresArg: true,
    describe:
      "Where the layers are now: a reference, oci:DIR, oci-archive:FILE, docker-archive:FILE",
  },
  cacheDir: {
    type: "string",
    requiresArg: true,
    normalize: false,
    describe: "Directory of the local cache (also CLIP_CACHE_DIR)",
  },
} as const;

export const archivePositional = {
  type: "string",
  demandOption: true,
  describe: "The .clip file",
} as const;
