import { afterAll, beforeAll, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { poll, tryLockFile, tryLockRange, unlockRange } from "../../src/system/locks.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "clip-locks-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const opened = (name: string) => openSync(join(folder, name), "a+", 0o600);

test("two opens of one file exclude each other range by range", () => {
  const [a, b] = [opened("ranges"), opened("ranges")];
  expect(tryLockRange(a, "exclusive", 5, 1)).toBe(true);
  expect(tryLockRange(b, "exclusive", 5, 1)).toBe(false);
  expect(tryLockRange(b, "exclusive", 6, 1)).toBe(true);
  expect(tryLockRange(a, "exclusive", 2 ** 41, 3)).toBe(true);
  expect(tryLockRange(b, "shared", 2 ** 41 + 2, 1)).toBe(false);
  unlockRange(a, 5, 1);
  expect(tryLockRange(b, "exclusive", 5, 1)).toBe(true);
  closeSync(a);
  expect(tryLockRange(b, "exclusive", 2 ** 41, 1)).toBe(true);
  closeSync(b);
});

test("shared locks of a file go together, an exclusive one goes alone", () => {
  const [a, b] = [opened("whole"), opened("whole")];
  expect(tryLockFile(a, "shared")).toBe(true);
  expect(tryLockFile(b, "shared")).toBe(true);
  expect(tryLockFile(b, "exclusive")).toBe(false);
  closeSync(a);
  expect(tryLockFile(b, "exclusive")).toBe(true);
  closeSync(b);
});

test("a wait is bounded, and ends early when it is aborted", async () => {
  const [a, b] = [opened("wait"), opened("wait")];
  tryLockRange(a, "exclusive", 0, 1);
  expect(await poll(() => tryLockRange(b, "exclusive", 0, 1), { timeoutMs: 30 })).toBe(false);
  const abort = new AbortController();
  const waiting = poll(() => tryLockRange(b, "exclusive", 0, 1), {
    timeoutMs: 60_000,
    signal: abort.signal,
  });
  abort.abort();
  expect(waiting).rejects.toMatchObject({ code: "INTERRUPTED" });
  closeSync(a);
  expect(await poll(() => tryLockRange(b, "exclusive", 0, 1), { timeoutMs: 1000 })).toBe(true);
  closeSync(b);
});

test("a killed process leaves no lock behind", async () => {
  const path = join(folder, "killed");
  const locks = join(import.meta.dir, "../../src/system/locks.ts");
  const script = `import { openSync } from "node:fs"; import { tryLockRange } from ${JSON.stringify(locks)};
    tryLockRange(openSync(${JSON.stringify(path)}, "a+"), "exclusive", 7, 1); console.log("locked"); await Bun.sleep(60000);`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  await child.stdout.getReader().read();
  const fd = openSync(path, "a+");
  expect(tryLockRange(fd, "exclusive", 7, 1)).toBe(false);
  child.kill("SIGKILL");
  await child.exited;
  expect(await poll(() => tryLockRange(fd, "exclusive", 7, 1), { timeoutMs: 5000 })).toBe(true);
  closeSync(fd);
});
