import build from "./build.ts";
import cat from "./cat.ts";
import type { Command } from "./command.ts";
import completion from "./completion.ts";
import demo from "./demo.ts";
import inspect from "./inspect.ts";
import ls from "./ls.ts";
import mount from "./mount.ts";
import ps from "./ps.ts";
import umount from "./umount.ts";
import verify from "./verify.ts";

/** Every subcommand, in the order in which `--help` lists them. */
export const commands: readonly Command<unknown>[] = [
  build,
  mount,
  umount,
  ps,
  inspect,
  ls,
  cat,
  verify,
  demo,
  completion,
];
