import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { command } from "./command.ts";
import { clip, type Subject } from "./subjects.ts";

/** A mount of a subject's archive that a bench controls. */
export class BenchMount {
  readonly directory: string;
  #cache: string;
  #pid = 0;

  constructor(readonly subject: Subject) {
    this.directory = mkdtempSync(join(subject.scratch, "mount-"));
    this.#cache = mkdtempSync(join(subject.scratch, "cache-"));
  }

  async mount(): Promise<void> {
    const words = [this.subject.archive, this.directory, "--detach", "--json"];
    const { stdout } = await command(clip, "mount", ...words, "--cache-dir", this.#cache);
    this.#pid = JSON.parse(stdout).pid;
  }

  async unmount(): Promise<void> {
    await command(clip, "umount", this.directory);
  }

  /** With an empty local cache from now on. */
  forget(): void {
    rmSync(this.#cache, { recursive: true, force: true });
    mkdirSync(this.#cache);
  }

  /** Resident memory of the server in bytes: all, and what is its own (not shared with files). */
  memory(): { resident: number; anonymous: number } {
    const status = readFileSync(`/proc/${this.#pid}/status`, "latin1");
    const field = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)![1]) * 1024;
    return { resident: field("VmRSS"), anonymous: field("RssAnon") };
  }
}
