import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { chdir, cwd } from "node:process";
import { checkDevice, setReadAhead } from "../../src/mount/device.ts";
import { checkMountPoint } from "../../src/mount/mount-point.ts";
import { clipMounts, mountAt } from "../../src/mount/mount-table.ts";
import { unmount } from "../../src/mount/unmount.ts";
import { pathOf } from "../../src/system/paths.ts";
import { type Fixture, makeFixture } from "../fuse/support/fixture.ts";
import { mountFixture, reasonToSkip, unmountAll } from "../fuse/support/mounted.ts";

setDefaultTimeout(20_000);

const skipped = reasonToSkip();
const suffix = skipped === "" ? "" : ` (skipped: ${skipped})`;

test("no /dev/fuse: what to do instead", () => {
  expect(() => checkDevice("/dev/no-such-device")).toThrow("clip cat");
});

describe.skipIf(skipped !== "")(`mounting as root${suffix}`, () => {
  let fixture: Fixture;
  beforeAll(() => {
    fixture = makeFixture();
  });
  afterEach(unmountAll);
  afterAll(() => fixture.remove());

  test("places that can't be mounted on are told apart", () => {
    const file = `${fixture.folder}/file`;
    writeFileSync(file, "");
    const cases: [string, string][] = [
      [`${fixture.folder}/none`, "FILE_NOT_FOUND"],
      [`${file}/below`, "FILE_NOT_FOUND"],
      [file, "MOUNT_FAILED"],
    ];
    for (const [path, code] of cases) {
      expect(() => checkMountPoint(path)).toThrow(expect.objectContaining({ code }));
    }
  });

  test("a mount shows up in the table, and in the kernel's read-ahead settings", async () => {
    const { mountPoint } = await mountFixture(fixture);
    const mount = mountAt(mountPoint)!;
    expect(mount).toMatchObject({ type: "fuse.clip", source: "fixture, with a comma" });
    expect(clipMounts().map(({ id }) => id)).toContain(mount.id);
    expect(setReadAhead(mountPoint, 1024)).toBe(true);
    const setting = `/sys/class/bdi/${mount.major}:${mount.minor}/read_ahead_kb`;
    expect(readFileSync(setting, "utf8").trim()).toBe("1024");
    expect(setReadAhead(fixture.folder, 1024)).toBe(false);
  });

  test("read-ahead can be as large as a READ", async () => {
    const passedOn = [fixture.nid("slow")];
    const mounted = await mountFixture(fixture, { readAheadKib: 1024, passedOn });
    expect(Bun.spawnSync(["cp", `${mounted.mountPoint}/slow`, "/dev/null"]).exitCode).toBe(0);
    expect(await mounted.line(/^read \d+ \d+ 1048576$/)).toBeDefined();
  });

  test("a mount in use is busy, and can be detached", async () => {
    const { mountPoint, exited } = await mountFixture(fixture);
    const user = Bun.spawn(["sleep", "60"], { cwd: `${mountPoint}/sub` });
    try {
      await expect(unmount(mountPoint)).rejects.toMatchObject({
        code: "MOUNT_BUSY",
        message: expect.stringContaining("--force"),
      });
      expect(await unmount(mountPoint, { lazy: true })).toBe(mountPoint);
      expect(mountAt(mountPoint)).toBeUndefined();
    } finally {
      user.kill();
    }
    expect(await exited).toBe(0);
  });

  test("mount points may be relative, behind links, and hold any bytes", async () => {
    const name = pathOf(Buffer.from("mnt \xff\\\n", "latin1"));
    const raw = Buffer.from(`${fixture.folder}/mnt \xff\\\n`, "latin1");
    mkdirSync(raw);
    symlinkSync(fixture.folder, `${fixture.folder}/through`);
    const { mountPoint, exited } = await mountFixture(fixture, {
      mountPoint: `${fixture.folder}/through/${name}`,
    });
    const before = cwd();
    chdir(fixture.folder);
    try {
      expect(readFileSync(Buffer.concat([raw, Buffer.from("/plain.txt")]), "utf8")).toBe("hello\n");
      expect(() => checkMountPoint(mountPoint)).toThrow("mounted on");
      expect(await unmount(`./${name}`)).toBe(`${fixture.folder}/${name}`);
    } finally {
      chdir(before);
    }
    expect(await exited).toBe(0);
  });

  test("what is no archive's mount is left alone", async () => {
    await expect(unmount(fixture.folder)).rejects.toMatchObject({ code: "NOT_MOUNTED" });
    await expect(unmount("/proc")).rejects.toMatchObject({ code: "NOT_MOUNTED" });
    await expect(unmount(`${fixture.folder}/none`)).rejects.toMatchObject({ code: "NOT_MOUNTED" });
  });
});
