import { ClipError } from "../errors.ts";
import { commands, type ListedCommand, nameOf } from "./index.ts";

export interface UsageContext {
  readonly args: readonly string[];
  /** The command that was named. */
  readonly named: ListedCommand | undefined;
  /** Flags of that command, without dashes. */
  readonly flags: readonly string[];
}

export const missingCommand = (): ClipError =>
  new ClipError("USAGE", "say what to do: clip --help lists the commands");

export function unknownCommand(name: string): ClipError {
  const near = nearest(name, commands.map(nameOf));
  const meant = near === undefined ? "" : `did you mean clip ${near}? `;
  return new ClipError(
    "USAGE",
    `there is no command ${JSON.stringify(name)}; ${meant}clip --help lists the commands`,
  );
}

/** yargs' message as a sentence of ours, which names the flag as it was written and the help to look at. */
export function usageError(message: string, context: UsageContext): ClipError {
  const { named } = context;
  const command = named === undefined ? "clip" : `clip ${nameOf(named)}`;
  const match = (pattern: RegExp) => pattern.exec(message)?.slice(1);
  const unknown = match(/^Unknown arguments?: (.*)$/s);
  const missing = match(/^Missing required arguments?: (.*)$/s);
  const valueless = match(/^Not enough arguments following: (.*)$/s);
  const exclusive = match(/^Arguments (\S+) and (\S+) are mutually exclusive$/);
  const choices = match(/Given: (.*), Choices: (.*)$/s);
  const what = unknown
    ? unknownArgument(unknown[0]!, context)
    : missing
      ? `${missing[0]!.split(", ").map(dashed).join(" and ")} is missing`
      : valueless
        ? `${dashed(valueless[0]!)} needs a value`
        : exclusive
          ? `${exclusive.map(dashed).join(" and ")} exclude each other`
          : choices
            ? `${choices[0]} is none of ${choices[1]}`
            : /^Not enough non-option arguments/.test(message) && named !== undefined
              ? `something is missing: clip ${named.usage}`
              : message;
  return new ClipError("USAGE", `${what}; ${command} --help explains`);
}

function unknownArgument(list: string, { args, flags, named }: UsageContext): string {
  const [first] = list.split(", ") as [string];
  const written = args.find((arg) => arg.replace(/^-+/, "").split("=")[0] === first);
  const isFlag = written?.startsWith("-") ?? args.some((arg) => /^-\w/.test(arg));
  if (!isFlag) return `${JSON.stringify(first)} is one argument too many: clip ${named?.usage}`;
  const near = nearest(first, flags);
  return `there is no flag ${dashed(first)}${near === undefined ? "" : `; did you mean ${dashed(near)}?`}`;
}

const dashed = (name: string): string => `${name.length === 1 ? "-" : "--"}${name}`;

/** The candidate that differs in the fewest letters, where that is few enough for a slip of the fingers. */
function nearest(word: string, candidates: readonly string[]): string | undefined {
  const judged = candidates
    .filter((candidate) => candidate.length > 1)
    .map((candidate) => ({ candidate, slips: editDistance(word.slice(0, 40), candidate) }))
    .sort((a, b) => a.slips - b.slips);
  const [best] = judged;
  return best !== undefined && best.slips <= Math.max(1, word.length / 3)
    ? best.candidate
    : undefined;
}

/** Levenshtein's: insertions, deletions and replacements that turn one word into the other. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
