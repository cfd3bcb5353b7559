import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isClipError } from "../../src/errors.ts";
import { formatReference, parseReference } from "../../src/registry/reference.ts";
import { failing } from "../support/failing.ts";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;

describe("references that are read", () => {
  // [text, registry, repository, tag, digest]; "" where there is none.
  const table: [string, string, string, string, string][] = [
    ["alpine", "docker.io", "library/alpine", "latest", ""],
    ["alpine:3.19", "docker.io", "library/alpine", "3.19", ""],
    ["user/app", "docker.io", "user/app", "latest", ""],
    ["docker.io/alpine", "docker.io", "library/alpine", "latest", ""],
    ["index.docker.io/library/alpine:1", "docker.io", "library/alpine", "1", ""],
    ["registry-1.docker.io/a/b", "docker.io", "a/b", "latest", ""],
    ["localhost/app", "localhost", "app", "latest", ""],
    ["localhost:5000/a/b/c:t", "localhost:5000", "a/b/c", "t", ""],
    ["ghcr.io/o/p", "ghcr.io", "o/p", "latest", ""],
    ["GHCR.io/o/p", "ghcr.io", "o/p", "latest", ""],
    ["127.0.0.1:5000/x", "127.0.0.1:5000", "x", "latest", ""],
    ["[::1]:5000/x:y", "[::1]:5000", "x", "y", ""],
    ["[fe80::1]/x", "[fe80::1]", "x", "latest", ""],
    [`alpine@${digest}`, "docker.io", "library/alpine", "", digest],
    [`r.io/a:t@${digest}`, "r.io", "a", "t", digest],
    ["r.io/a__b/c-d.e", "r.io", "a__b/c-d.e", "latest", ""],
    ["r.io/a---b", "r.io", "a---b", "latest", ""],
    ["foo:5000", "docker.io", "library/foo", "5000", ""],
  ];
  test.each(table)("%s", (text, registry, repository, tag, digested) => {
    const reference = parseReference(text);
    expect(reference.registry).toBe(registry);
    expect(reference.repository).toBe(repository);
    expect(reference.tag ?? "").toBe(tag);
    expect(reference.digest ?? "").toBe(digested);
    expect(reference.name).toBe(`${registry}/${repository}`);
    expect(parseReference(formatReference(reference))).toEqual(reference);
  });

  test("Docker Hub's API has a host of its own", () => {
    expect(parseReference("alpine").apiHost).toBe("registry-1.docker.io");
    expect(parseReference("ghcr.io/a/b").apiHost).toBe("ghcr.io");
  });
});

describe("references that are refused", () => {
  test.each([
    ["", "empty"],
    ["https://r.io/a", 'leave out "https://"'],
    ["Alpine", "lower case"],
    ["r.io/A/b", "lower case"],
    ["UPPER/case", "lower case"],
    ["r.io/", "no repository"],
    ["a:", "no tag"],
    ["a:-x", "no tag"],
    ["a@sha256:12", "no digest"],
    [`a@${digest}@${digest}`, "no digest"],
    ["a@md5:d41d8cd98f00b204e9800998ecf8427e", "no digest"],
    ["r.io:70000/a", "no registry"],
    ["r.io:0/a", "no registry"],
    ["user:pass@r.io/a", "no digest"],
    ["r.io/a//b", "no repository name"],
    ["r.io/../b", "no repository name"],
    ["r.io/a b", "no repository name"],
    ["r.io/a_.b", "no repository name"],
    ["-r.io/a", "no registry"],
    [`r.io/${"a".repeat(256)}`, "longer than"],
    ["a".repeat(5000), "too long"],
  ])("%p", async (text, reason) => {
    const error = await failing("BAD_REFERENCE", () => parseReference(text));
    expect(error.message).toContain(reason);
    expect(error.exitCode).toBe(2);
  });

  test("whatever the text, a reference or BAD_REFERENCE comes out", () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 80, unit: fc.constantFrom(..."aA0._-:/@[]é \n") }),
        (text) => {
          try {
            const reference = parseReference(text);
            expect(parseReference(formatReference(reference))).toEqual(reference);
          } catch (error) {
            if (!isClipError(error, "BAD_REFERENCE")) throw error;
          }
        },
      ),
    );
  });
});
