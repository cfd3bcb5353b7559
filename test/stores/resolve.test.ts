import { afterEach, expect, test } from "bun:test";
import type { OciDescriptor } from "../../src/formats/oci/descriptor.ts";
import { digestOf } from "../../src/formats/oci/digest.ts";
import { mediaTypes } from "../../src/formats/oci/media-types.ts";
import { type RegistryServer, serveRegistry } from "../../src/registry/server.ts";
import { resolveImage } from "../../src/stores/resolve-image.ts";
import { failing } from "../support/failing.ts";

/** Finding the one manifest among indexes, and refusing indexes that are traps. */

let server: RegistryServer | undefined;
afterEach(async () => {
  await server?.stop();
});

/** Blobs that are put together by hand. */
function shelf() {
  const blobs = new Map<string, Uint8Array>();
  const put = (value: unknown, mediaType: string, extra: object = {}): OciDescriptor => {
    const bytes = Buffer.from(JSON.stringify(value));
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length, ...extra };
  };
  const image = (
    architecture: string,
    extra: object = {},
    diffIds: string[] = [],
  ): OciDescriptor => {
    const rootfs = { type: "layers", diff_ids: diffIds };
    const config = put({ os: "linux", architecture, rootfs }, mediaTypes.ociConfig);
    const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [] };
    return put(manifest, mediaTypes.ociManifest, extra);
  };
  const index = (manifests: OciDescriptor[], extra: object = {}): OciDescriptor =>
    put(
      { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests },
      mediaTypes.ociIndex,
      extra,
    );
  const on = (architecture: string) => ({ platform: { os: "linux", architecture } });
  const resolve = (root: OciDescriptor, platform?: string) => {
    server = serveRegistry({ layout: { blobs, tags: new Map([["v", root.digest]]) } });
    const reference = `${server.host}/a/b:v`;
    const wanted = platform === undefined ? {} : { platform };
    return resolveImage({ kind: "registry", reference }, { env: {}, ...wanted });
  };
  return { put, image, index, on, resolve };
}

test("the platform's manifest out of an index, attestations passed over", async () => {
  const { image, index, on, resolve } = shelf();
  const [amd, arm] = [image("amd64", on("amd64")), image("arm64", on("arm64"))];
  const attestation = image("unknown", { platform: { os: "unknown", architecture: "unknown" } });
  const found = await resolve(index([attestation, amd, arm]), "linux/arm64");
  expect(found.manifestDescriptor.digest).toBe(arm.digest);
  expect(found.spec).toMatchObject({ reference: expect.stringContaining(`@${arm.digest}`) });
});

test("indexes in indexes, and entries that do not say their platform", async () => {
  const { image, index, on, resolve } = shelf();
  const right = image("arm64");
  const root = index([index([image("amd64", on("amd64"))]), image("s390x"), index([right])]);
  const found = await resolve(root, "linux/arm64");
  expect(found.manifestDescriptor.digest).toBe(right.digest);
});

test("a single image is taken as it is, unless a platform is asked for", async () => {
  const { image, resolve } = shelf();
  const only = image("s390x");
  expect((await resolve(only)).manifestDescriptor.digest).toBe(only.digest);
  await server?.stop();
  const error = await failing("PLATFORM_NOT_FOUND", () => resolve(only, "linux/amd64"));
  expect(error.message).toContain("linux/s390x");
});

test("indexes without end are given up", async () => {
  const { image, index, resolve } = shelf();
  let root = index([image("s390x")]);
  for (let depth = 0; depth < 20; depth++) root = index([root]);
  await failing("LIMIT_EXCEEDED", () => resolve(root, "linux/amd64"));
  await server?.stop();
  const many = index(Array.from({ length: 200 }, (_, i) => image(`other${i}`)));
  await failing("LIMIT_EXCEEDED", () => resolve(many, "linux/amd64"));
});

test("what does not hold together is refused", async () => {
  const { put, image, index, on, resolve } = shelf();
  const amd = image("amd64", on("amd64"));
  await failing("SIZE_MISMATCH", () =>
    resolve(index([{ ...amd, size: amd.size + 1 }]), "linux/amd64"),
  );
  await server?.stop();
  await failing("MANIFEST_CORRUPT", () =>
    resolve(image("amd64", {}, [`sha256:${"0".repeat(64)}`]), "linux/amd64"),
  );
  await server?.stop();
  const missing = { ...amd, digest: `sha256:${"0".repeat(64)}` };
  await failing("IMAGE_NOT_FOUND", () => resolve(index([missing]), "linux/amd64"));
  await server?.stop();
  const announced = { ...image("amd64", on("amd64")), mediaType: mediaTypes.ociIndex };
  await failing("MANIFEST_CORRUPT", () => resolve(index([announced]), "linux/amd64"));
  await server?.stop();
  await failing("USAGE", () => resolve(put({}, "a/b"), "nonsense/"));
});
