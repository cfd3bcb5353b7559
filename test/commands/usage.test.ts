import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import packageJson from "../../package.json" with { type: "json" };
import { commands, nameOf } from "../../src/commands/index.ts";
import { type Cli, failureOf, openCli, whyNotBuilt } from "./support/cli.ts";

describe.skipIf(whyNotBuilt() !== "")(`the command line ${whyNotBuilt()}`, () => {
  let cli: Cli;
  beforeAll(() => {
    cli = openCli();
  });
  afterAll(() => cli?.release());

  test("--help lists every command", async () => {
    const { exitCode, stdout, stderr } = await cli.run(["--help"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    for (const { usage, summary } of commands) {
      expect(stdout).toContain(`clip ${usage}`);
      expect(stdout).toContain(summary);
    }
    expect((await cli.run(["-h"])).stdout).toBe(stdout);
  });

  for (const name of commands.map(nameOf)) {
    test(`clip ${name} --help has examples that fit`, async () => {
      const { exitCode, stdout } = await cli.run([name, "--help"]);
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/Examples:\n {2}\S/);
      expect(stdout).toContain("--json");
      for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
    });
  }

  test("the version, by every name", async () => {
    for (const args of [["--version"], ["-V"], ["ls", "--version"]]) {
      expect(await cli.run(args)).toEqual({
        exitCode: 0,
        stdout: `${packageJson.version}\n`,
        stderr: "",
      });
    }
  });

  test("without arguments it shows the help, and fails", async () => {
    const { exitCode, stdout, stderr } = await cli.run([]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain("clip build <source>");
    expect(stderr).toEndWith("clip: say what to do: clip --help lists the commands [USAGE]\n");
  });

  const wrong: readonly (readonly [args: string, message: string])[] = [
    ["bild", 'there is no command "bild"; did you mean clip build?'],
    ["frobnicate", 'there is no command "frobnicate"; clip --help'],
    ["build", "something is missing: clip build <source>"],
    ["build oci:image", "--output is missing"],
    ["build oci:image -o", "-o needs a value"],
    ["build oci:image -o a.clip --plaform x", "no flag --plaform; did you mean --platform?"],
    ["build oci:image more -o a.clip", '"more" is one argument too many'],
    ["ls a.clip --wat", "there is no flag --wat; clip ls --help"],
    ["ps -v -q", "--verbose and --quiet exclude each other"],
    ["completion tcsh", '"tcsh" is none of "bash", "zsh", "fish"'],
    ["build oci:image -o a.clip --checkpoint-mib 0", "0 MiB is not possible"],
    ["build oci:image -o a.clip --checkpoint-mib -1", "-1 MiB is not possible"],
    ["build oci:image -o a.clip --checkpoint-mib abc", "--checkpoint-mib takes a number"],
    ["verify a.clip --origin --deep", "--origin and --deep exclude each other"],
    ["--json", "say what to do"],
  ];
  for (const [line, message] of wrong) {
    test(`clip ${line}`, async () => {
      const env = { ...cli.env, LANG: "de_DE.UTF-8", LC_ALL: "de_DE.UTF-8" };
      const plain = await cli.run(line.split(" "), { env });
      expect(plain.exitCode).toBe(2);
      expect(plain.stderr).toMatch(line === "--json" ? /^\{/ : /^clip: [^\n]* \[USAGE\]\n$/);
      const json = failureOf(await cli.run([...line.split(" "), "--json"]));
      expect(json.code).toBe("USAGE");
      if (!/-o$/.test(line)) expect(json.message).toContain(message);
      else expect(plain.stderr).toContain(message);
    });
  }
});
