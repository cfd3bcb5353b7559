import { command } from "./command.ts";
import { BenchMount } from "./mounting.ts";
import type { Subject } from "./subjects.ts";
import { table } from "./table.ts";

/** Resident memory of a mount's server: new, after a walk of the tree, after reading all of it. */
export async function benchMemory(subject: Subject): Promise<string> {
  const mount = new BenchMount(subject);
  const rows: string[][] = [];
  const note = (when: string): void => {
    const { resident, anonymous } = mount.memory();
    rows.push([when, (resident / 1e6).toFixed(1), (anonymous / 1e6).toFixed(1)]);
  };
  await mount.mount();
  try {
    note("mounted");
    await command("find", mount.directory, "-printf", "%s\n");
    note("after find");
    await command(
      "sh",
      "-c",
      'tar -C "$0" -cf - usr 2>/dev/null | cat >/dev/null',
      mount.directory,
    );
    note("after reading /usr");
  } finally {
    await mount.unmount();
  }
  return table(["server", "resident MB", "anonymous MB"], rows);
}
