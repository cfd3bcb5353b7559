import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Pack, pack } from "tar-stream";
import type { OciDescriptor } from "../formats/oci/descriptor.ts";
import { digestOf } from "../formats/oci/digest.ts";
import { mediaTypes } from "../formats/oci/media-types.ts";
import { hostPlatform } from "../formats/oci/platform.ts";

/**
 * A small but real image of files at hand, as an OCI layout: a layer of system files, a layer of more of them, and a
 * layer of the "application" that removes something from below.
 */

/** Where files are looked for; what is missing or unreadable is passed over. */
const sources: readonly (readonly string[])[] = [
  ["/usr/bin", "/usr/sbin", "/bin"],
  ["/usr/lib", "/usr/share", "/Library", "/System/Library/Frameworks"],
];
const bytesPerLayer = [16 << 20, 24 << 20];
const maxFileBytes = 4 << 20;
const minFileBytes = 256;
const maxVisited = 20_000;

export interface DemoImage {
  readonly tag: string;
  /** A few files of different layers, by path inside the image, with their true content. */
  readonly samples: readonly { readonly path: string; readonly content: Uint8Array }[];
}

/** Writes the image into `directory`. Its size depends on the machine's files, its shape does not. */
export async function makeDemoImage(directory: string): Promise<DemoImage> {
  const blobs = join(directory, "blobs", "sha256");
  mkdirSync(blobs, { recursive: true });
  const layers: OciDescriptor[] = [];
  const diffIds: string[] = [];
  const samples: { path: string; content: Uint8Array }[] = [];
  const addLayer = async (fill: (tar: Pack) => void) => {
    const tar = await packed(fill);
    diffIds.push(digestOf(tar));
    layers.push(writeBlob(blobs, gzipSync(tar, { level: 6 }), mediaTypes.ociLayerGzip));
  };
  for (const [i, roots] of sources.entries()) {
    const files = collect(roots, bytesPerLayer[i]!);
    await addLayer((tar) => {
      for (const file of files)
        tar.entry(
          { name: file.path.slice(1), mode: file.mode & 0o7777 },
          Buffer.from(file.content),
        );
    });
    const middle = files[Math.floor(files.length / 2)];
    if (middle !== undefined) samples.push({ path: middle.path, content: middle.content });
  }
  const greeting = Buffer.from("Hello from an image that was never pulled.\n");
  await addLayer((tar) => {
    tar.entry({ name: "app/", type: "directory", mode: 0o755 });
    tar.entry({ name: "app/hello.txt", mode: 0o644 }, greeting);
    tar.entry({ name: "app/latest", type: "symlink", linkname: "hello.txt" });
    tar.entry({ name: "usr/share/.wh.doc" }, Buffer.alloc(0));
  });
  samples.push({ path: "/app/hello.txt", content: greeting });
  const config = {
    architecture: hostPlatform().architecture,
    os: "linux",
    config: { Cmd: ["/app/hello.txt"] },
    rootfs: { type: "layers", diff_ids: diffIds },
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: writeBlob(blobs, json(config), mediaTypes.ociConfig),
    layers,
  };
  const descriptor = writeBlob(blobs, json(manifest), mediaTypes.ociManifest);
  const tag = "demo";
  const index = {
    schemaVersion: 2,
    manifests: [{ ...descriptor, annotations: { "org.opencontainers.image.ref.name": tag } }],
  };
  writeFileSync(join(directory, "index.json"), json(index));
  writeFileSync(join(directory, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
  return { tag, samples };
}

interface FoundFile {
  readonly path: string;
  readonly mode: number;
  readonly content: Uint8Array;
}

/** Regular files below `roots` in order of their names, `limit` bytes of them at most. */
function collect(roots: readonly string[], limit: number): FoundFile[] {
  const found: FoundFile[] = [];
  const pending = [...roots].reverse();
  let total = 0;
  let visited = 0;
  for (
    let path = pending.pop();
    path !== undefined && total < limit && visited < maxVisited;
    path = pending.pop()
  ) {
    visited++;
    try {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined) continue;
      if (stat.isDirectory()) {
        const below = readdirSync(path, { withFileTypes: true }).filter(
          (entry) => !entry.isSymbolicLink(),
        );
        pending.push(
          ...below
            .map((entry) => join(path!, entry.name))
            .sort()
            .reverse(),
        );
      } else if (stat.isFile() && stat.size >= minFileBytes && stat.size <= maxFileBytes) {
        const content = readFileSync(path);
        total += content.length;
        found.push({ path, mode: stat.mode, content });
      }
    } catch {
      // Not readable for this user: the demo does without it.
    }
  }
  return found;
}

async function packed(fill: (tar: Pack) => void): Promise<Uint8Array> {
  const tar = pack();
  fill(tar);
  tar.finalize();
  const pieces: Uint8Array[] = [];
  for await (const piece of tar) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces);
}

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

function writeBlob(blobs: string, bytes: Uint8Array, mediaType: string): OciDescriptor {
  const digest = digestOf(bytes);
  writeFileSync(join(blobs, digest.slice("sha256:".length)), bytes);
  return { mediaType, digest, size: bytes.length };
}
