import { join } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { type ProxyOptions, startProxy, type TestProxy } from "../../support/proxy.ts";
import { runTool } from "../../support/tiny-image.ts";
import { type ClipProgram, imagePath, installClip } from "./clip.ts";

/** An image in a docker-registry behind the counting proxy, and its archive built from there. */
export interface RegistryImage {
  readonly clip: ClipProgram;
  readonly archive: string;
  readonly proxy: TestProxy;
  /** "HOST:PORT/NAME:TAG" at the proxy; what the archive has as its origin. */
  readonly reference: string;
  readonly layers: readonly { readonly digest: string; readonly size: number }[];
  /** The registry itself, at a port that stays the same over restarts. */
  readonly registryReference: string;
  stopRegistry(): Promise<void>;
  startRegistry(): Promise<void>;
  /** A further proxy before the same image; the caller stops it. */
  proxied(guard?: ProxyOptions["guard"]): Promise<{ proxy: TestProxy; reference: string }>;
  /** Where the registry keeps a blob. */
  blobFile(digest: string): string;
  release(): Promise<void>;
}

/** Serves image `name` of test/images, with clip installed and the archive built. */
export async function serveImage(name: string): Promise<RegistryImage> {
  const clip = installClip();
  const directory = join(clip.directory, "registry");
  const first = await startDockerRegistry(directory);
  const port = Number(first.host.split(":")[1]);
  let registry: DockerRegistry | undefined = first;
  const path = `clip/test:${name}`;
  runTool(
    ...["skopeo", "copy", "-q", "--dest-tls-verify=false"],
    ...[`oci:${imagePath(name)}:${name}`, `docker://${first.host}/${path}`],
  );
  const proxy = await startProxy({ target: first.url });
  const reference = `${proxy.host}/${path}`;
  const archive = join(clip.directory, `${name}.clip`);
  await clip.run("build", reference, "-o", archive, "--insecure");
  const inspected = JSON.parse((await clip.run("inspect", archive, "--json")).stdout);
  proxy.reset();
  return {
    clip,
    archive,
    proxy,
    reference,
    layers: inspected.layers,
    registryReference: `${first.host}/${path}`,
    async stopRegistry() {
      await registry?.stop();
      registry = undefined;
    },
    async startRegistry() {
      registry ??= await startDockerRegistry(directory, { port });
    },
    async proxied(guard) {
      const further = await startProxy({ target: first.url, ...(guard && { guard }) });
      return { proxy: further, reference: `${further.host}/${path}` };
    },
    blobFile(digest) {
      const hex = digest.replace("sha256:", "");
      const blobs = join(directory, "data/docker/registry/v2/blobs/sha256");
      return join(blobs, hex.slice(0, 2), hex, "data");
    },
    async release() {
      await clip.release();
      await proxy.stop();
      await registry?.stop();
    },
  };
}

/** Requests for blobs, and bytes of them that went through the proxy since its last reset. */
export function blobTraffic({ byPath }: TestProxy): { requests: number; bytes: number } {
  const blobs = [...byPath].filter(([path]) => path.includes("/blobs/"));
  return {
    requests: blobs.reduce((sum, [, counters]) => sum + counters.requests, 0),
    bytes: blobs.reduce((sum, [, counters]) => sum + counters.bytes, 0),
  };
}

/** Ranges of blobs that were asked for, in that order; `to` is the last byte. */
export const blobRanges = ({ log }: TestProxy): { path: string; from: number; to: number }[] =>
  log
    .filter(({ path, headers }) => path.includes("/blobs/") && headers.range !== undefined)
    .map(({ path, headers }) => {
      const [from, to] = headers.range!.replace("bytes=", "").split("-").map(Number);
      return { path, from: from!, to: to! };
    });

/**
 * Bytes of blobs that more than one request asked for. The last byte of one range may be the first of another:
 * neighbouring spans share the byte in which one ends and the other begins (design, "Container format 2").
 */
export function bytesAskedTwice(proxy: TestProxy): number {
  const ranges = blobRanges(proxy).sort((a, b) =>
    a.path === b.path ? a.from - b.from : a.path < b.path ? -1 : 1,
  );
  let [twice, path, end] = [0, "", -1];
  for (const range of ranges) {
    if (range.path !== path) [path, end] = [range.path, -1];
    const shared = Math.min(end, range.to) - range.from + 1;
    if (shared > 1) twice += shared;
    end = Math.max(end, range.to);
  }
  return twice;
}
