import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type ClipProgram, finish, imagePath, installClip, whyNotReal } from "./support/clip.ts";

/** The mounted tree against what the layers' tars mean, against umoci, and against GNU tar: every attribute. */

setDefaultTimeout(300_000);

const reason = whyNotReal();
const support = (script: string): string => join(import.meta.dir, "support", script);

/** Runs a script of the fixtures and gives its last line; fails the test with its output. */
async function python(script: string, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await finish(["python3", support(script), ...args]);
  const output = `${stdout}${stderr}`.trim();
  if (exitCode !== 0) throw new Error(`${script} ${args.join(" ")}:\n${output.slice(0, 8000)}`);
  return output.split("\n").at(-1) ?? "";
}

/** The same content in every compression, and in both kinds of archive. */
const sources: Readonly<Record<string, { source: string; layout: string }>> = Object.fromEntries([
  ...[
    "a",
    "a-pax",
    "a-pigz",
    "a-gzip9",
    "a-members",
    "a-zstd",
    "a-zstd-frames",
    "a-zstd-chunked",
    "a-estargz",
    "a-tar",
  ].map((name) => [name, { source: `oci:${imagePath(name)}:${name}`, layout: name }]),
  ["a.oci.tar", { source: `oci-archive:${imagePath("a.oci.tar")}`, layout: "a" }],
  ["a.docker.tar", { source: `docker-archive:${imagePath("a.docker.tar")}`, layout: "a" }],
]);

describe.skipIf(reason !== undefined)(`trees${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let clip: ClipProgram;
  beforeAll(() => {
    clip = installClip();
  });
  afterAll(() => clip?.release());

  /** Lists a mount of `source` into a file. */
  const listMounted = async (name: string, source: string): Promise<string> => {
    const archive = join(clip.directory, `${name}.clip`);
    await clip.run("build", source, "-o", archive, "-q");
    const mount = await clip.mount(archive, "--cache-dir", clip.newCache());
    const listing = join(clip.directory, `${name}.mounted.jsonl`);
    await python("tree.py", mount.directory, listing);
    await clip.umount(mount);
    return listing;
  };

  for (const [name, { source, layout }] of Object.entries(sources)) {
    test(`${name}: mounted, it is what its layers' tars mean`, async () => {
      const mounted = await listMounted(name, source);
      const expected = join(clip.directory, `${name}.expected.jsonl`);
      await python("reference.py", imagePath(layout), expected);
      const verdict = await python("compare.py", expected, mounted);
      expect(verdict).toMatch(/^(\d{5}) entries expected, \1 found, 0 excused, 0 differences$/);
    });
  }

  test("umoci unpacks the twin with PAX sparse files to the same tree, where it does not depart from the tars", async () => {
    const bundle = join(clip.directory, "bundle");
    const unpack = ["umoci", "unpack", "--image", `${imagePath("a-pax")}:a-pax`, bundle];
    const { exitCode, stderr } = await finish(unpack);
    expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" });
    const unpacked = join(clip.directory, "unpacked.jsonl");
    await python("tree.py", join(bundle, "rootfs"), unpacked);
    const departures = join(clip.directory, "departures.jsonl");
    const expected = join(clip.directory, "a-pax.umoci.jsonl");
    await python("reference.py", imagePath("a-pax"), expected, "--departures", departures);
    const mounted = await listMounted("a-pax-umoci", `oci:${imagePath("a-pax")}`);
    const verdict = await python("compare.py", mounted, unpacked, "--exceptions", departures);
    expect(verdict).toMatch(/^(\d{5}) entries expected, \1 found, \d+ excused, 0 differences$/);
    const fields = new Set(
      readFileSync(departures, "utf8")
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { field: string }).field.replace(/ .*/, "")),
    );
    // Nothing but times of directories and empty xattrs is ever excused.
    expect([...fields].sort()).toEqual(["mtime", "xattr"]);
  });

  test("GNU tar unpacks the sparse files of type S to the same bytes and holes", async () => {
    const target = join(clip.directory, "sparse");
    mkdirSync(target);
    const tar = join(imagePath("tars"), "3.tar");
    const { stdout: names } = await finish(["tar", "--list", "--file", tar]);
    const sparse = names.split("\n").filter((name) => /sparse/.test(name) && !name.endsWith("/"));
    expect(sparse.length).toBeGreaterThan(3);
    const unpacked = await finish(["tar", "-xf", tar, "-C", target, ...sparse]);
    expect(unpacked.exitCode).toBe(0);
    const archive = join(clip.directory, "sparse.clip");
    await clip.run("build", `oci:${imagePath("a")}`, "-o", archive, "-q");
    const mount = await clip.mount(archive, "--cache-dir", clip.newCache());
    for (const name of sparse) {
      const paths = [join(target, name), join(mount.directory, name)];
      const { exitCode, stdout, stderr } = await finish(["cmp", ...paths]);
      expect({ name, exitCode, output: stdout + stderr }).toEqual({
        name,
        exitCode: 0,
        output: "",
      });
    }
    await clip.umount(mount);
  });
});
