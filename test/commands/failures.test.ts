import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ErrorCode, errorCodes, exitCodes } from "../../src/errors.ts";
import { startProxy } from "../support/proxy.ts";
import { type Cli, failureOf, openCli, whyNotBuilt } from "./support/cli.ts";

setDefaultTimeout(30_000);

const build = ["build", "-o", "new.clip"];

describe.skipIf(whyNotBuilt() !== "")(`failures ${whyNotBuilt()}`, () => {
  let cli: Cli;
  beforeAll(async () => {
    cli = openCli();
    const at = (name: string) => join(cli.directory, name);
    expect((await cli.run(["build", "oci:image", "-o", "a.clip"])).exitCode).toBe(0);
    const archive = readFileSync(at("a.clip"));
    writeFileSync(at("foreign.clip"), "of something else\n".repeat(100));
    writeFileSync(at("empty.clip"), "");
    writeFileSync(at("short.clip"), archive.subarray(0, archive.length - 100));
    const altered = Buffer.from(archive);
    altered[altered.length - 20]! ^= 1;
    writeFileSync(at("altered.clip"), altered);
  });
  afterAll(() => cli?.release());

  /** Asserts code, exit code and one sentence, as text and as JSON; gives the sentence. */
  const failing = async (code: ErrorCode, args: readonly string[]): Promise<string> => {
    const json = failureOf(await cli.run([...args, "--json"]));
    expect(json.code).toBe(code);
    const plain = await cli.run([...args, "-q"]);
    expect(plain).toMatchObject({ exitCode: exitCodes[errorCodes[code]], stdout: "" });
    expect(plain.stderr).toMatch(/^clip: [^\n]+ \[[A-Z_]+\]\n$/);
    expect(plain.stderr).not.toMatch(/ENO|syscall|\bat </);
    return json.message;
  };

  const table: readonly (readonly [ErrorCode, string, RegExp])[] = [
    ["FILE_NOT_FOUND", "ls nowhere.clip", /archive nowhere\.clip: no such file .*check the path/],
    ["NOT_AN_ARCHIVE", "inspect foreign.clip", /foreign\.clip: this is no clip archive/],
    ["NOT_AN_ARCHIVE", "inspect image", /image is not a regular file/],
    ["NOT_AN_ARCHIVE", "ls empty.clip", /empty\.clip/],
    ["ARCHIVE_TRUNCATED", "verify short.clip", /short\.clip.* cut short/],
    ["PATH_NOT_FOUND", "ls a.clip /nope", /\/nope: there is no such entry/],
    ["PATH_NOT_FOUND", "inspect a.clip /nope", /\/nope/],
    ["PATH_NOT_FOUND", "cat a.clip /small.txt/x", /small\.txt\/x/],
    ["USAGE", "cat a.clip /", /\/ is no regular file/],
    [
      "IMAGE_NOT_FOUND",
      `${build.join(" ")} oci:image:v2`,
      /no image with the tag "v2"; it has "v1"/,
    ],
    ["FILE_NOT_FOUND", `${build.join(" ")} oci:nowhere`, /nowhere does not exist/],
    ["PLATFORM_NOT_FOUND", `${build.join(" ")} oci:image --platform linux/s390x`, /linux\/amd64/],
    ["PLATFORM_NOT_FOUND", `${build.join(" ")} oci:image --platform nonsense`, /nonsense/],
    ["BAD_REFERENCE", `${build.join(" ")} http://x/y`, /not an image reference: leave out "http:/],
    ["UNREACHABLE", `${build.join(" ")} 127.0.0.1:1/a/b:c`, /127\.0\.0\.1:1 refuses/],
    ["NOT_MOUNTED", "umount image", /nothing is mounted on image/],
    ["NOT_MOUNTED", "umount nowhere", /nothing is mounted on nowhere/],
    ["USAGE", "build oci:image -o image", /the output image is a directory/],
    ["USAGE", "build oci:image -o .", /the output \. is a directory/],
    ["USAGE", "build oci:image -o new/", /names no file/],
    ["USAGE", "build oci:image -o /dev/null", /no regular file/],
    [
      "USAGE",
      "build oci-archive:image.tar -o ./image.tar",
      /the output \.\/image\.tar is the image/,
    ],
    ["USAGE", "build oci:image -o a.clip/b", /a\.clip is no directory/],
    ["FILE_NOT_FOUND", "build oci:image -o nowhere/a.clip", /nowhere: no such file or directory/],
  ];
  for (const [code, line, message] of table) {
    test(`${code}: clip ${line}`, async () => {
      if (line.includes("image.tar")) await cli.shell("tar -C image -cf image.tar .");
      expect(await failing(code, line.split(" "))).toMatch(message);
      expect((await cli.shell("ls -A | grep -E 'partial|^new.clip'")).stdout).toBe("");
    });
  }

  test("wrong credentials", async () => {
    const guard = () => ({ status: 401, headers: { "www-authenticate": 'Basic realm="x"' } });
    const proxy = await startProxy({ target: "http://127.0.0.1:1", guard });
    try {
      const message = await failing("UNAUTHORIZED", [...build, `${proxy.host}/a:b`]);
      expect(message).toContain(proxy.host);
    } finally {
      await proxy.stop();
    }
  });

  test("an altered archive: a finding, and the exit code of its class", async () => {
    const { exitCode, stdout } = await cli.run(["verify", "altered.clip"]);
    expect(exitCode).toBe(4);
    expect(stdout).toMatch(/^ARCHIVE_CORRUPT: /);
    const json = await cli.run(["verify", "altered.clip", "--json"]);
    expect(json.exitCode).toBe(4);
    expect(JSON.parse(json.stdout.trim().split("\n").at(-1)!)).toMatchObject({
      kind: "result",
      ok: false,
      findings: expect.arrayContaining([expect.objectContaining({ code: "ARCHIVE_CORRUPT" })]),
    });
  });

  test("layers that are gone", async () => {
    await cli.shell("cp -r image moved && $CLIP build oci:moved -o moved.clip");
    rmSync(join(cli.directory, "moved"), { recursive: true });
    expect((await cli.run(["verify", "moved.clip"])).exitCode).toBe(0);
    expect((await cli.run(["verify", "moved.clip", "--origin"])).exitCode).toBe(3);
    expect((await cli.run(["cat", "moved.clip", "small.txt"])).exitCode).toBe(3);
    expect(
      (await cli.run(["cat", "moved.clip", "small.txt", "--origin", "oci:image"])).stdout,
    ).toBe("small file\n");
  });

  test("-v shows where a failure comes from", async () => {
    expect((await cli.run(["ls", "nowhere.clip", "-v"])).stderr).toMatch(/caused by .*ENOENT/);
  });
});
