import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contentOf, end, header, octal, padded, pax, scan } from "./scan.ts";

const dir = mkdtempSync(join(tmpdir(), "clip-sparse-"));
afterAll(() => rmSync(dir, { recursive: true }));

const run = (...command: string[]): Buffer => {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: dir });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
  return stdout as Buffer;
};

/** A file with `pieces` runs of 4 KiB of data, holes of 60 KiB between them and one at its end. */
async function makeSparse(name: string, pieces: number): Promise<void> {
  const file = await open(join(dir, name), "w");
  for (let i = 0; i < pieces; i++) {
    await file.write(Buffer.alloc(4096, `data ${i} `), 0, 4096, i * 65536);
  }
  await file.truncate(pieces * 65536 + 123);
  await file.close();
}

await makeSparse("few", 3);
await makeSparse("many", 60);
await Bun.write(join(dir, "last"), "the end");
const names = ["few", "many", "last"];

const formats: Readonly<Record<string, string[]>> = {
  "GNU, type S": ["--format=gnu"],
  "PAX 0.0": ["--format=posix", "--sparse-version=0.0"],
  "PAX 0.1": ["--format=posix", "--sparse-version=0.1"],
  "PAX 1.0": ["--format=posix", "--sparse-version=1.0"],
};

describe("sparse files that GNU tar wrote", () => {
  test.each(Object.entries(formats))("%s", (_, options) => {
    const tar = run("tar", ...options, "--sparse", "-cf", "-", ...names);
    expect(tar.length).toBeLessThan(500_000);
    const { entries, warnings } = scan(tar);
    expect(entries.map(({ name }) => name)).toEqual(names);
    expect(warnings).toEqual([]);
    expect(scan(tar, 999).entries).toEqual(entries);
    for (const entry of entries) {
      const same = contentOf(tar, entry).equals(readFileSync(join(dir, entry.name)));
      expect([entry.name, same]).toEqual([entry.name, true]);
    }
    expect(entries[1]!.extents).toHaveLength(60);
  });
});

test("pieces lie back to back, as Python reads them; a length that is no whole block is warned of", () => {
  const data = Buffer.concat([Buffer.alloc(100, "a"), Buffer.alloc(200, "b")]);
  const records = [
    ["GNU.sparse.major", "0"],
    ["GNU.sparse.minor", "1"],
    ["GNU.sparse.name", "sparse"],
    ["GNU.sparse.size", "5000"],
    ["GNU.sparse.map", "1000,100,3000,200,5000,0"],
  ] as const;
  const tar = Buffer.concat([pax(records), header({ size: octal(300) }), padded(data), end]);
  const { entries, warnings } = scan(tar);
  expect(warnings.join()).toContain("back to back");
  Bun.write(join(dir, "pieces.tar"), tar);
  const script =
    "import sys,tarfile; sys.stdout.buffer.write(tarfile.open('pieces.tar').extractfile('sparse').read())";
  expect(contentOf(tar, entries[0]!).equals(run("python3", "-c", script))).toBe(true);
});

test("a sparse file without any data is one hole", () => {
  const records = [
    ["GNU.sparse.major", "1"],
    ["GNU.sparse.minor", "0"],
    ["GNU.sparse.name", "hole"],
    ["GNU.sparse.realsize", "1250000000000"],
  ] as const;
  const map = padded("1\n1250000000000\n0\n");
  const tar = Buffer.concat([pax(records), header({ size: octal(512) }), map, end]);
  expect(scan(tar).entries).toMatchObject([{ name: "hole", size: 1.25e12, extents: [] }]);
});

describe("sparse maps that lie are refused", () => {
  const file = (map: string, size = "5000", stored = 512) => {
    const records = [
      ["GNU.sparse.size", size],
      ["GNU.sparse.map", map],
    ] as const;
    const tar = [pax(records), header({ size: octal(stored) }), Buffer.alloc(stored), end];
    return () => scan(Buffer.concat(tar));
  };
  test.each([
    ["overlapping", "0,100,50,100"],
    ["backwards", "1000,100,0,100"],
    ["behind the end", "4990,100"],
    ["more than is stored", "0,513"],
    ["half a pair", "0,100,200"],
    ["no numbers", "a,b"],
    ["negative", "-5,10"],
  ])("%s", (_, map) => {
    expect(file(map)).toThrow(/map/);
  });
  test("no size", () => expect(file("0,10", "x")).toThrow(/size of a sparse file/));

  test.each(["x\n", "2\n0\n512\n", "1048577\n", "1\n0\nx\n", "9".repeat(400)])(
    "PAX 1.0: %s",
    (map) => {
      const records = [
        ["GNU.sparse.major", "1"],
        ["GNU.sparse.minor", "0"],
        ["GNU.sparse.realsize", "5000"],
      ] as const;
      const tar = [pax(records), header({ size: octal(512) }), padded(map), end];
      expect(() => scan(Buffer.concat(tar))).toThrow(/sparse/);
    },
  );
});
