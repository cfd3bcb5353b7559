import { expect, test } from "bun:test";
import { dirname, join, normalize } from "node:path";
import { Glob } from "bun";

/** Rooms from the bottom up, as ARCHITECTURE.md has them: a room imports only from those before it and from itself. */
const rooms = [
  "errors.ts",
  "progress.ts",
  "version.ts",
  "format.ts",
  "workers.ts",
  "system",
  "formats",
  "layers",
  "registry",
  "stores",
  "tree",
  "archive",
  "stats",
  "cache",
  "content",
  "fuse",
  "mount",
  "demo",
  "index.ts",
  "commands",
  "main.ts",
] as const;

const source = join(import.meta.dir, "..", "src");
const imports = /\bfrom\s+"([^"]+)"|\bimport\("([^"]+)"\)|^import\s+"([^"]+)"/gm;

const roomOf = (path: string): string => path.split("/")[0]!;

async function* importsOf(directory: string) {
  for await (const file of new Glob("**/*.{ts,tsx}").scan(directory)) {
    const text = await Bun.file(join(directory, file)).text();
    for (const [, a, b, c] of text.matchAll(imports)) yield { file, target: (a ?? b ?? c)! };
  }
}

test("imports in src run one way", async () => {
  const wrong: string[] = [];
  for await (const { file, target } of importsOf(source)) {
    if (!target.startsWith(".")) continue;
    const path = normalize(join(dirname(file), target));
    if (path.startsWith("..")) {
      const isAllowed = path === "../package.json" || roomOf(file) === "commands";
      if (!isAllowed) wrong.push(`${file} -> ${path}`);
      continue;
    }
    const [from, to] = [roomOf(file), roomOf(path)].map((room) =>
      rooms.indexOf(room as (typeof rooms)[number]),
    );
    if (from === -1 || to === -1 || to! > from!) wrong.push(`${file} -> ${path}`);
  }
  expect(wrong).toEqual([]);
});

test("only commands know yargs, only ui knows Ink and React", async () => {
  const wrong: string[] = [];
  for await (const { file, target } of importsOf(source)) {
    if (/^(ink|react)(\/|$)/.test(target)) wrong.push(`${file} -> ${target}`);
    if (target === "yargs" && !/^(commands\/|main\.ts$)/.test(file)) wrong.push(`${file} -> yargs`);
  }
  expect(wrong).toEqual([]);
});

test("the terminal views see snapshots and progress only", async () => {
  const wrong: string[] = [];
  const allowed = ["../src/progress.ts", "../src/format.ts", "../src/stats/snapshot.ts"];
  for await (const { file, target } of importsOf(join(source, "..", "ui"))) {
    if (target.startsWith("../") && !allowed.includes(target)) wrong.push(`${file} -> ${target}`);
  }
  expect(wrong).toEqual([]);
});
