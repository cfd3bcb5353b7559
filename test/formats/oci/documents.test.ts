import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isClipError } from "../../../src/errors.ts";
import { digestOf, parseDigest, verifyDigest } from "../../../src/formats/oci/digest.ts";
import { parseConfig } from "../../../src/formats/oci/image-config.ts";
import { parseIndex } from "../../../src/formats/oci/image-index.ts";
import { documentKind, parseManifest } from "../../../src/formats/oci/manifest.ts";
import { mediaTypes } from "../../../src/formats/oci/media-types.ts";
import { failing } from "../../support/failing.ts";

const bytes = (value: unknown): Uint8Array =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const digest = `sha256:${"ab".repeat(32)}`;
const config = { mediaType: mediaTypes.ociConfig, digest, size: 10 };
const layer = { mediaType: mediaTypes.ociLayerGzip, digest, size: 20 };
const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] };
const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] };

describe("digests", () => {
  test("of registered algorithms only, in lower case and of full length", () => {
    expect(parseDigest(digest)).toEqual({ algorithm: "sha256", hex: "ab".repeat(32) });
    expect(parseDigest(`sha512:${"0".repeat(128)}`)?.algorithm).toBe("sha512");
    for (const bad of [
      "",
      "sha256:",
      digest.toUpperCase(),
      `${digest}0`,
      digest.slice(0, -1),
      `sha512:${"0".repeat(64)}`,
      "md5:d41d8cd98f00b204e9800998ecf8427e",
      `sha256:../../../../etc/passwd${"a".repeat(42)}`,
      `${digest}\n`,
      "__proto__:00",
    ]) {
      expect(parseDigest(bad)).toBeUndefined();
    }
  });

  test("are verified", async () => {
    // From FIPS 180-4's examples.
    const abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(digestOf(bytes("abc"))).toBe(abc);
    verifyDigest(bytes("abc"), abc, "x");
    const error = await failing("DIGEST_MISMATCH", () => verifyDigest(bytes("abd"), abc, "x"));
    expect(error.exitCode).toBe(4);
    await failing("MANIFEST_CORRUPT", () => verifyDigest(bytes("abc"), "x", "x"));
  });
});

describe("manifests", () => {
  test("OCI and Docker", () => {
    const read = parseManifest(bytes(manifest), "m");
    expect(read).toEqual({ mediaType: mediaTypes.ociManifest, config, layers: [layer] });
    const { mediaType: _, ...bare } = manifest;
    expect(parseManifest(bytes(bare), "m").mediaType).toBe(mediaTypes.ociManifest);
    const docker = {
      ...manifest,
      mediaType: mediaTypes.dockerManifest,
      config: { ...config, mediaType: mediaTypes.dockerConfig },
    };
    expect(parseManifest(bytes(docker), "m").mediaType).toBe(mediaTypes.dockerManifest);
    expect(parseManifest(bytes({ ...manifest, layers: null }), "m").layers).toEqual([]);
  });

  test("keep annotations, whatever their names", () => {
    const annotations = '{"a":"b","__proto__":"c"}';
    const text = JSON.stringify(manifest).replace(
      '"size":20',
      `"size":20,"annotations":${annotations}`,
    );
    const read = parseManifest(bytes(text), "m").layers[0]?.annotations;
    expect(JSON.stringify(read)).toBe(annotations);
    expect(({} as Record<string, unknown>).c).toBeUndefined();
  });

  const withLayer = (change: object) => ({ ...manifest, layers: [{ ...layer, ...change }] });
  test.each<[string, unknown]>([
    ["not JSON", "{"],
    ["not UTF-8", Buffer.from([0x22, 0xff, 0x22]).toString("latin1")],
    ["a list", []],
    ["null", null],
    ["no version", { ...manifest, schemaVersion: undefined }],
    ["version as text", { ...manifest, schemaVersion: "2" }],
    ["index too", { ...manifest, manifests: [] }],
    ["an index's type", { ...manifest, mediaType: mediaTypes.ociIndex }],
    ["no config", { ...manifest, config: undefined }],
    ["huge config", { ...manifest, config: { ...config, size: 1e9 } }],
    ["layers of another kind", { ...manifest, layers: {} }],
    ["too many layers", { ...manifest, layers: Array(1001).fill(layer) }],
    ["no digest", withLayer({ digest: undefined })],
    ["a path as digest", withLayer({ digest: "sha256:../../x" })],
    ["a negative size", withLayer({ size: -1 })],
    ["half a byte", withLayer({ size: 0.5 })],
    ["a size beyond numbers", withLayer({ size: 2 ** 60 })],
    ["a size as text", withLayer({ size: "20" })],
    ["no media type", withLayer({ mediaType: "" })],
    ["a media type with a newline", withLayer({ mediaType: "a/b\nc" })],
    ["annotations of another kind", withLayer({ annotations: { a: 5 } })],
    ["nesting without end", "[".repeat(1_000_000)],
    ["a document without end", `"${" ".repeat(4 * 1024 * 1024)}"`],
  ])("refused: %s", async (_, document) => {
    const error = await failing("MANIFEST_CORRUPT", () =>
      parseManifest(bytes(document), "r.io/a:b"),
    );
    expect(error.message).toContain("r.io/a:b");
    expect(error.message.length).toBeLessThan(500);
  });

  test("refused for what they are", async () => {
    const artifact = { ...manifest, config: { ...config, mediaType: "application/vnd.helm+json" } };
    expect(
      (await failing("UNSUPPORTED", () => parseManifest(bytes(artifact), "m"))).message,
    ).toContain("artifact");
    for (const type of [
      "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
      "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    ]) {
      const foreign = withLayer({ mediaType: type });
      const error = await failing("UNSUPPORTED", () => parseManifest(bytes(foreign), "m"));
      expect(error.message).toContain("foreign layer");
    }
    const old = { schemaVersion: 1, name: "a", fsLayers: [], history: [] };
    for (const read of [
      parseManifest,
      (b: Uint8Array, w: string) => documentKind(b, undefined, w),
    ]) {
      expect((await failing("UNSUPPORTED", () => read(bytes(old), "m"))).message).toContain(
        "schema 1",
      );
    }
  });
});

describe("what a document is", () => {
  const { mediaType: _, ...bareManifest } = manifest;
  const { mediaType: __, ...bareIndex } = index;
  test.each<[string, unknown, string | undefined, string]>([
    ["its own word", manifest, undefined, "manifest"],
    ["its own word", index, undefined, "index"],
    ["its own word against a vague one", index, "application/json", "index"],
    ["what came with it", bareManifest, mediaTypes.ociManifest, "manifest"],
    ["what came with it", bareIndex, mediaTypes.dockerList, "index"],
    ["its fields", bareManifest, undefined, "manifest"],
    ["its fields", bareIndex, "text/plain", "index"],
  ])("%s", (_, document, given, kind) => {
    expect(documentKind(bytes(document), given, "m")).toBe(kind as never);
  });

  test("two words that differ are refused", async () => {
    await failing("MANIFEST_CORRUPT", () =>
      documentKind(bytes(manifest), mediaTypes.ociIndex, "m"),
    );
    await failing("UNSUPPORTED", () => documentKind(bytes({}), "text/html", "m"));
  });
});

describe("configurations", () => {
  const good = {
    os: "linux",
    architecture: "arm",
    variant: "v7",
    rootfs: { type: "layers", diff_ids: [digest] },
  };
  test("are read", () => {
    expect(parseConfig(bytes(good), "c")).toEqual({
      platform: { os: "linux", architecture: "arm", variant: "v7" },
      diffIds: [digest],
    });
    const bare = { rootfs: { type: "layers", diff_ids: null } };
    expect(parseConfig(bytes(bare), "c")).toEqual({ platform: undefined, diffIds: [] });
  });
  test.each<[string, unknown]>([
    ["no rootfs", { os: "linux" }],
    ["another rootfs", { ...good, rootfs: { type: "zfs", diff_ids: [] } }],
    ["no digest", { ...good, rootfs: { type: "layers", diff_ids: ["x"] } }],
    [
      "a diffID of another algorithm",
      { ...good, rootfs: { type: "layers", diff_ids: [`sha512:${"0".repeat(128)}`] } },
    ],
    ["too many", { ...good, rootfs: { type: "layers", diff_ids: Array(1001).fill(digest) } }],
    ["an os with escapes", { ...good, os: "\u001b[31m" }],
  ])("refused: %s", async (_, document) => {
    await failing("MANIFEST_CORRUPT", () => parseConfig(bytes(document), "c"));
  });
});

test("an index that is a manifest too, or has too many entries, is refused", async () => {
  await failing("MANIFEST_CORRUPT", () => parseIndex(bytes({ ...index, layers: [] }), "i"));
  await failing("MANIFEST_CORRUPT", () => parseIndex(bytes({ ...index, config }), "i"));
  await failing("MANIFEST_CORRUPT", () =>
    parseIndex(bytes({ ...index, manifests: Array(10_001).fill(0) }), "i"),
  );
});

test("whatever the document, it is read or refused with a ClipError", () => {
  const hostile = fc.oneof(
    fc.json(),
    fc.string(),
    fc
      .record({
        key: fc.constantFrom("config", "layers", "mediaType", "schemaVersion"),
        value: fc.jsonValue(),
      })
      .map(({ key, value }) => JSON.stringify({ ...manifest, [key]: value })),
    fc
      .record({
        key: fc.constantFrom("mediaType", "digest", "size", "annotations", "platform"),
        value: fc.jsonValue(),
      })
      .map(({ key, value }) =>
        JSON.stringify({ ...manifest, layers: [{ ...layer, [key]: value }] }),
      ),
  );
  fc.assert(
    fc.property(hostile, (text) => {
      for (const read of [parseManifest, parseIndex, parseConfig]) {
        try {
          read(bytes(text), "m");
        } catch (error) {
          if (!isClipError(error, "MANIFEST_CORRUPT", "UNSUPPORTED")) throw error;
        }
      }
    }),
    { numRuns: 300 },
  );
});
