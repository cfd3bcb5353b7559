import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildArchive } from "../archive/build.ts";
import { inodeOf, lookupPath } from "../archive/lookup.ts";
import { type OpenedImage, openImage } from "../content/open-image.ts";
import { ClipError, isClipError, toClipError } from "../errors.ts";
import { mountArchive } from "../mount/mount.ts";
import { serveRegistry } from "../registry/server.ts";
import { type DemoImage, makeDemoImage } from "./image.ts";

/** The simulated link between registry and machine. */
export const demoLink = { bytesPerSecond: 20 << 20, latencyMs: 10 };

export interface DemoOptions {
  readonly onStep?: (text: string) => void;
  readonly signal?: AbortSignal;
}

export interface DemoReport {
  /** How files were read: through a mount, or through the library and why. */
  readonly driver: "fuse" | "library";
  readonly whyNotMounted?: string;
  readonly imageBytes: number;
  readonly archiveBytes: number;
  readonly buildMs: number;
  /** From the command to the first mounted directory (or the opened archive). */
  readonly readyMs: number;
  readonly reads: readonly DemoRead[];
  /** What left the registry for all reads together. */
  readonly fetchedBytes: number;
  readonly requests: number;
  /** The whole image through the same link. */
  readonly pull: { readonly bytes: number; readonly ms: number };
}

export interface DemoRead {
  readonly path: string;
  readonly bytes: number;
  readonly fetchedBytes: number;
  readonly ms: number;
}

/**
 * The whole main job on an image made of this machine's own files: registry, index, mount, reads, and a pull of
 * everything for comparison. Everything lies in one temporary directory, which is gone afterwards.
 */
export async function runDemo(options: DemoOptions = {}): Promise<DemoReport> {
  const { onStep = () => {}, signal } = options;
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "clip-demo-")));
  try {
    onStep("making an image of three layers from files of this machine");
    const layout = join(directory, "image");
    const image = await makeDemoImage(layout);
    signal?.throwIfAborted();
    const registry = serveRegistry({ layout, ...demoLink });
    try {
      return await withRegistry(directory, image, registry, onStep, signal);
    } finally {
      await registry.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function withRegistry(
  directory: string,
  image: DemoImage,
  registry: ReturnType<typeof serveRegistry>,
  onStep: (text: string) => void,
  signal: AbortSignal | undefined,
): Promise<DemoReport> {
  const abort = signal === undefined ? {} : { signal };
  const output = join(directory, "demo.clip");
  const source = `docker://${registry.host}/demo:${image.tag}`;
  onStep(`indexing ${source}`);
  let startedAt = performance.now();
  const built = await buildArchive({ source, output, insecure: true, ...abort });
  const buildMs = performance.now() - startedAt;
  const imageBytes = built.layers.reduce((sum, layer) => sum + layer.size, 0);

  const cacheDir = join(directory, "cache");
  mkdirSync(cacheDir, { mode: 0o700 });
  const opening = { archive: output, cacheDir, insecure: true };
  const before = { ...registry.stats };
  startedAt = performance.now();
  const reader = await openReader(join(directory, "mnt"), opening, abort, onStep);
  const readyMs = performance.now() - startedAt;
  const reads: DemoRead[] = [];
  try {
    for (const { path, content } of image.samples) {
      onStep(`reading ${path}`);
      const fetchedBefore = registry.stats.bytes;
      startedAt = performance.now();
      const bytes = await reader.read(path);
      const ms = performance.now() - startedAt;
      if (!Buffer.from(content).equals(bytes)) {
        throw new ClipError(
          "INTERNAL",
          `the demo read other bytes from ${path} than went into the image; please report this`,
        );
      }
      reads.push({
        path,
        bytes: bytes.length,
        fetchedBytes: registry.stats.bytes - fetchedBefore,
        ms,
      });
    }
  } finally {
    await reader.close();
  }
  const fetchedBytes = registry.stats.bytes - before.bytes;
  const requests = registry.stats.requests - before.requests;
  onStep("pulling the whole image, for comparison");
  return {
    driver: reader.driver,
    ...(reader.why === undefined ? {} : { whyNotMounted: reader.why }),
    imageBytes,
    archiveBytes: built.size,
    buildMs,
    readyMs,
    reads,
    fetchedBytes,
    requests,
    pull: await pullAll(
      registry.host,
      built.layers.map((layer) => layer.digest),
      signal,
    ),
  };
}

interface Reader {
  readonly driver: "fuse" | "library";
  readonly why?: string;
  read(path: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A mount where the machine has FUSE, the library where it does not. */
async function openReader(
  mountPoint: string,
  opening: { archive: string; cacheDir: string; insecure: boolean },
  abort: { signal?: AbortSignal },
  onStep: (text: string) => void,
): Promise<Reader> {
  mkdirSync(mountPoint);
  try {
    const mount = await mountArchive({ ...opening, mountPoint, ...abort });
    return {
      driver: "fuse",
      read: (path) => readOutside(join(mountPoint, path)),
      close: async () => {
        await mount.unmount();
        await mount.closed;
      },
    };
  } catch (error) {
    if (!isClipError(error, "NO_FUSE", "PERMISSION", "MOUNT_FAILED")) throw error;
    onStep(`no mount here: ${error.message}`);
    return libraryReader(await openImage(opening), toClipError(error).message);
  }
}

const libraryReader = (opened: OpenedImage, why: string): Reader => ({
  driver: "library",
  why,
  read: (path) => {
    const nid = lookupPath(opened.image, Buffer.from(path), true);
    return opened.content.read(nid, 0, inodeOf(opened.image, nid).size);
  },
  close: () => opened.close(),
});

/** Reads through the mount in another process: this one serves the mount, and must not wait for itself. */
async function readOutside(path: string): Promise<Uint8Array> {
  const child = Bun.spawn(["cat", path], { stdout: "pipe", stderr: "pipe" });
  const bytes = await new Response(child.stdout).bytes();
  if ((await child.exited) !== 0) {
    throw new ClipError(
      "IO",
      `reading ${path} failed: ${(await new Response(child.stderr).text()).trim()}`,
    );
  }
  return bytes;
}

async function pullAll(
  host: string,
  digests: readonly string[],
  signal?: AbortSignal,
): Promise<DemoReport["pull"]> {
  const startedAt = performance.now();
  const lengths = await Promise.all(
    digests.map(async (digest) => {
      const url = `http://${host}/v2/demo/blobs/${digest}`;
      const answer = await fetch(url, signal === undefined ? {} : { signal });
      return (await answer.bytes()).length;
    }),
  );
  const bytes = lengths.reduce((sum, length) => sum + length, 0);
  return { bytes, ms: performance.now() - startedAt };
}
