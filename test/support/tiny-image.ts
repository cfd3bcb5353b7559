import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mediaTypes } from "../../src/formats/oci/media-types.ts";
import type { ImageBlobs } from "../../src/registry/server-blobs.ts";
import { imageOfLayers } from "./memory-image.ts";

/** Runs a tool to its end. @throws Error with its standard error. */
export function runTool(...command: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
  return stdout.toString();
}

/** A directory for one test file. */
export function temporaryDirectory(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "clip-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface TinyImage {
  readonly image: ImageBlobs;
  readonly tag: string;
  /** As stored, the base first: a small one and one of some 3 MB that does not compress. */
  readonly layers: readonly Uint8Array[];
  readonly tars: readonly Uint8Array[];
}

/** An image of two gzip layers, made with GNU tar. */
export function tinyImage(directory: string, tag = "v1"): TinyImage {
  const tars = ["small", "large"].map((name, i) => {
    const root = join(directory, name);
    mkdirSync(root, { recursive: true });
    writeFileSync(join(root, `${name}.txt`), `${name} file\n`);
    if (i === 1) writeFileSync(join(root, "noise"), noise(3_000_000));
    const tar = join(directory, `${name}.tar`);
    runTool(
      "tar",
      "--sort=name",
      "--mtime=@0",
      "--owner=0",
      "--group=0",
      "-C",
      root,
      "-cf",
      tar,
      ".",
    );
    return new Uint8Array(Bun.spawnSync(["cat", tar]).stdout);
  });
  const layers = tars.map((tar) => {
    const bytes = Bun.gzipSync(tar as Uint8Array<ArrayBuffer>, { level: 1 });
    const diffId = `sha256:${new Bun.CryptoHasher("sha256").update(tar).digest("hex")}`;
    return { bytes, mediaType: mediaTypes.ociLayerGzip, diffId };
  });
  const config = { os: "linux", architecture: "amd64", config: { Cmd: ["/bin/true"] } };
  const image = imageOfLayers(layers, config, tag);
  return { image, tag, layers: layers.map(({ bytes }) => bytes), tars };
}

/** Bytes that do not compress, the same every time (xorshift32). */
export function noise(length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = 0x9e3779b9;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

/** Writes images in memory as an OCI layout. */
export function writeLayout({ blobs, tags }: ImageBlobs, directory: string): void {
  mkdirSync(join(directory, "blobs/sha256"), { recursive: true });
  writeFileSync(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  for (const [digest, bytes] of blobs) {
    writeFileSync(join(directory, "blobs", digest.replace(":", "/")), bytes);
  }
  const manifests = [...tags].map(([tag, digest]) => {
    const bytes = blobs.get(digest)!;
    const { mediaType } = JSON.parse(Buffer.from(bytes).toString());
    const annotations = { "org.opencontainers.image.ref.name": tag };
    return { mediaType, digest, size: bytes.length, annotations };
  });
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
  writeFileSync(join(directory, "index.json"), JSON.stringify(index));
}

/** All bytes of a stream. */
export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}
