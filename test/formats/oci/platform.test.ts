import { describe, expect, test } from "bun:test";
import type { OciDescriptor } from "../../../src/formats/oci/descriptor.ts";
import { candidatesFor } from "../../../src/formats/oci/image-index.ts";
import { mediaTypes } from "../../../src/formats/oci/media-types.ts";
import { formatPlatform, hostPlatform, parsePlatform } from "../../../src/formats/oci/platform.ts";
import { failing } from "../../support/failing.ts";

test.each([
  ["linux/amd64", "linux/amd64"],
  ["linux/x86_64", "linux/amd64"],
  ["arm64", "linux/arm64"],
  ["aarch64", "linux/arm64"],
  ["linux/arm/v6", "linux/arm/v6"],
  ["armhf", "linux/arm/v7"],
  ["Linux/ARM64/v8", "linux/arm64/v8"],
])("%s is %s", (text, expected) => {
  expect(formatPlatform(parsePlatform(text))).toBe(expected);
});

test.each(["", "/", "linux/", "a/b/c/d", "linux/am d64", "linux/\u001b"])(
  "%p is refused",
  async (text) => {
    await failing("USAGE", () => parsePlatform(text));
  },
);

test("this machine's is Linux", () => {
  expect(hostPlatform().os).toBe("linux");
  expect(hostPlatform().architecture).toMatch(/^(amd64|arm64)$/);
});

describe("choosing from an index", () => {
  let made = 0;
  const entry = (
    platform: string | undefined,
    extra: Partial<OciDescriptor> = {},
  ): OciDescriptor => ({
    mediaType: mediaTypes.ociManifest,
    digest: `sha256:${`${made++}`.padStart(64, "0")}`,
    size: 1,
    ...(platform !== undefined && { platform: parsePlatform(platform) }),
    ...extra,
  });
  const choose = (wanted: string, ...manifests: OciDescriptor[]) =>
    candidatesFor({ manifests }, parsePlatform(wanted), "r.io/a").map((found) =>
      manifests.indexOf(found),
    );

  test.each<[string, string[], number[]]>([
    ["linux/arm64", ["linux/amd64", "linux/arm64"], [1]],
    ["linux/arm64", ["linux/arm64/v8"], [0]],
    ["linux/arm64/v8", ["linux/arm64"], [0]],
    ["linux/arm/v7", ["linux/arm/v5", "linux/arm/v6", "linux/arm/v7"], [2, 1, 0]],
    ["linux/arm", ["linux/arm/v6", "linux/arm/v7"], [1, 0]],
    ["linux/arm/v6", ["linux/arm/v7", "linux/arm/v6"], [1]],
    ["linux/amd64", ["linux/amd64/v3", "linux/amd64/v1"], [1]],
    ["linux/amd64/v3", ["linux/amd64", "linux/amd64/v2"], [1, 0]],
    ["linux/amd64", ["linux/amd64", "linux/amd64"], [0, 1]],
  ])("%s among %p", (wanted, offered, order) => {
    expect(choose(wanted, ...offered.map((text) => entry(text)))).toEqual(order);
  });

  test("what does not say its platform comes last, other artifacts not at all", () => {
    const attestation = entry("unknown/unknown");
    const marked = entry("linux/amd64", {
      annotations: { "vnd.docker.reference.type": "attestation-manifest" },
    });
    const other = entry("linux/amd64", { mediaType: "application/vnd.other+json" });
    const silent = entry(undefined);
    const nested = entry(undefined, { mediaType: mediaTypes.ociIndex });
    const right = entry("linux/amd64");
    expect(choose("linux/amd64", attestation, marked, other, silent, nested, right)).toEqual([
      5, 3, 4,
    ]);
  });

  test("says what there is where nothing fits", async () => {
    const error = await failing("PLATFORM_NOT_FOUND", () =>
      choose(
        "linux/riscv64",
        entry("linux/amd64"),
        entry("linux/arm/v7"),
        entry("unknown/unknown"),
      ),
    );
    expect(error.message).toBe(
      "r.io/a has no image for linux/riscv64; it has linux/amd64, linux/arm/v7; choose one with --platform",
    );
    expect(error.exitCode).toBe(3);
    const empty = await failing("PLATFORM_NOT_FOUND", () => choose("linux/amd64"));
    expect(empty.message).toContain("no image at all");
  });
});
