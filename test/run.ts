/**
 * The README's test command: sets up what the tests need, runs them, and ends with a line `N passed, N failed`. On a
 * Debian machine as root nothing is left out; elsewhere it says what is, and why. With CI set, leaving out fails.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
process.chdir(root);
const inCi = process.env.CI !== undefined && process.env.CI !== "";
const leftOut: string[] = [];

const run = (command: readonly string[], env: Record<string, string> = {}): boolean => {
  const { exitCode } = Bun.spawnSync([...command], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...env },
  });
  return exitCode === 0;
};

if (!run(["sh", "test/images/install-tools.sh"])) {
  leftOut.push("tests that need tools which are missing here (the lines above name them)");
}
if (!existsSync("dist/clip") || !inCi) {
  if (!run([process.execPath, "run", "build.ts"])) process.exit(1);
}
if (leftOut.length === 0 && !run(["bash", "test/images/make.sh"])) {
  leftOut.push("end-to-end tests on real images (making the images failed; see above)");
}

const report = join(".cache", "junit.xml");
mkdirSync(".cache", { recursive: true });
const ok = run(
  [
    process.execPath,
    "test",
    "--timeout=120000",
    "--reporter=junit",
    `--reporter-outfile=${report}`,
  ],
  {
    CLIP_TEST_IMAGES: leftOut.length === 0 ? "1" : "0",
  },
);
const totals = /<testsuites[^>]*\btests="(\d+)"[^>]*\bfailures="(\d+)"[^>]*\bskipped="(\d+)"/.exec(
  existsSync(report) ? readFileSync(report, "utf8") : "",
);
const [tests, failures, skipped] = totals === null ? [0, 1, 0] : totals.slice(1).map(Number);
if (skipped! > 0) leftOut.push(`${skipped} tests that say above why they were skipped`);
for (const what of leftOut) process.stdout.write(`left out: ${what}\n`);
process.stdout.write(`${tests! - failures! - skipped!} passed, ${failures} failed\n`);
process.exit(ok && failures === 0 && tests! > 0 && !(inCi && leftOut.length > 0) ? 0 : 1);
