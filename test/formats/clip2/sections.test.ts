import { expect, test } from "bun:test";
import fc from "fast-check";
import { isClipError } from "../../../src/errors.ts";
import { sha256Of } from "../../../src/formats/clip2/head.ts";
import { limits } from "../../../src/formats/clip2/layout.ts";
import {
  decodeOriginSection,
  encodeOriginSection,
  type OriginSection,
} from "../../../src/formats/clip2/origin-section.ts";
import { packSection, unpackSection } from "../../../src/formats/clip2/section-data.ts";

const sha = `sha256:${"ab".repeat(32)}`;
const section: OriginSection = {
  origin: { kind: "registry", reference: "example.com/a/b:c" },
  manifest: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: sha, size: 7 },
  indexer: "clip 9",
  checkpointBytes: 2 ** 21,
  indexDigest: sha,
};

test("the origin section has sorted keys, whatever the order they were given in", () => {
  const reversed = Object.fromEntries(
    Object.entries(section).reverse(),
  ) as unknown as OriginSection;
  const text = Buffer.from(encodeOriginSection(section)).toString();
  expect(Buffer.from(encodeOriginSection(reversed)).toString()).toBe(text);
  expect(text).toBe(
    '{"checkpointBytes":2097152,' +
      `"indexDigest":"${sha}","indexer":"clip 9",` +
      `"manifest":{"digest":"${sha}","mediaType":"application/vnd.oci.image.manifest.v1+json","size":7},` +
      '"origin":{"kind":"registry","reference":"example.com/a/b:c"}}',
  );
});

test("annotations of the manifest's descriptor stay out: they say where it was found", () => {
  const manifest = {
    ...section.manifest,
    annotations: { "org.opencontainers.image.ref.name": "x" },
  };
  expect(encodeOriginSection({ ...section, manifest })).toEqual(encodeOriginSection(section));
});

test.each([
  section.origin,
  { kind: "registry" as const, reference: "localhost:5000/x", insecure: true },
  { kind: "oci-layout" as const, path: "../image", tag: "v1" },
  { kind: "oci-archive" as const, path: "/a/b.tar" },
  // A byte that is not UTF-8, as src/system/paths.ts holds it.
  { kind: "docker-archive" as const, path: "/a/\udcff.tar", tag: "a:b" },
])("origins survive: %o", (origin) => {
  expect(decodeOriginSection(encodeOriginSection({ ...section, origin })).origin).toEqual(origin);
});

test.each([
  "",
  "[]",
  "null",
  "{}",
  "[".repeat(200_000),
  JSON.stringify({ ...section, origin: { kind: "ftp", path: "x" } }),
  JSON.stringify({ ...section, origin: { kind: "registry", reference: 7 } }),
  JSON.stringify({ ...section, origin: { kind: "oci-layout", path: "a\0b" } }),
  JSON.stringify({ ...section, checkpointBytes: -1 }),
  JSON.stringify({ ...section, manifest: { ...section.manifest, digest: "sha256:1" } }),
  JSON.stringify({ ...section, indexDigest: `sha512:${"ab".repeat(64)}` }),
])("no origin section: %.60s", (text) => {
  expect(() => decodeOriginSection(Buffer.from(text))).toThrow("origin section");
});

const asSection = (name: "config", raw: Uint8Array) => {
  const { codec, stored } = packSection(name, raw);
  const sizes = { storedSize: stored.length, rawSize: raw.length, sha256: sha256Of(stored) };
  return { section: { name, kind: 3, codec, flags: 0, offset: 0, ...sizes }, stored };
};

test("a section's bytes survive, compressed where that helps", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(3), (bytes, repeats) => {
      const raw = new Uint8Array(Buffer.concat(Array(repeats + 1).fill(bytes)));
      const { section: packed, stored } = asSection("config", raw);
      expect(stored.length).toBeLessThanOrEqual(raw.length);
      expect(Buffer.compare(unpackSection(packed, stored), raw)).toBe(0);
    }),
  );
});

test("what a reader would refuse is not written", () => {
  const raw = new Uint8Array(limits.rawSize.origin + 1);
  const error = (() => {
    try {
      return packSection("origin", raw);
    } catch (caught) {
      return caught;
    }
  })();
  expect(isClipError(error, "LIMIT_EXCEEDED")).toBe(true);
});

test("emptiness that would look like a bomb is stored as it is", () => {
  const { section: packed, stored } = asSection("config", new Uint8Array(4 * 1024 * 1024));
  expect(packed.rawSize).toBe(4 * 1024 * 1024);
  expect(unpackSection(packed, stored)).toHaveLength(packed.rawSize);
});
