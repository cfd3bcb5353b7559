import { join } from "node:path";

/** Compiles tar-server.ts with its worker to a program `file`, which needs no sources: other users can run it. */
export function compileServer(file: string): void {
  const entries = ["tar-server.ts", "tar-worker.ts"].map((name) => join(import.meta.dir, name));
  const built = Bun.spawnSync([
    process.execPath,
    "build",
    "--compile",
    ...entries,
    "--outfile",
    file,
  ]);
  if (built.exitCode !== 0) throw new Error(built.stderr.toString());
}
