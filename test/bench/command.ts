import { writeFileSync } from "node:fs";

export interface CommandResult {
  readonly stdout: string;
  /** Peak resident memory of the command, bytes. */
  readonly peakBytes: number;
}

/** Runs a command to its end; throws with its standard error when it fails. */
export async function command(...words: readonly string[]): Promise<CommandResult> {
  const child = Bun.spawn([...words], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0)
    throw new Error(`${words.join(" ")}: ${stderr || child.signalCode}`);
  return { stdout, peakBytes: child.resourceUsage()!.maxRSS };
}

/** Empties the kernel's page, dentry and inode caches of what is clean (Documentation/admin-guide/sysctl/vm.rst). */
export async function dropCaches(): Promise<void> {
  await command("sync");
  writeFileSync("/proc/sys/vm/drop_caches", "3");
}
