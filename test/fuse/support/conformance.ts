import { join } from "node:path";

/** A tree made by make-tree.sh, and a mount that should show it. */
export interface Trees {
  readonly expected: string;
  readonly mounted: string;
}

function python(script: string, ...args: string[]): string {
  const run = Bun.spawnSync(["python3", join(import.meta.dir, script), ...args]);
  if (run.exitCode !== 0) throw new Error(`${script} ${args.join(" ")}: ${run.stderr}`);
  return run.stdout.toString();
}

export const probe =
  (check: string) =>
  ({ expected, mounted }: Trees): void => {
    python("probe.py", check, mounted, expected);
  };

function sameEverywhere({ expected, mounted }: Trees): void {
  const [wanted, got] = [expected, mounted].map((root) => python("describe.py", root).split("\n"));
  wanted!.forEach((line, i) => {
    if (line !== got![i]) throw new Error(`expected ${line}\nmounted  ${got![i]}`);
  });
  if (wanted!.length !== got!.length) throw new Error("the mount has more than it should");
}

/** What any mount must do, whatever driver shows it. A check throws where it fails. */
export const conformance: Readonly<Record<string, (trees: Trees) => void>> = {
  "every entry has its type, mode, owner, time, links, target, xattrs, data and holes":
    sameEverywhere,
  "a directory of 20,000 entries can be listed, and sought in": probe("seek_directory"),
  "reads at any place, mapped and direct, give the same bytes": probe("random_reads"),
  "holes are found, and data": probe("holes"),
  "xattrs tell their size, and what is wrong": probe("attribute_errors"),
  "what is not there is not there": probe("missing_names"),
  "nothing can be changed": probe("read_only"),
  "statfs tells totals": probe("totals"),
};
