import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "./command.ts";

export const project = join(import.meta.dir, "..", "..");
export const clip = join(project, "dist", "clip");

/** An image to measure with: its layout, its layers, its tree unpacked on the disk, and its archive. */
export interface Subject {
  readonly name: string;
  readonly source: string;
  readonly layers: readonly string[];
  /** Compressed bytes of all layers, and bytes of their tars. */
  readonly compressedBytes: number;
  readonly tarBytes: number;
  readonly unpacked: string;
  readonly archive: string;
  /** For this run's own files. */
  readonly scratch: string;
  remove(): void;
}

/** Makes image `name` of test/images where it is missing, unpacks it once into .cache/bench, builds its archive. */
export async function openSubject(name: string): Promise<Subject> {
  await command("bash", join(project, "test/images/make.sh"), name);
  const layout = join(project, ".cache/images", name);
  const bundle = join(project, ".cache/bench", name);
  const index = readJson(join(layout, "index.json"));
  const digest: string = index.manifests[0].digest;
  if (!existsSync(`${bundle}.${digest.slice(7, 19)}`)) {
    rmSync(bundle, { recursive: true, force: true });
    mkdirSync(join(project, ".cache/bench"), { recursive: true });
    await command("umoci", "unpack", "--image", `${layout}:${name}`, bundle);
    await Bun.write(`${bundle}.${digest.slice(7, 19)}`, "");
  }
  const manifest = readJson(blob(layout, digest));
  const stored: { digest: string; size: number }[] = manifest.layers;
  const layers = stored.map((layer) => blob(layout, layer.digest));
  const tarBytes = await layers.reduce(async (sum, path) => {
    const { stdout } = await command("sh", "-c", 'gzip -dc "$0" | wc -c', path);
    return (await sum) + Number(stdout);
  }, Promise.resolve(0));
  const scratch = mkdtempSync(join(tmpdir(), "clip-bench-"));
  const archive = join(scratch, `${name}.clip`);
  const source = `oci:${layout}:${name}`;
  await command(clip, "build", "-q", source, "-o", archive);
  return {
    name,
    source,
    layers,
    compressedBytes: stored.reduce((sum, layer) => sum + layer.size, 0),
    tarBytes,
    unpacked: join(bundle, "rootfs"),
    archive,
    scratch,
    remove: () => rmSync(scratch, { recursive: true, force: true }),
  };
}

const readJson = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const blob = (layout: string, digest: string): string =>
  join(layout, "blobs", ...digest.split(":"));
