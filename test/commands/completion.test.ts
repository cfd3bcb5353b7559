import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Cli, openCli, whyNotBuilt } from "./support/cli.ts";

describe.skipIf(whyNotBuilt() !== "")(`completions ${whyNotBuilt()}`, () => {
  let cli: Cli;
  let path: string;
  beforeAll(() => {
    cli = openCli();
    path = `${cli.directory}:${cli.env.PATH}`;
  });
  afterAll(() => cli?.release());

  /** What bash would offer for a line whose last word is being completed. */
  const inBash = async (...words: string[]): Promise<string[]> => {
    const quoted = words.map((word) => `'${word}'`).join(" ");
    const { stdout, stderr } = await cli.shell(
      `
      source <(clip completion bash)
      complete -p clip >/dev/null || exit 1
      COMP_WORDS=(${quoted}) COMP_CWORD=${words.length - 1}
      _clip
      printf '%s\\n' "\${COMPREPLY[@]}"`,
      { env: { ...cli.env, PATH: path, SHELL: "/bin/zsh" } },
    );
    expect(stderr).toBe("");
    return stdout.split("\n").filter((line) => line !== "");
  };

  test("bash: commands", async () => {
    expect(await inBash("clip", "")).toEqual(
      expect.arrayContaining(["build", "mount", "umount", "ps", "inspect", "ls", "cat", "verify"]),
    );
    expect(await inBash("clip", "m")).toEqual(["mount"]);
  });

  test("bash: flags, also after an argument", async () => {
    expect(await inBash("clip", "build", "--pl")).toEqual(["--platform"]);
    expect(await inBash("clip", "build", "oci:x", "--st")).toEqual(["--storage-ref"]);
    const all = await inBash("clip", "mount", "a.clip", "-");
    expect(all).toEqual(expect.arrayContaining(["--detach", "--origin", "--allow-other"]));
  });

  test("bash: choices, and nothing in the place of files", async () => {
    expect(await inBash("clip", "completion", "f")).toEqual(["fish"]);
    expect(await inBash("clip", "ls", "a")).toEqual([]);
  });

  test.skipIf(Bun.which("fish") === null)("fish: commands, flags, descriptions", async () => {
    const offer = async (line: string) =>
      (
        await cli.shell(
          `fish -c 'clip completion fish | source; complete -C "$argv[1]"' '${line}'`,
          {
            env: { ...cli.env, PATH: path },
          },
        )
      ).stdout;
    expect(await offer("clip insp")).toMatch(/^inspect\tExplain an archive/);
    expect(await offer("clip build --pl")).toMatch(/^--platform\tos\/arch/);
  });

  test.skipIf(Bun.which("zsh") === null)("zsh: commands, flags, descriptions", async () => {
    const offer = async (...words: string[]) => {
      // Stands in for zsh's completion system, which needs a line editor.
      const script = `
        compdef() { : }; _files() { echo files }; _describe() { print -l -- \${(P)2} }
        source <(clip completion zsh)
        words=(${words.map((word) => `'${word}'`).join(" ")}) CURRENT=${words.length}
        _clip`;
      const file = join(cli.directory, "try.zsh");
      writeFileSync(file, script);
      chmodSync(file, 0o755);
      return (await cli.shell(`zsh -f ${file}`, { env: { ...cli.env, PATH: path } })).stdout;
    };
    expect(await offer("clip", "insp")).toContain("inspect:Explain an archive");
    expect(await offer("clip", "build", "--pl")).toContain("--platform:os/arch");
    expect(await offer("clip", "ls", "a")).toBe("files\n");
  });

  test("--json", async () => {
    const { stdout } = await cli.run(["completion", "bash", "--json"]);
    expect(JSON.parse(stdout).script).toContain("complete -o bashdefault");
  });
});
