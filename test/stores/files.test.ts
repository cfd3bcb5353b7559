import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { digestOf } from "../../src/formats/oci/digest.ts";
import { openOrigin } from "../../src/stores/open-origin.ts";
import type { OriginSpec, ResolvedImage } from "../../src/stores/origin.ts";
import { resolveImage } from "../../src/stores/resolve-image.ts";
import { parseSource } from "../../src/stores/source.ts";
import { osPath, pathOf } from "../../src/system/paths.ts";
import { failing } from "../support/failing.ts";
import {
  collect,
  runTool,
  type TinyImage,
  temporaryDirectory,
  tinyImage,
  writeLayout,
} from "../support/tiny-image.ts";

/** Layouts and archives, as skopeo and umoci write them. */

const directory = temporaryDirectory();
const at = (name: string): string => join(directory.path, name);
let tiny: TinyImage;
beforeAll(() => {
  tiny = tinyImage(directory.path);
  writeLayout(tiny.image, at("layout"));
  const copy = (to: string) => runTool("skopeo", "copy", "-q", `oci:${at("layout")}:v1`, to);
  copy(`oci:${at("skopeo")}:r.io:5000/a/b:v1`);
  copy(`oci-archive:${at("oci.tar")}:v1`);
  copy(`docker-archive:${at("docker.tar")}:r.io/app:v1`);
});
afterAll(() => directory.remove());

const resolve = (text: string, platform?: string): Promise<ResolvedImage> =>
  resolveImage(parseSource(text), platform === undefined ? {} : { platform });

/** All layers read whole and in part, through a fresh origin as a mount has it. */
async function expectLayers(image: ResolvedImage, expected: readonly Uint8Array[]): Promise<void> {
  expect(image.layers.map(({ digest }) => digest)).toEqual(
    expected.map((bytes) => digestOf(bytes)),
  );
  const origin = openOrigin(image.spec);
  for (const [i, descriptor] of image.layers.entries()) {
    const bytes = expected[i]!;
    const blob = origin.blob(descriptor);
    expect(blob.size).toBe(bytes.length);
    expect((await collect(blob.read(0, blob.size))).equals(bytes)).toBe(true);
    expect((await collect(blob.read(100, 50))).equals(bytes.subarray(100, 150))).toBe(true);
    expect(await collect(blob.read(blob.size, 0))).toHaveLength(0);
    await origin.check(descriptor);
    await failing("SIZE_MISMATCH", () => origin.check({ ...descriptor, size: 1 }));
  }
  const missing = { ...image.layers[0]!, digest: `sha256:${"0".repeat(64)}` };
  await failing("LAYER_NOT_FOUND", () => origin.check(missing));
  await origin.close();
  await image.origin.close();
}

describe("OCI layouts", () => {
  test("are read, by tag or as the only image", async () => {
    for (const text of [`oci:${at("skopeo")}`, `oci:${at("skopeo")}:r.io:5000/a/b:v1`]) {
      const image = await resolve(text);
      expect(digestOf(image.config)).toBe(
        JSON.parse(Buffer.from(image.manifest).toString()).config.digest,
      );
      expect(image.diffIds).toEqual(tiny.tars.map((bytes) => digestOf(bytes)));
      await expectLayers(image, tiny.layers);
    }
  });

  test("of umoci too", async () => {
    runTool("umoci", "init", "--layout", at("umoci"));
    runTool("umoci", "new", "--image", `${at("umoci")}:empty`);
    runTool(
      "umoci",
      "insert",
      "--rootless",
      "--image",
      `${at("umoci")}:empty`,
      "--tag",
      "one",
      at("small.tar"),
      "/x",
    );
    const image = await resolve(`oci:${at("umoci")}:one`);
    expect(image.layers).toHaveLength(1);
    const [layer] = image.layers;
    const bytes = await collect(image.origin.blob(layer!).read(0, layer!.size));
    expect(digestOf(bytes)).toBe(layer!.digest);
    const error = await failing("IMAGE_NOT_FOUND", () => resolve(`oci:${at("umoci")}`));
    expect(error.message).toContain('"empty", "one"');
  });

  test("below a path that is not UTF-8", async () => {
    const path = pathOf(Buffer.concat([Buffer.from(at("caf")), Buffer.of(0xe9)]));
    cpSync(at("layout"), at("copy"), { recursive: true });
    renameSync(at("copy"), osPath(path));
    const image = await resolve(`oci:${path}`);
    await expectLayers(image, tiny.layers);
  });

  test("without the tag, or without an image, say what there is", async () => {
    const error = await failing("IMAGE_NOT_FOUND", () => resolve(`oci:${at("layout")}:v2`));
    expect(error.message).toContain('it has "v1"');
    await failing("FILE_NOT_FOUND", () => resolve(`oci:${at("nowhere")}`));
    mkdirSync(at("empty"));
    await failing("IMAGE_NOT_FOUND", () => resolve(`oci:${at("empty")}`));
  });

  /** A copy of the layout in which something is changed. */
  function altered(name: string, change: (path: string) => void): string {
    cpSync(at("layout"), at(name), { recursive: true });
    change(at(name));
    return `oci:${at(name)}`;
  }
  const blobOf = (path: string, digest: string) => join(path, "blobs", digest.replace(":", "/"));
  const manifestDigest = () => tiny.image.tags.get("v1")!;
  const layerDigest = () => digestOf(tiny.layers[0]!);

  test("altered ones are refused", async () => {
    const digest = manifestDigest();
    const source = altered("altered", (path) => writeFileSync(blobOf(path, digest), "{}"));
    await failing("DIGEST_MISMATCH", () => resolve(source));
    const gone = altered("gone", (path) => rmSync(blobOf(path, digest)));
    await failing("IMAGE_NOT_FOUND", () => resolve(gone));
    const future = altered("future", (path) =>
      writeFileSync(join(path, "oci-layout"), '{"imageLayoutVersion":"2.0.0"}'),
    );
    await failing("UNSUPPORTED", () => resolve(future));
    const huge = altered("huge", (path) =>
      writeFileSync(join(path, "index.json"), " ".repeat(5e6)),
    );
    await failing("MANIFEST_CORRUPT", () => resolve(huge));
  });

  test("never lead out of themselves, nor into what is no file", async () => {
    const digest = layerDigest();
    const readLayer = async (source: string) => {
      const image = await resolve(source);
      const [layer] = image.layers;
      return collect(image.origin.blob(layer!).read(0, layer!.size));
    };
    const outside = altered("outside", (path) => {
      rmSync(blobOf(path, digest));
      symlinkSync("/etc/passwd", blobOf(path, digest));
    });
    const error = await failing("UNSUPPORTED", () => readLayer(outside));
    expect(error.message).toContain("leads out of");
    const inside = altered("inside", (path) => {
      renameSync(blobOf(path, digest), join(path, "elsewhere"));
      symlinkSync("../../elsewhere", blobOf(path, digest));
    });
    expect((await readLayer(inside)).equals(tiny.layers[0]!)).toBe(true);
    const fifo = altered("fifo", (path) => {
      rmSync(blobOf(path, digest));
      runTool("mkfifo", blobOf(path, digest));
    });
    await failing("UNSUPPORTED", () => readLayer(fifo));
    const short = altered("short", (path) => writeFileSync(blobOf(path, digest), "x"));
    await failing("SIZE_MISMATCH", () => readLayer(short));
  });

  test("a signal ends a read", async () => {
    const image = await resolve(`oci:${at("layout")}`);
    const [, layer] = image.layers;
    const signal = AbortSignal.abort();
    await failing("INTERRUPTED", () => collect(image.origin.blob(layer!).read(0, 10, { signal })));
  });
});

describe("OCI archives", () => {
  test("are read like the layouts in them", async () => {
    await expectLayers(await resolve(`oci-archive:${at("oci.tar")}:v1`), tiny.layers);
  });

  test("in every tar format, and read on when the file is replaced", async () => {
    for (const format of ["ustar", "gnu", "pax"]) {
      const tar = at(`${format}.tar`);
      runTool("tar", `--format=${format}`, "-C", at("layout"), "-cf", tar, ".");
      const image = await resolve(`oci-archive:${tar}`);
      rmSync(tar);
      const [layer] = image.layers;
      const bytes = await collect(image.origin.blob(layer!).read(0, layer!.size));
      expect(bytes.equals(tiny.layers[0]!)).toBe(true);
      await image.origin.close();
    }
  });

  test.each(["gzip", "zstd", "xz", "bzip2"])(
    "compressed by %s say how to decompress",
    async (tool) => {
      if (Bun.which(tool) === null) throw new Error(`${tool} is not installed`);
      const path = at(`oci.tar.${tool}`);
      writeFileSync(path, Bun.spawnSync([tool, "-c", at("oci.tar")]).stdout);
      const error = await failing("UNSUPPORTED", () => resolve(`oci-archive:${path}`));
      expect(error.message).toContain(`${tool} -d`);
    },
  );

  test("cut short, altered or of another kind", async () => {
    const whole = new Uint8Array(await Bun.file(at("oci.tar")).arrayBuffer());
    const refused = async (name: string, bytes: Uint8Array) => {
      writeFileSync(at(name), bytes);
      const error: unknown = await resolve(`oci-archive:${at(name)}`).catch((e) => e);
      return (error as { code: string }).code;
    };
    expect(await refused("cut.tar", whole.subarray(0, 100_000))).toBe("TAR_CORRUPT");
    expect(await refused("header.tar", whole.subarray(0, 300))).toBe("TAR_CORRUPT");
    const altered = whole.slice();
    altered[3]! ^= 1;
    expect(await refused("altered.tar", altered)).toBe("TAR_CORRUPT");
    expect(await refused("nothing.tar", new Uint8Array(0))).toBe("IMAGE_NOT_FOUND");
    expect(await refused("noise.tar", tiny.tars[1]!.subarray(5000, 90_000))).toBe("TAR_CORRUPT");
    await failing("FILE_NOT_FOUND", () => resolve(`oci-archive:${at("nowhere.tar")}`));
    await failing("UNSUPPORTED", () => resolve("oci-archive:/dev/zero"));
    await failing("UNSUPPORTED", () => resolveImage({ kind: "oci-archive", path: directory.path }));
  });
});

describe("Docker archives", () => {
  test("are read, and get the same manifest every time", async () => {
    const spec: OriginSpec = { kind: "docker-archive", path: at("docker.tar"), tag: "r.io/app:v1" };
    expect(parseSource(`docker-archive:${at("docker.tar")}:r.io/app:v1`)).toEqual(spec);
    const image = await resolveImage(spec);
    const again = await resolve(`docker-archive:${at("docker.tar")}`);
    expect(Buffer.from(again.manifest).equals(image.manifest)).toBe(true);
    expect(digestOf(image.manifest)).toBe(image.manifestDescriptor.digest);
    expect(image.diffIds).toEqual(tiny.tars.map((bytes) => digestOf(bytes)));
    await again.origin.close();
    await expectLayers(image, tiny.tars);
  });

  test("of another name say what there is", async () => {
    const error = await failing("IMAGE_NOT_FOUND", () =>
      resolve(`docker-archive:${at("docker.tar")}:x`),
    );
    expect(error.message).toContain('"r.io/app:v1"');
    const wrong = await failing("IMAGE_NOT_FOUND", () =>
      resolve(`docker-archive:${at("oci.tar")}`),
    );
    expect(wrong.message).toContain("manifest.json");
  });

  /** An archive as old docker save lays it out: a directory for each layer. */
  function saved(
    name: string,
    layers: readonly (Uint8Array | string)[],
    change: object = {},
  ): string {
    const root = at(`${name}-root`);
    mkdirSync(root);
    const diffIds = layers.map((layer) =>
      digestOf(
        typeof layer === "string"
          ? tiny.tars[0]!
          : layer[0] === 0x1f
            ? Bun.gunzipSync(layer as Uint8Array<ArrayBuffer>)
            : layer,
      ),
    );
    const config = JSON.stringify({
      os: "linux",
      architecture: "amd64",
      rootfs: { type: "layers", diff_ids: diffIds },
      ...change,
    });
    const configName = `${digestOf(Buffer.from(config)).slice(7)}.json`;
    writeFileSync(join(root, configName), config);
    for (const [i, layer] of layers.entries()) {
      mkdirSync(join(root, `l${i}`));
      if (typeof layer === "string") symlinkSync(layer, join(root, `l${i}/layer.tar`));
      else writeFileSync(join(root, `l${i}/layer.tar`), layer);
    }
    const Layers = layers.map((_, i) => `l${i}/layer.tar`);
    const manifest = [{ Config: configName, RepoTags: ["app:v1"], Layers }];
    writeFileSync(join(root, "manifest.json"), JSON.stringify(manifest));
    runTool("tar", "-C", root, "-cf", at(`${name}.tar`), ".");
    return `docker-archive:${at(`${name}.tar`)}`;
  }

  test("whose layers are links to one another", async () => {
    const source = saved("links", [tiny.tars[0]!, "../l0/layer.tar"]);
    await expectLayers(await resolve(source), [tiny.tars[0]!, tiny.tars[0]!]);
    const named = await resolve(`${source}:docker.io/library/app:v1`);
    await expectLayers(named, [tiny.tars[0]!, tiny.tars[0]!]);
  });

  test("whose layers are compressed", async () => {
    const image = await resolve(saved("compressed", [tiny.layers[0]!, tiny.tars[1]!]));
    expect(image.layers[0]?.mediaType).toEndWith("+gzip");
    await expectLayers(image, [tiny.layers[0]!, tiny.tars[1]!]);
  });

  test("that do not hold together are refused", async () => {
    await failing("MANIFEST_CORRUPT", () => resolve(saved("dangling", ["../nowhere"])));
    await failing("MANIFEST_CORRUPT", () =>
      resolve(saved("circle", ["../l1/layer.tar", "../l0/layer.tar"])),
    );
    await failing("MANIFEST_CORRUPT", () =>
      resolve(saved("count", [tiny.tars[0]!], { rootfs: { type: "layers", diff_ids: [] } })),
    );
    await failing("PLATFORM_NOT_FOUND", () =>
      resolve(`docker-archive:${at("links.tar")}`, "linux/s390x"),
    );
  });
});

test("files that may not be read are told", async () => {
  if (process.getuid?.() === 0) {
    // Root reads all files, so another user tries.
    chmodSync(directory.path, 0o755);
    const code = `
      const { resolveImage } = await import(${JSON.stringify(join(import.meta.dir, "../../src/stores/resolve-image.ts"))});
      process.setuid(65534);
      try { await resolveImage({ kind: "oci-archive", path: ${JSON.stringify(at("secret.tar"))} }); }
      catch (error) { console.log(error.code); }`;
    writeFileSync(at("secret.tar"), "x", { mode: 0o600 });
    const { stdout } = Bun.spawnSync([process.execPath, "-e", code]);
    expect(stdout.toString().trim()).toBe("PERMISSION");
    return;
  }
  writeFileSync(at("secret.tar"), "x", { mode: 0 });
  await failing("PERMISSION", () => resolve(`oci-archive:${at("secret.tar")}`));
});
