import { closeSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { alternate, type Candidate } from "./alternate.ts";
import { command, dropCaches } from "./command.ts";
import { BenchMount } from "./mounting.ts";
import type { Subject } from "./subjects.ts";
import { timesTable } from "./table.ts";

const randomReads = 500;
const randomBytes = 4096;
const smallFiles = 500;

/** Sequential and random reads of the largest file, and many small files whole, against the unpacked tree. */
export async function benchRead(subject: Subject, rounds: number): Promise<string> {
  const { largest, small } = await choose(subject.unpacked);
  const size = statSync(join(subject.unpacked, largest)).size;
  const works: readonly [string, number, (root: string) => void][] = [
    [
      `sequential, ${(size / 1e6).toFixed(0)} MB file`,
      size,
      (root) => readWhole(join(root, largest)),
    ],
    [
      `random, ${randomReads} reads of 4 KiB`,
      randomReads * randomBytes,
      (root) => readAtRandom(join(root, largest), size),
    ],
    [
      `${small.paths.length} small files`,
      small.bytes,
      (root) => {
        for (const path of small.paths) readWhole(join(root, path));
      },
    ],
  ];
  const mount = new BenchMount(subject);
  const parts: string[] = [];
  for (const [title, bytes, work] of works) {
    parts.push(
      `${title}, cold\n`,
      timesTable(await alternate(cold(subject, mount, work), rounds), bytes),
    );
    parts.push(`\n${title}, warm\n`);
    await mount.mount();
    try {
      parts.push(timesTable(await alternate(warm(subject, mount, work), rounds), bytes), "");
    } finally {
      await mount.unmount();
    }
  }
  return parts.join("\n");
}

function cold(subject: Subject, mount: BenchMount, work: (root: string) => void): Candidate[] {
  const remounted = async (): Promise<void> => {
    await mount.mount();
    await dropCaches();
  };
  const throughMount = { run: () => work(mount.directory), after: () => mount.unmount() };
  return [
    { name: "ext4", before: dropCaches, run: () => work(subject.unpacked) },
    {
      name: "clip, nothing cached",
      before: async () => {
        mount.forget();
        await remounted();
      },
      ...throughMount,
    },
    { name: "clip, in the local cache", before: remounted, ...throughMount },
  ];
}

const warm = (subject: Subject, mount: BenchMount, work: (root: string) => void): Candidate[] =>
  [
    { name: "ext4", root: subject.unpacked },
    { name: "clip", root: mount.directory },
  ].map(({ name, root }) => ({ name, before: () => work(root), run: () => work(root) }));

/** The largest file without holes worth the name, and small files spread over the tree. */
async function choose(root: string) {
  const { stdout } = await command("find", root, "-type", "f", "-printf", "%s %b %P\\0");
  const files = stdout
    .split("\0")
    .filter((line) => line !== "" && !line.includes("\ufffd"))
    .map((line) => /^(\d+) (\d+) (.*)$/s.exec(line)!)
    .map(([, size, blocks, path]) => ({
      size: Number(size),
      onDisk: Number(blocks) * 512,
      path: path!,
    }));
  const largest = files
    .filter(({ size, onDisk, path }) => onDisk >= size && !path.includes("oddities/"))
    .reduce((best, file) => (file.size > best.size ? file : best));
  const small = files
    .filter(({ size }) => size > 0 && size < 65_536)
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const step = Math.max(1, Math.floor(small.length / smallFiles));
  const chosen = small.filter((_, index) => index % step === 0);
  return {
    largest: largest.path,
    small: {
      paths: chosen.map(({ path }) => path),
      bytes: chosen.reduce((sum, { size }) => sum + size, 0),
    },
  };
}

const buffer = Buffer.alloc(1 << 20);

function readWhole(path: string): void {
  const file = openSync(path, "r");
  try {
    while (readSync(file, buffer) > 0);
  } finally {
    closeSync(file);
  }
}

/** The same places every time (a linear congruential generator's). */
function readAtRandom(path: string, size: number): void {
  const file = openSync(path, "r");
  try {
    let state = 1;
    for (let count = 0; count < randomReads; count++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      const at = Math.floor((state / 2 ** 32) * (size - randomBytes));
      readSync(file, buffer, 0, randomBytes, at);
    }
  } finally {
    closeSync(file);
  }
}
