import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { unmount } from "../../src/mount/unmount.ts";
import { type Fixture, makeFixture } from "./support/fixture.ts";
import { mountFixture, reasonToSkip, unmountAll } from "./support/mounted.ts";

setDefaultTimeout(20_000);

const skipped = reasonToSkip();
const suffix = skipped === "" ? "" : ` (skipped: ${skipped})`;

/** Reads a file's first bytes, in ways that wait in different places of the kernel. */
const readers: Readonly<Record<string, string>> = {
  "read ahead": "os.read(os.open(p, os.O_RDONLY), 100)",
  "with O_DIRECT": "os.readv(os.open(p, os.O_RDONLY | os.O_DIRECT), [mmap.mmap(-1, 1 << 16)])",
  "through a mapping":
    "m = mmap.mmap(os.open(p, os.O_RDONLY), 0, prot=mmap.PROT_READ); m.madvise(mmap.MADV_RANDOM); m[0]",
};

describe.skipIf(skipped !== "")(`reads whose data does not come${suffix}`, () => {
  let fixture: Fixture;
  beforeAll(() => {
    fixture = makeFixture();
  });
  afterEach(unmountAll);
  afterAll(() => fixture.remove());

  const start = (path: string, code: string, before = "") =>
    Bun.spawn(
      ["python3", "-c", `import mmap, os, signal; p = ${JSON.stringify(path)}; ${before}\n${code}`],
      {
        stdio: ["ignore", "ignore", "pipe"],
      },
    );

  const stuckMount = () => {
    const nids = [fixture.nid("stuck"), fixture.nid("slow")];
    return mountFixture(fixture, { passedOn: nids, stuck: nids.slice(0, 1), delayMs: 700 });
  };

  for (const [how, code] of Object.entries(readers)) {
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      test(`can be ended by ${signal}: ${how}`, async () => {
        const mounted = await stuckMount();
        const reader = start(`${mounted.mountPoint}/stuck`, code);
        await mounted.line(/^read \d/);
        reader.kill(signal);
        const before = performance.now();
        await reader.exited;
        expect(reader.signalCode).toBe(signal);
        expect(performance.now() - before).toBeLessThan(2000);
        // And the server goes on serving.
        expect(readFileSync(`${mounted.mountPoint}/plain.txt`, "utf8")).toBe("hello\n");
      });
    }

    test(`outlast a signal that is handled, then end by one that is not: ${how}`, async () => {
      const mounted = await stuckMount();
      const reader = start(
        `${mounted.mountPoint}/stuck`,
        code,
        "signal.signal(signal.SIGUSR1, lambda *_: None)",
      );
      await mounted.line(/^read \d/);
      reader.kill("SIGUSR1");
      expect(await Promise.race([reader.exited, Bun.sleep(300)])).toBeUndefined();
      reader.kill("SIGKILL");
      await reader.exited;
      expect(reader.signalCode).toBe("SIGKILL");
    });

    test(`are not spoilt by signals that are handled: ${how}`, async () => {
      const mounted = await stuckMount();
      const handler = "signal.signal(signal.SIGUSR1, lambda *_: None)";
      // Python gives signals back their defaults before it exits.
      const reader = start(`${mounted.mountPoint}/slow`, `${code}; os._exit(0)`, handler);
      await mounted.line(/^read \d/);
      const storm = setInterval(() => reader.kill("SIGUSR1"), 20);
      const exitCode = await reader.exited;
      clearInterval(storm);
      expect([exitCode, await new Response(reader.stderr).text()]).toEqual([0, ""]);
    });
  }

  test("a killed server leaves a mount that says so, and can be unmounted", async () => {
    const mounted = await stuckMount();
    const reader = start(`${mounted.mountPoint}/stuck`, readers["with O_DIRECT"]!);
    await mounted.line(/^read \d/);
    mounted.kill("SIGKILL");
    await mounted.exited;
    expect(await reader.exited).toBe(1);
    expect(() => statSync(mounted.mountPoint)).toThrow("ENOTCONN");
    expect(await unmount(mounted.mountPoint)).toBe(mounted.mountPoint);
    expect(statSync(mounted.mountPoint).isDirectory()).toBe(true);
    await expect(unmount(mounted.mountPoint)).rejects.toMatchObject({ code: "NOT_MOUNTED" });
  });
});
