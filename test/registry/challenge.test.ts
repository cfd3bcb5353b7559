import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseChallenges } from "../../src/registry/challenge.ts";

const read = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test.each([
  ['Basic realm="x"', [["basic", { realm: "x" }]]],
  [
    'Bearer realm="https://a/token",service="s",scope="repository:a/b:pull,push"',
    [["bearer", { realm: "https://a/token", service: "s", scope: "repository:a/b:pull,push" }]],
  ],
  ["BEARER Realm=abc , Service = def", [["bearer", { realm: "abc", service: "def" }]]],
  [
    'Negotiate, Basic realm="a, b", Bearer realm="c"',
    [
      ["negotiate", {}],
      ["basic", { realm: "a, b" }],
      ["bearer", { realm: "c" }],
    ],
  ],
  [
    "Negotiate YII+/abc==, Basic realm=x",
    [
      ["negotiate", {}],
      ["basic", { realm: "x" }],
    ],
  ],
  ['Basic realm="say \\"hi\\" \\\\"', [["basic", { realm: 'say "hi" \\' }]]],
  ['Bearer realm="a",realm="b"', [["bearer", { realm: "a" }]]],
  [', ,Basic realm="x",,', [["basic", { realm: "x" }]]],
  ["Basic", [["basic", {}]]],
  ["", []],
  ['Bearer realm="never closed', [["bearer", {}]]],
  ['="x"', []],
])("%s", (header, expected) => {
  expect(read(header)).toEqual(expected as never);
});

test("any header is read to its end in no time", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab=",\\ \t'), maxLength: 60 }), (header) => {
      expect(parseChallenges(header).length).toBeLessThan(61);
    }),
  );
  for (const piece of ['"\\', "a=", "a ", "=", ", ", 'a="']) {
    const startedAt = performance.now();
    parseChallenges(piece.repeat(100_000));
    expect(performance.now() - startedAt).toBeLessThan(1000);
  }
});
