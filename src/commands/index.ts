import type { Command } from "./command.ts";

/** What `clip --help` lists of a subcommand. The rest is loaded when it is needed, so that every command starts fast. */
export interface ListedCommand {
  /** yargs' syntax: `build <source>`. */
  readonly usage: string;
  readonly summary: string;
  load(): Promise<{ readonly default: Command<unknown> }>;
}

/** Every subcommand, in the order in which `--help` lists them. */
export const commands: readonly ListedCommand[] = [
  {
    usage: "build <source>",
    summary: "Index an image where it is and write a .clip archive",
    load: () => import("./build.ts"),
  },
  {
    usage: "mount <archive> <dir>",
    summary: "Show an image's root filesystem; contents are fetched when read",
    load: () => import("./mount.ts"),
  },
  {
    usage: "umount <dir>",
    summary: "Unmount a directory, also when its server is gone",
    load: () => import("./umount.ts"),
  },
  { usage: "ps", summary: "List live mounts", load: () => import("./ps.ts") },
  {
    usage: "inspect <archive> [path]",
    summary: "Explain an archive, or one entry and where its bytes lie",
    load: () => import("./inspect.ts"),
  },
  {
    usage: "ls <archive> [path]",
    summary: "List a directory of the archive's root filesystem",
    load: () => import("./ls.ts"),
  },
  {
    usage: "cat <archive> <path>",
    summary: "Write one file to standard output, fetching only its part",
    load: () => import("./cat.ts"),
  },
  {
    usage: "verify <archive>",
    summary: "Check an archive: structure and digests, origin, every byte",
    load: () => import("./verify.ts"),
  },
  {
    usage: "demo",
    summary: "Show what clip does on a small image made of files at hand",
    load: () => import("./demo.ts"),
  },
  {
    usage: "completion <shell>",
    summary: "Print a completion script for bash, zsh or fish",
    load: () => import("./completion.ts"),
  },
];

export const nameOf = ({ usage }: ListedCommand): string => usage.split(" ")[0]!;
