/**
 * Builds the single binary. `bun run build` makes dist/clip for this machine; `--target NAME` (repeatable) others;
 * `--release` all of them, laid out in dist/release with checksums.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import packageJson from "./package.json" with { type: "json" };

/** Released targets: the name a user sees, and the npm package that holds that system's Bun runtime. */
const targets: Readonly<Record<string, string>> = {
  "linux-x64": "@oven/bun-linux-x64",
  "linux-x64-baseline": "@oven/bun-linux-x64-baseline",
  "linux-arm64": "@oven/bun-linux-aarch64",
  "linux-x64-musl": "@oven/bun-linux-x64-musl",
  "linux-x64-musl-baseline": "@oven/bun-linux-x64-musl-baseline",
  "linux-arm64-musl": "@oven/bun-linux-aarch64-musl",
  "darwin-x64": "@oven/bun-darwin-x64",
  "darwin-arm64": "@oven/bun-darwin-aarch64",
};

/** Every thread that is not the main one is an entry point of the compile (design D6). */
const entrypoints = ["src/main.ts", "src/mount/fuse-worker.ts", "src/archive/layer-worker.ts"];

/** Ink asks for its devtools bridge even in production; nobody has it, so it becomes an empty module. */
const withoutDevtools: Bun.BunPlugin = {
  name: "without-devtools",
  setup(build) {
    build.onResolve({ filter: /^react-devtools-core$/ }, () => ({
      path: "devtools",
      namespace: "empty",
    }));
    build.onLoad({ filter: /.*/, namespace: "empty" }, () => ({
      contents: "export default {}",
      loader: "js",
    }));
  },
};

async function compile(
  outfile: string,
  other?: { target: string; runtime: string },
): Promise<void> {
  const target = other && (`bun-${other.target}` as Bun.Build.CompileTarget);
  await Bun.build({
    entrypoints,
    compile: { outfile, ...(other && { target: target!, executablePath: other.runtime }) },
    minify: { whitespace: true, syntax: true },
    // Parsed once here instead of at every start, of every thread: a quarter of the time to the first line.
    bytecode: true,
    format: "esm",
    sourcemap: "none",
    plugins: [withoutDevtools],
    define: {
      "process.env.NODE_ENV": '"production"',
      "process.env.DEV": '"false"',
    },
  });
  chmodSync(outfile, 0o755);
  // The compiler leaves its work files beside the output when it is interrupted.
  for (const name of readdirSync(".")) if (name.endsWith(".bun-build")) rmSync(name);
}

/** Gets another system's runtime from the npm registry, at the version of the Bun that runs this. */
async function fetchRuntime(packageName: string): Promise<string | undefined> {
  const directory = join(
    "node_modules",
    ".cache",
    "clip-runtimes",
    `${packageName}@${Bun.version}`,
  );
  const executable = join(directory, "package", "bin", "bun");
  if (existsSync(executable)) return executable;
  const scratch = mkdtempSync(join(tmpdir(), "clip-runtime-"));
  try {
    const pack = Bun.spawnSync(
      ["npm", "pack", "--silent", "--pack-destination", scratch, `${packageName}@${Bun.version}`],
      { stderr: "pipe" },
    );
    const tarball = readdirSync(scratch).find((name) => name.endsWith(".tgz"));
    if (pack.exitCode !== 0 || tarball === undefined) return undefined;
    mkdirSync(directory, { recursive: true });
    const unpack = Bun.spawnSync(["tar", "-xzf", join(scratch, tarball), "-C", directory]);
    return unpack.exitCode === 0 && existsSync(executable) ? executable : undefined;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function release(names: readonly string[]): Promise<void> {
  const directory = "dist/release";
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const sums: string[] = [];
  const missing: string[] = [];
  for (const name of names) {
    const runtime = await fetchRuntime(targets[name]!);
    if (runtime === undefined) {
      missing.push(name);
      console.error(`${name}: its runtime cannot be had from the npm registry; left out`);
      continue;
    }
    const file = `clip-${packageJson.version}-${name}`;
    await compile(join(directory, file), { target: name, runtime });
    const digest = new Bun.CryptoHasher("sha256")
      .update(await Bun.file(join(directory, file)).bytes())
      .digest("hex");
    sums.push(`${digest}  ${file}`);
    console.log(`${directory}/${file}`);
  }
  await Bun.write(join(directory, "SHA256SUMS"), sums.map((line) => `${line}\n`).join(""));
  if (missing.length === names.length) process.exitCode = 1;
}

const { values } = parseArgs({
  options: {
    target: { type: "string", multiple: true },
    release: { type: "boolean", default: false },
  },
});
const asked = values.target ?? (values.release ? Object.keys(targets) : []);
for (const name of asked) {
  if (targets[name] === undefined) {
    console.error(`unknown target ${name}; there are: ${Object.keys(targets).join(", ")}`);
    process.exit(2);
  }
}
process.chdir(import.meta.dir);
if (asked.length > 0) await release(asked);
else {
  mkdirSync("dist", { recursive: true });
  await compile("dist/clip");
  console.log("dist/clip");
}
