import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Cli, documents, openCli, whyNotBuilt } from "./support/cli.ts";

const isRoot = process.geteuid?.() === 0;

describe.skipIf(whyNotBuilt() !== "")(`reading an archive ${whyNotBuilt()}`, () => {
  let cli: Cli;
  beforeAll(async () => {
    cli = openCli();
    expect((await cli.run(["build", "oci:image", "-o", "a.clip"])).exitCode).toBe(0);
  });
  afterAll(() => cli?.release());

  test("ls: names, long, recursive, JSON", async () => {
    const out = async (...args: string[]) => (await cli.run(["ls", "a.clip", ...args])).stdout;
    expect(await out()).toBe("/large.txt\n/noise\n/small.txt\n");
    expect(await out("/small.txt", "-l")).toBe(
      "-rw-r--r--   1     0     0          11 1970-01-01 00:00:00 /small.txt\n",
    );
    expect(
      documents(await out("-R", "--json")).find(({ path }) => path === "/noise"),
    ).toMatchObject({
      type: "file",
      size: 3_000_000,
      mode: 0o100644,
    });
  });

  test("cat: bytes, and base64 in JSON", async () => {
    const sum = (bytes: Uint8Array) => new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
    const noise = await Bun.file(join(cli.directory, "made/large/noise")).bytes();
    const { stdout } = await cli.shell("$CLIP cat a.clip noise | sha256sum");
    expect(stdout).toStartWith(sum(noise));
    const [document] = documents((await cli.run(["cat", "a.clip", "/noise", "--json"])).stdout);
    expect(document).toMatchObject({ path: "/noise", size: 3_000_000 });
    expect(sum(Buffer.from(document!.content as string, "base64"))).toBe(sum(noise));
  });

  test("inspect and verify: text and JSON", async () => {
    const text = (await cli.run(["inspect", "a.clip"])).stdout;
    expect(text).toMatch(/^archive {6}a\.clip\n.*\n/);
    expect(text).toMatch(/\norigin {7}oci:image\n/);
    const [archive] = documents((await cli.run(["inspect", "a.clip", "--json"])).stdout);
    expect((archive!.layers as { codec: string }[]).map(({ codec }) => codec)).toEqual([
      "gzip",
      "gzip",
    ]);
    const [entry] = documents((await cli.run(["inspect", "a.clip", "/noise", "--json"])).stdout);
    expect(entry).toMatchObject({ size: 3_000_000, data: [{ layer: 1, offset: 0 }] });
    for (const flag of [[], ["--origin"], ["--deep"]]) {
      const { exitCode, stdout } = await cli.run(["verify", "a.clip", ...flag, "--json"]);
      expect(exitCode).toBe(0);
      expect(documents(stdout).at(-1)).toMatchObject({ kind: "result", ok: true, findings: [] });
    }
  });

  test("verify --deep --json tells how far it is", async () => {
    const events = documents((await cli.run(["verify", "a.clip", "--deep", "--json"])).stdout);
    const size = cli.image.layers[1]!.length;
    expect(events).toContainEqual(
      expect.objectContaining({ kind: "layer", done: size, total: size }),
    );
  });

  test("what stands behind -- is no flag", async () => {
    expect((await cli.run(["ls", "--", "a.clip", "small.txt"])).stdout).toBe("/small.txt\n");
    expect((await cli.run(["ls", "a.clip", "--", "-x"])).exitCode).toBe(3);
  });

  test("a reader that goes away is no failure, a full disk is one", async () => {
    const piped = await cli.shell("set -o pipefail; $CLIP cat a.clip noise | head -c 10 | wc -c");
    expect(piped).toEqual({ exitCode: 0, stdout: "10\n", stderr: "" });
    const first = await cli.shell("set -o pipefail; $CLIP ls -R a.clip | head -1");
    expect(first).toEqual({ exitCode: 0, stdout: "/large.txt\n", stderr: "" });
    const full = await cli.shell("$CLIP ls a.clip > /dev/full");
    expect(full.exitCode).toBe(7);
    expect(full.stderr).toMatch(
      /^clip: writing to standard output: no space left .*\[DISK_FULL\]\n/,
    );
  });

  test("paths that are not UTF-8: layout, output, archive, cache, entry", async () => {
    const { exitCode, stdout, stderr } = await cli.shell(`set -e
      mkdir bytes; cd bytes; cp -r ../image $'l\\xff'; mkdir $'d\\xfe'
      $CLIP build -q oci:$'l\\xff' -o $'d\\xfe/a\\xff.clip'
      mv $'l\\xff' $'d\\xfe' elsewhere 2>/dev/null || true
      $CLIP cat $'d\\xfe/a\\xff.clip' small.txt --cache-dir $'cache\\xff'
      $CLIP inspect $'d\\xfe/a\\xff.clip' | grep '^origin.*oci'
      $CLIP ls $'d\\xfe/a\\xff.clip' $'/no\\xff' || echo $?
      ls -A | od -An -c | tr -d ' \\n'`);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr:
        "clip: /no\\xff: there is no such entry in this archive; clip ls shows what there is [PATH_NOT_FOUND]\n",
    });
    expect(stdout).toMatch(/^small file\norigin {7}oci:\.\.\/l\\xff\n3\n/);
    expect(stdout).toMatch(/cache377\\nd376\\nl377\\n$/);
  });

  test("places: none set, given by flag and by variable, not writable", async () => {
    const bare = { PATH: cli.env.PATH! };
    const ls = async (env: Record<string, string>, ...flags: string[]) =>
      (await cli.run(["cat", "a.clip", "small.txt", ...flags], { env })).stdout;
    const at = (name: string) => join(cli.directory, name);
    expect(await ls(bare)).toBe("small file\n");
    const home = { HOME: "/proc", XDG_CACHE_HOME: "/proc", XDG_RUNTIME_DIR: "/proc" };
    expect(await ls({ ...bare, ...home })).toBe("small file\n");
    expect(await ls(bare, "--cache-dir", at("flag"))).toBe("small file\n");
    expect(readdirSync(at("flag"))).toContain("index");
    expect(await ls({ ...bare, CLIP_CACHE_DIR: at("variable") })).toBe("small file\n");
    expect(readdirSync(at("variable"))).toContain("index");
    expect(await ls({ ...bare, CLIP_CACHE_DIR: at("other") }, "--cache-dir", at("flag"))).toBe(
      "small file\n",
    );
    expect(existsSync(at("other"))).toBe(false);
  });

  test.skipIf(!isRoot)("as a user without rights", async () => {
    const before = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    const env = { PATH: cli.env.PATH! };
    expect((await cli.run(["cat", "a.clip", "small.txt"], { before, env })).stdout).toBe(
      "small file\n",
    );
    const refused = await cli.run(["build", "oci:image", "-o", "mine.clip"], { before, env });
    expect(refused.exitCode).toBe(7);
    expect(refused.stderr).toMatch(/permission denied; choose another place.*\[PERMISSION\]\n$/);
  });
});
