import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  cacheDirectory,
  type DirectoryOptions,
  runtimeDirectory,
  stateDirectory,
} from "../../src/system/directories.ts";

let folder = "";
let temporary: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "clip-directories-"));
  temporary = [join(folder, "var-tmp"), join(folder, "tmp")];
  for (const path of temporary) mkdirSync(path);
});
afterEach(() => rmSync(folder, { recursive: true }));

const uid = process.geteuid!();
const choose = (env: DirectoryOptions["env"], given?: string) =>
  cacheDirectory({ env, given, temporary });

test("the flag wins over the variables, the variables over HOME", () => {
  const [flag, own, xdg] = [join(folder, "flag"), join(folder, "own"), join(folder, "xdg")];
  const env = { CLIP_CACHE_DIR: own, XDG_CACHE_HOME: xdg, HOME: folder };
  expect(choose(env, flag)).toMatchObject({ path: flag, because: "--cache-dir" });
  expect(choose(env)).toMatchObject({ path: own, because: "CLIP_CACHE_DIR" });
  expect(choose({ ...env, CLIP_CACHE_DIR: "" }).path).toBe(join(xdg, "clip"));
  expect(choose({ HOME: folder }).path).toBe(join(folder, ".cache/clip"));
  expect(choose({ XDG_CACHE_HOME: "relative", HOME: folder }).path).toBe(
    join(folder, ".cache/clip"),
  );
  expect(statSync(join(folder, ".cache/clip")).mode & 0o777).toBe(0o700);
});

test("without HOME there is a private directory below a temporary one", () => {
  const chosen = choose({});
  expect(chosen.path).toBe(join(temporary[0]!, `clip-${uid}/cache`));
  expect(statSync(join(temporary[0]!, `clip-${uid}`)).mode & 0o777).toBe(0o700);
  expect(choose({}).path).toBe(chosen.path);
  expect(stateDirectory({ env: {}, temporary }).path).toBe(
    join(temporary[0]!, `clip-${uid}/state`),
  );
});

test("what cannot be made is passed over, and said", () => {
  const chosen = choose({ XDG_CACHE_HOME: "/proc/clip-test", HOME: folder });
  expect(chosen.path).toBe(join(folder, ".cache/clip"));
  expect(chosen.passedOver).toEqual([{ path: "/proc/clip-test/clip", why: "ENOENT" }]);
});

test("a symbolic link or a directory that others can write to is not believed", () => {
  mkdirSync(join(folder, "elsewhere"));
  symlinkSync(join(folder, "elsewhere"), join(temporary[0]!, `clip-${uid}`));
  mkdirSync(join(temporary[1]!, `clip-${uid}`));
  chmodSync(join(temporary[1]!, `clip-${uid}`), 0o777);
  expect(() => choose({})).toThrow("it is a symbolic link");
  expect(() => choose({})).toThrow("others can write to it");
  expect(() => choose({})).toThrow("--cache-dir");
});

test.if(uid === 0)("a directory of somebody else is not believed", () => {
  mkdirSync(join(temporary[0]!, `clip-${uid}`), { mode: 0o700 });
  chownSync(join(temporary[0]!, `clip-${uid}`), 12345, 12345);
  const chosen = choose({});
  expect(chosen.path).toBe(join(temporary[1]!, `clip-${uid}/cache`));
  expect(chosen.passedOver[0]!.why).toBe("it belongs to user 12345");
});

test("the runtime directory", () => {
  const env = { XDG_RUNTIME_DIR: folder };
  expect(runtimeDirectory({ env, temporary }).path).toBe(join(folder, "clip"));
});
