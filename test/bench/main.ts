/**
 * `bun test/bench/main.ts [--rounds N] [--image NAME] [PART...]`: measures dist/clip against what it replaces, as
 * root. Candidates alternate in one run; take ratios from the tables, not absolute times. Parts: build, mount, read,
 * memory. Images: a-pax (default), many (150,000 small files).
 */
import { parseArgs } from "node:util";
import { benchBuild } from "./bench-build.ts";
import { benchMemory } from "./bench-memory.ts";
import { benchMount } from "./bench-mount.ts";
import { benchRead } from "./bench-read.ts";
import { openSubject, type Subject } from "./subjects.ts";

const parts: Readonly<Record<string, (subject: Subject, rounds: number) => Promise<string>>> = {
  build: benchBuild,
  mount: benchMount,
  read: benchRead,
  memory: benchMemory,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    image: { type: "string", default: "a-pax" },
  },
});
const chosen = positionals.length > 0 ? positionals : Object.keys(parts);
const unknown = chosen.filter((part) => parts[part] === undefined);
if (unknown.length > 0 || !(Number(values.rounds) >= 1)) {
  process.stderr.write(
    `usage: main.ts [--rounds N] [--image NAME] [${Object.keys(parts).join("|")}]...\n`,
  );
  process.exit(2);
}
if (process.getuid?.() !== 0) {
  process.stderr.write("the bench drops the kernel's caches and mounts: run it as root\n");
  process.exit(2);
}

const subject = await openSubject(values.image);
try {
  const { name, compressedBytes, tarBytes } = subject;
  process.stdout.write(
    `# Image ${name}: ${(compressedBytes / 1e6).toFixed(0)} MB compressed, ${(tarBytes / 1e6).toFixed(0)} MB of tar\n`,
  );
  for (const part of chosen) {
    process.stdout.write(`\n## ${part}\n\n${await parts[part]!(subject, Number(values.rounds))}\n`);
  }
} finally {
  subject.remove();
}
