import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { reasonToSkip } from "../fuse/support/mounted.ts";
import { asUser, runBeside, userDirectory } from "../mount/support/as-user.ts";
import { type Cli, documents, openCli, whyNotBuilt } from "./support/cli.ts";

setDefaultTimeout(30_000);

const skipped = whyNotBuilt() || reasonToSkip();

describe.skipIf(skipped !== "")(`clip mount, ps, umount ${skipped}`, () => {
  let cli: Cli;
  let made = 0;
  beforeAll(async () => {
    cli = openCli();
    expect((await cli.run(["build", "oci:image", "-o", "a.clip"])).exitCode).toBe(0);
  });
  afterAll(() => cli?.release());

  const newPlace = () => {
    const name = `mnt-${++made}`;
    mkdirSync(join(cli.directory, name));
    return name;
  };
  const mounts = async () => documents((await cli.run(["ps", "--json"])).stdout);
  const read = async (name: string) => (await cli.shell(`cat ${name}/small.txt`)).stdout;
  /** Waits for something that another process does. */
  const until = async (done: () => Promise<boolean> | boolean) => {
    for (const end = performance.now() + 10_000; !(await done()); await Bun.sleep(20)) {
      if (performance.now() > end) throw new Error("not within 10 s");
    }
  };

  test("detached: ready at return, listed with its log and counters, gone after umount", async () => {
    const name = newPlace();
    const mounted = await cli.run(["mount", "a.clip", name, "--detach"]);
    expect(mounted.exitCode).toBe(0);
    expect(mounted.stderr).toMatch(
      /^a\.clip is on mnt-\d \(.*, pid \d+\); clip umount mnt-\d ends it\n$/,
    );
    expect(await read(name)).toBe("small file\n");
    const again = await cli.run(["mount", "a.clip", name]);
    expect(again.exitCode).toBe(7);
    expect(again.stderr).toMatch(/mounted on mnt-\d already; run clip umount .*\[MOUNT_BUSY\]\n/);
    const [mount] = await mounts();
    expect(mount).toMatchObject({
      source: join(cli.directory, "a.clip"),
      mountPoint: join(cli.directory, name),
      driver: "fuse",
      snapshot: { version: 1, counters: { servedBytes: 11 } },
    });
    expect(existsSync(mount!.log as string)).toBe(true);
    const table = (await cli.run(["ps"])).stdout;
    for (const text of ["PID", "UPTIME", String(mount!.pid), name, mount!.log as string]) {
      expect(table).toContain(text);
    }
    expect(await cli.run(["umount", name])).toMatchObject({
      exitCode: 0,
      stderr: `unmounted ${name}\n`,
    });
    expect(await mounts()).toEqual([]);
    expect(readdirSync(join(cli.directory, "xdg_runtime_dir/clip"))).toEqual([]);
  });

  test("a server that was killed: listed no more, unmounted all the same", async () => {
    const name = newPlace();
    const { stdout } = await cli.run(["mount", "a.clip", name, "-d", "--json"]);
    process.kill(JSON.parse(stdout).pid, "SIGKILL");
    await until(async () => (await mounts()).length === 0);
    const over = await cli.run(["mount", "a.clip", name]);
    expect(over.stderr).toMatch(/server of the mount on mnt-\d is gone; run clip umount/);
    expect((await cli.run(["umount", name])).exitCode).toBe(0);
    expect(readdirSync(join(cli.directory, name))).toEqual([]);
  });

  test("in use: refused, and detached by --force", async () => {
    const name = newPlace();
    await cli.run(["mount", "a.clip", name, "-d"]);
    const user = Bun.spawn(["sleep", "60"], { cwd: join(cli.directory, name) });
    try {
      const busy = await cli.run(["umount", name]);
      expect(busy.exitCode).toBe(7);
      expect(busy.stderr).toMatch(/in use: end the programs .* --force .*\[MOUNT_BUSY\]\n$/);
      expect((await cli.run(["umount", "--force", name])).exitCode).toBe(0);
      expect(readdirSync(join(cli.directory, name))).toEqual([]);
    } finally {
      user.kill();
      await user.exited;
    }
    await until(async () => (await mounts()).length === 0);
  });

  test("what cannot be mounted, also detached", async () => {
    for (const detach of [[], ["--detach"]]) {
      const run = async (...args: string[]) => await cli.run(["mount", ...args, ...detach]);
      expect(await run("nowhere.clip", newPlace())).toMatchObject({ exitCode: 3, stdout: "" });
      expect((await run("a.clip", "nowhere")).stderr).toMatch(/does not exist; make it with mkdir/);
      expect((await run("a.clip", "a.clip")).stderr).toMatch(/is not a directory; mount on a dir/);
    }
    expect(await mounts()).toEqual([]);
  });

  test("paths that are not UTF-8, and one that looks like a flag", async () => {
    const { exitCode, stdout, stderr } = await cli.shell(`set -e
      cp a.clip $'b\\xff.clip'; mkdir $'m\\xff'; mkdir -- -m
      $CLIP mount -q $'b\\xff.clip' $'m\\xff' -d; cat $'m\\xff/small.txt'; $CLIP umount -q $'m\\xff'
      $CLIP mount -q -d -- a.clip -m; cat -- ./-m/small.txt; $CLIP umount -q -- -m`);
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 0,
      stdout: "small file\nsmall file\n",
      stderr: "",
    });
  });

  test("in the foreground of a pipe: plain lines; SIGTERM unmounts", async () => {
    const name = newPlace();
    const child = cli.start(["mount", "a.clip", name]);
    await until(() => existsSync(join(cli.directory, name, "small.txt")));
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
    const lines = (await child.stderr.text()).split("\n");
    expect(lines[0]).toMatch(/mnt-\d: mounted, layers at .*; Ctrl-C unmounts$/);
    expect(lines[1]).toMatch(/mnt-\d: unmounted after/);
    expect(lines.length).toBe(3);
  });

  test("in the foreground with --json: what was mounted, and when it is over", async () => {
    const name = newPlace();
    const child = cli.start(["mount", "a.clip", name, "--json"]);
    await until(async () => (await mounts()).length === 1);
    expect((await cli.run(["umount", name])).exitCode).toBe(0);
    const kinds = documents(await child.stdout.text()).map(({ kind }) => kind);
    expect(kinds).toEqual(["mounted", "unmounted"]);
    expect(await child.exited).toBe(0);
  });

  test("in a terminal: one status line that stays one; Ctrl-C unmounts", async () => {
    const name = newPlace();
    const { exitCode, stdout } = await cli.terminal(["mount", "a.clip", name], async (pid) => {
      await until(() => existsSync(join(cli.directory, name, "small.txt")));
      await read(name);
      await Bun.sleep(1200);
      process.kill(pid, "SIGTERM");
    });
    expect(exitCode).toBe(0);
    const statuses = stdout.split("\r\u001b[K").slice(1, -1);
    expect(statuses.length).toBeGreaterThanOrEqual(2);
    for (const status of statuses) {
      expect(status).not.toContain("\n");
      expect(Bun.stringWidth(status.replace("^C", ""))).toBeLessThan(90);
    }
    expect(statuses.at(-1)).toMatch(/^up [\d.]+ ?m?s · 1 reads, .* fetched \d+ B/);
    expect(stdout).toMatch(/unmounted after [\d.]+s\r\n$/);
    expect(readdirSync(join(cli.directory, name))).toEqual([]);
  });

  test("where nothing is set or writable: still mounted, with a log", async () => {
    const name = newPlace();
    const env = { PATH: cli.env.PATH!, HOME: "/proc", XDG_RUNTIME_DIR: "/proc" };
    const { exitCode, stdout } = await cli.run(["mount", "a.clip", name, "-d", "--json"], { env });
    expect(exitCode).toBe(0);
    expect(readFileSync(JSON.parse(stdout).log, "utf8")).toBe("");
    expect((await cli.run(["umount", name], { env })).exitCode).toBe(0);
  });

  test("as a normal user", async () => {
    const before = asUser(cli.directory, { deviceMode: "0666", config: "" });
    const place = userDirectory(join(cli.directory, "users"));
    const mountPoint = join(place, "mnt");
    mkdirSync(mountPoint);
    chownSync(mountPoint, 65534, 65534);
    const env = { PATH: cli.env.PATH!, HOME: place };
    const child = cli.start(["mount", "a.clip", mountPoint], { before, env });
    const inside = (...command: string[]) => runBeside(child.pid, command);
    await until(() => inside("ls", mountPoint).stdout.includes("noise"));
    expect(inside("cat", join(mountPoint, "small.txt")).stdout).toBe("small file\n");
    const others = inside(cli.program, "mount", join(cli.directory, "a.clip"), "/usr");
    expect(others.exitCode).toBe(7);
    expect(others.stderr).toContain("mount on a directory of your own");
    expect(inside(cli.program, "umount", mountPoint)).toMatchObject({ exitCode: 0 });
    expect(await child.exited).toBe(0);
    const open = await cli.run(["mount", "a.clip", mountPoint, "--allow-other"], { before, env });
    expect(open.exitCode).toBe(7);
    expect(open.stderr).toMatch(/user_allow_other in \/etc\/fuse\.conf.*\[PERMISSION\]\n$/);
  });

  test("without FUSE: what to do instead, and a demo that reads through the library", async () => {
    const script = ': > no-device; mount --bind no-device /dev/fuse; exec "$@"';
    const before = ["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh"];
    const refused = await cli.run(["mount", "a.clip", newPlace()], { before });
    expect(refused.exitCode).toBe(8);
    expect(refused.stderr).toMatch(/no device \/dev\/fuse: load .*clip cat .* \[NO_FUSE\]\n$/);
    const demo = await cli.run(["demo", "--json", "-q"], { before });
    expect(demo).toMatchObject({ exitCode: 0, stderr: "" });
    expect(JSON.parse(demo.stdout)).toMatchObject({
      driver: "library",
      whyNotMounted: expect.stringContaining("/dev/fuse"),
    });
  });
});
