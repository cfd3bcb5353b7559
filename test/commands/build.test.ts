import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { serveRegistry } from "../../src/registry/server.ts";
import { runTool } from "../support/tiny-image.ts";
import { type Cli, documents, failureOf, openCli, whyNotBuilt } from "./support/cli.ts";

const isRoot = process.geteuid?.() === 0;

describe.skipIf(whyNotBuilt() !== "")(`clip build ${whyNotBuilt()}`, () => {
  let cli: Cli;
  beforeAll(() => {
    cli = openCli();
  });
  afterAll(() => cli?.release());
  const at = (name: string) => join(cli.directory, name);
  const partials = () => readdirSync(cli.directory).filter((name) => name.includes("partial"));

  test("in a pipe: plain lines on standard error, nothing on standard output", async () => {
    const { exitCode, stdout, stderr } = await cli.run(["build", "oci:image", "-o", "a.clip"]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "" });
    expect(stderr).toMatch(/^resolving oci:image\n/);
    expect(stderr).toMatch(/\nsha256:\w{12}: done, [\d.]+ MiB at [\d.]+ \w+\/s\n/);
    expect(stderr).toMatch(
      /\na\.clip: [\d.]+ KiB for 3 entries in 2 layers of 3\.\d+ MiB, in .*\n$/,
    );
    expect(stderr).not.toContain("\u001b");
  });

  test("quiet, verbose", async () => {
    const args = ["build", "oci:image", "-o", "b.clip"];
    expect(await cli.run([...args, "-q"])).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    expect((await cli.run([...args, "-v"])).stderr).toMatch(/gzip, .* checkpoints, diffID sha256:/);
    expect(readFileSync(at("b.clip")).equals(readFileSync(at("a.clip")))).toBe(true);
  });

  test("--json: an object an event, the last one the result", async () => {
    const { stdout, stderr } = await cli.run(["build", "oci:image", "-o", "c.clip", "--json"]);
    expect(stderr).toBe("");
    const events = documents(stdout);
    expect(new Set(events.map(({ kind }) => kind))).toEqual(new Set(["step", "layer", "result"]));
    const result = events.at(-1)!;
    expect(result).toMatchObject({ kind: "result", output: "c.clip", entries: 3, warnings: [] });
    expect(result.size).toBe(readFileSync(at("c.clip")).length);
    const sizes = cli.image.layers.map((layer) => layer.length);
    expect((result.layers as { size: number }[]).map(({ size }) => size)).toEqual(sizes);
    for (const size of sizes) {
      expect(events).toContainEqual(
        expect.objectContaining({ kind: "layer", done: size, total: size }),
      );
    }
  });

  test("a reader of the progress that goes away does not stop the work", async () => {
    const piped = "set -o pipefail; $CLIP build oci:image -o piped.clip --json | head -1";
    const { exitCode, stderr } = await cli.shell(piped);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(existsSync(at("piped.clip"))).toBe(true);
    const deaf = await cli.shell("$CLIP build oci:image -o deaf.clip 2> >(exec true); exit $?");
    expect(deaf.exitCode).toBe(0);
  });

  test("Ctrl-C: 130, one sentence, and no file", async () => {
    const registry = serveRegistry({ layout: at("image"), bytesPerSecond: 200_000 });
    try {
      const args = ["build", `${registry.host}/a:v1`, "-o", "never.clip"];
      const child = cli.start([...args, "--json"]);
      for await (const piece of child.stdout) {
        if (Buffer.from(piece).includes('"layer"')) break;
      }
      const started = performance.now();
      child.kill("SIGINT");
      const stderr = await child.stderr.text();
      expect(await child.exited).toBe(130);
      expect(performance.now() - started).toBeLessThan(3000);
      expect(failureOf({ exitCode: 130, stdout: "", stderr }).code).toBe("INTERRUPTED");
    } finally {
      await registry.stop();
    }
    expect(existsSync(at("never.clip"))).toBe(false);
    expect(partials()).toEqual([]);
  });

  test("a failure leaves the archive that was there", async () => {
    writeFileSync(at("old.clip"), "old");
    expect((await cli.run(["build", "oci:image:v9", "-o", "old.clip"])).exitCode).toBe(3);
    expect(readFileSync(at("old.clip"), "utf8")).toBe("old");
    expect((await cli.run(["build", "oci:image", "-o", "old.clip"])).exitCode).toBe(0);
    expect(readFileSync(at("old.clip")).length).toBeGreaterThan(1000);
  });

  test.skipIf(!isRoot)("a full disk, a read-only one", async () => {
    mkdirSync(at("disk"));
    const place = at("disk");
    runTool("mount", "-t", "tmpfs", "-o", "size=4k", "none", place);
    try {
      writeFileSync(join(place, "ballast"), new Uint8Array(2048));
      const full = await cli.run(["build", "oci:image", "-o", "disk/a.clip", "-q"]);
      expect(full.exitCode).toBe(7);
      expect(full.stderr).toMatch(
        /writing disk\/a\.clip: no space left .*make room.*\[DISK_FULL\]/,
      );
      expect(readdirSync(place)).toEqual(["ballast"]);
      runTool("mount", "-o", "remount,ro", place);
      const readOnly = await cli.run(["build", "oci:image", "-o", "disk/a.clip"]);
      expect(readOnly.exitCode).toBe(7);
      expect(readOnly.stderr).toMatch(/^clip: [^\n]*read-only file system.*\[PERMISSION\]\n$/);
    } finally {
      runTool("umount", place);
    }
  });

  test("in a terminal: a bar a layer", async () => {
    const { exitCode, stdout } = await cli.terminal(["build", "oci:image", "-o", "t.clip"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/[0-9a-f]{12} {2}█+ +3\.02 MiB of 3\.02 MiB +[\d.]+ \w+\/s {2}done in/);
    expect(stdout).toMatch(/t\.clip: [\d.]+ KiB for 3 entries/);
  });

  test("Ctrl-C in a terminal, with bars that show how far it is and what is left", async () => {
    const registry = serveRegistry({ layout: at("image"), bytesPerSecond: 1_000_000 });
    try {
      const args = ["build", `${registry.host}/a:v1`, "-o", "never.clip"];
      const { exitCode, stdout } = await cli.terminal(args, async (pid) => {
        await Bun.sleep(1500);
        process.kill(pid, "SIGTERM");
      });
      expect(exitCode).toBe(130);
      expect(stdout).toMatch(/█░+ +\S+ \w+ of 3\.02 MiB +[\d.]+ \w+\/s +\S+.* left/);
      expect(stdout).toContain("[INTERRUPTED]");
    } finally {
      await registry.stop();
    }
    expect(existsSync(at("never.clip"))).toBe(false);
  });
});
