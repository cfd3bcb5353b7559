import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { compileServer } from "../fuse/support/compile.ts";
import { type Fixture, makeFixture } from "../fuse/support/fixture.ts";
import { mountFixture, reasonToSkip, unmountAll } from "../fuse/support/mounted.ts";
import { asUser, runBeside, type UserWorld, userDirectory } from "./support/as-user.ts";

setDefaultTimeout(20_000);

const skipped =
  reasonToSkip() ||
  (["fusermount3", "setpriv", "unshare", "nsenter"].some((tool) => Bun.which(tool) === null)
    ? "needs fuse3 and util-linux"
    : "");
const suffix = skipped === "" ? "" : ` (skipped: ${skipped})`;
const openWorld: UserWorld = { deviceMode: "0666", config: "" };
let made = 0;

describe.skipIf(skipped !== "")(`mounting as a normal user${suffix}`, () => {
  let fixture: Fixture;
  let program: string;
  beforeAll(() => {
    fixture = makeFixture();
    // The user may see the index and the tar, as one who owns an archive.
    chmodSync(fixture.folder, 0o755);
    program = join(fixture.folder, "server");
    compileServer(program);
  });
  afterEach(unmountAll);
  afterAll(() => fixture.remove());

  const newPlace = () => userDirectory(join(fixture.folder, `user-${made++}`));
  const mount = (world: UserWorld, more: Parameters<typeof mountFixture>[1] = {}) =>
    mountFixture(fixture, { allowOther: false, mountPoint: newPlace(), ...more }, [
      ...asUser(fixture.folder, world),
      program,
    ]);

  test("a compiled program mounts by fusermount3, serves all of it, and unmounts", async () => {
    const mounted = await mount(openWorld, { passedOn: [fixture.nid("slow")] });
    const run = (...command: string[]) => runBeside(mounted.pid, command);
    const at = mounted.mountPoint;
    expect(run("cat", `${at}/plain.txt`).stdout).toBe("hello\n");
    expect(run("cat", `${at}/secret`).stdout).toBe("secret");
    expect(run("cmp", `${at}/slow`, join(fixture.tree, "big"))).toMatchObject({ exitCode: 0 });
    expect(run("ls", `${at}/many`).stdout.split("\n").length).toBe(21);
    expect(run("touch", `${at}/new`).stderr).toContain("Read-only file system");
    const line = run("findmnt", "-no", "FSTYPE,SOURCE,OPTIONS", at).stdout;
    expect(line).toContain("fuse.clip fixture, with a comma");
    expect(line).toMatch(/ro,nosuid,nodev,.*user_id=65534/);
    expect(JSON.parse((await mounted.line(/^session/)).slice(8)).fds.length).toBe(2);
    expect(run(program, "unmount", at).stdout).toBe(`unmounted ${at}\n`);
    expect(await mounted.exited).toBe(0);
  });

  test("places with any bytes in their names", async () => {
    const name = "mnt \udcff\\'$x\n";
    const raw = Buffer.from(`${fixture.folder}/odd/mnt \xff\\'$x\n`, "latin1");
    userDirectory(`${fixture.folder}/odd`);
    mkdirSync(raw);
    Bun.spawnSync(["chown", "-R", "65534:65534", `${fixture.folder}/odd`]);
    const mounted = await mount(openWorld, { mountPoint: `${fixture.folder}/odd/${name}` });
    const run = (...command: string[]) => runBeside(mounted.pid, ["sh", "-c", ...command]);
    const script = `cd ${fixture.folder}/odd/* && cat plain.txt; cd /; exec ${program} unmount ${fixture.folder}/odd/*`;
    expect(run(script).stdout).toStartWith("hello\nunmounted ");
    expect(await mounted.exited).toBe(0);
  });

  test("a mount whose server was killed can be unmounted", async () => {
    const mounted = await mount(openWorld);
    const at = mounted.mountPoint;
    // Another process keeps the namespace when the server is gone.
    const stays = Bun.spawn(["nsenter", "-t", String(mounted.pid), "-m", "sleep", "60"]);
    try {
      while (!runBeside(stays.pid, ["findmnt", at]).stdout.includes("fuse.clip"))
        await Bun.sleep(5);
      mounted.kill("SIGKILL");
      await mounted.exited;
      expect(runBeside(stays.pid, ["stat", at]).stderr).toContain("not connected");
      expect(runBeside(stays.pid, [program, "unmount", at]).stdout).toBe(`unmounted ${at}\n`);
      expect(runBeside(stays.pid, [program, "unmount", at]).stdout).toStartWith(
        "error NOT_MOUNTED",
      );
    } finally {
      stays.kill();
    }
  });

  test("--allow-other needs root's leave", async () => {
    await expect(mount(openWorld, { allowOther: true })).rejects.toThrow(
      /PERMISSION.*user_allow_other/,
    );
    const allowing = { ...openWorld, config: "user_allow_other\n" };
    const mounted = await mount(allowing, { allowOther: true });
    const run = (path: string) => runBeside(mounted.pid, ["cat", `${mounted.mountPoint}/${path}`]);
    expect(run("plain.txt").stdout).toBe("hello\n");
    // The kernel checks permissions now: the file is root's, and closed to others.
    expect(run("secret").stderr).toContain("Permission denied");
  });

  test("what stands in the way is named", async () => {
    await expect(mount({ ...openWorld, deviceMode: "0600" })).rejects.toThrow(
      /PERMISSION \/dev\/fuse is closed/,
    );
    const notOwned = join(fixture.folder, "not-owned");
    mkdirSync(notOwned);
    await expect(mount(openWorld, { mountPoint: notOwned })).rejects.toThrow(
      /PERMISSION .*does not belong to this user/,
    );
    const withoutHelper = [...asUser(fixture.folder, openWorld), "env", "PATH=/nowhere", program];
    await expect(
      mountFixture(fixture, { allowOther: false, mountPoint: newPlace() }, withoutHelper),
    ).rejects.toThrow(/NO_FUSE fusermount3 is not installed/);
  });
});
