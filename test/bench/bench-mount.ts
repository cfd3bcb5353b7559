import { alternate } from "./alternate.ts";
import { command, dropCaches } from "./command.ts";
import { BenchMount } from "./mounting.ts";
import type { Subject } from "./subjects.ts";
import { timesTable } from "./table.ts";

/** From the command to a tree whose root has been listed, and walking the tree with every attribute. */
export async function benchMount(subject: Subject, rounds: number): Promise<string> {
  const mount = new BenchMount(subject);
  const find = (directory: string) => () =>
    command("find", directory, "-printf", "%i %m %s %T@\n").then(() => undefined);
  const mountAndLook = async (): Promise<void> => {
    await mount.mount();
    await command("ls", mount.directory);
  };
  const unmount = () => mount.unmount();
  const mounting = await alternate(
    [
      { name: "first mount", before: () => mount.forget(), run: mountAndLook, after: unmount },
      { name: "again, index in the cache", run: mountAndLook, after: unmount },
    ],
    rounds,
  );
  await mount.mount();
  try {
    const cold = await alternate(
      [
        { name: "ext4", before: dropCaches, run: find(subject.unpacked) },
        { name: "clip", before: dropCaches, run: find(mount.directory) },
      ],
      rounds,
    );
    const warm = await alternate(
      [
        { name: "ext4", before: find(subject.unpacked), run: find(subject.unpacked) },
        { name: "clip", before: find(mount.directory), run: find(mount.directory) },
      ],
      rounds,
    );
    return [
      "Command to mounted\n",
      timesTable(mounting),
      "\nfind with attributes, cold (caches dropped)\n",
      timesTable(cold),
      "\nfind with attributes, warm\n",
      timesTable(warm),
    ].join("\n");
  } finally {
    await mount.unmount();
  }
}
