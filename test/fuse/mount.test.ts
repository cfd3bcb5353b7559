import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { existsSync } from "node:fs";
import { cString, libc } from "../../src/system/libc.ts";
import { conformance, probe } from "./support/conformance.ts";
import { type Fixture, makeFixture } from "./support/fixture.ts";
import { type Mounted, mountFixture, reasonToSkip, unmountAll } from "./support/mounted.ts";

setDefaultTimeout(20_000);

const skipped = reasonToSkip();
const suffix = skipped === "" ? "" : ` (skipped: ${skipped})`;
const withMount = describe.skipIf(skipped !== "");

let fixture: Fixture;
beforeAll(() => {
  if (skipped === "") fixture = makeFixture(20_000);
});
afterAll(() => fixture?.remove());

withMount(`a mounted tree${suffix}`, () => {
  let mounted: Mounted;
  beforeAll(async () => {
    mounted = await mountFixture(fixture, { passedOn: [fixture.nid("slow")] });
  });
  afterAll(unmountAll);

  for (const [what, check] of Object.entries(conformance)) {
    test(what, () => check({ expected: fixture.tree, mounted: mounted.mountPoint }));
  }

  test("its server refuses to be remounted over", async () => {
    await expect(mountFixture(fixture, { mountPoint: mounted.mountPoint })).rejects.toThrow(
      "MOUNT_BUSY",
    );
    expect(existsSync(`${mounted.mountPoint}/plain.txt`)).toBe(true);
  });
});

withMount(`a mount made writable${suffix}`, () => {
  afterEach(unmountAll);

  test("still refuses every change, by itself", async () => {
    const mounted = await mountFixture(fixture);
    const remount = 32;
    expect(libc().mount!(null, cString(mounted.mountPoint), null, remount, null)).toBe(0);
    expect(
      Bun.spawnSync(["findmnt", "-no", "OPTIONS", mounted.mountPoint]).stdout.toString(),
    ).toMatch(/^rw,/);
    probe("refused_changes")({ expected: fixture.tree, mounted: mounted.mountPoint });
    // Opening takes no round trip, so it is the writing that fails.
    const write = Bun.spawnSync([
      "dd",
      "if=/dev/zero",
      `of=${mounted.mountPoint}/plain.txt`,
      "count=1",
      "conv=notrunc",
    ]);
    expect(write.stderr.toString()).toContain("Read-only file system");
  });
});

withMount(`a server's end${suffix}`, () => {
  afterEach(unmountAll);

  test("workers end by themselves when it is unmounted", async () => {
    const mounted = await mountFixture(fixture, { workers: 4 });
    expect(Bun.spawnSync(["umount", mounted.mountPoint]).exitCode).toBe(0);
    expect(await mounted.exited).toBe(0);
    expect(await mounted.line(/^ended/)).toBe("ended");
  });

  test("more workers than descriptors share them", async () => {
    const mounted = await mountFixture(fixture, { workers: 4, sharedDescriptor: true });
    conformance["reads at any place, mapped and direct, give the same bytes"]!({
      expected: fixture.tree,
      mounted: mounted.mountPoint,
    });
  });
});
