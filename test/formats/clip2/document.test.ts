import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  head,
  layerRow,
  limits,
  magic,
  type SectionName,
  sectionKinds,
  tableEntry,
} from "../../../src/formats/clip2/layout.ts";
import { checkpointTable, granuleTable } from "../../../src/formats/clip2/tables.ts";
import { virtualEntry } from "../../../src/formats/erofs/virtual.ts";
import type { Field } from "../../../src/formats/fields.ts";

/** docs/format.md against the declarations that reader and writer use. */

const document = readFileSync(join(import.meta.dir, "../../../docs/format.md"), "utf8");

/** The cells of the table rows below a heading. */
function rowsBelow(heading: string): string[][] {
  const [, after = ""] = document.split(`\n${heading}\n`);
  const section = after.split(/\n##+ /)[0] ?? "";
  return section
    .split("\n")
    .filter((line) => line.startsWith("| ") && !/^\| (---|offset|kind|table) /.test(line))
    .map((line) => line.slice(2, -2).split(" | "));
}

const typeOf = (field: Field): string =>
  typeof field === "string" ? field : `${field.bytes} bytes`;

for (const [heading, struct] of [
  ["## Head", head],
  ["## Section table entry", tableEntry],
  ["### layers", layerRow],
  ["### virtual", virtualEntry],
] as const) {
  test(`${heading}: the fields of ${struct.name}`, () => {
    const at: Readonly<Record<string, number>> = struct.at;
    const declared = Object.entries<Field>(struct.fields).map(([name, field]) => [
      String(at[name]),
      name,
      typeOf(field),
    ]);
    expect(rowsBelow(heading).map((cells) => cells.slice(0, 3))).toEqual(declared);
  });
}

test("the columns of checkpoints and granules", () => {
  const declared = [checkpointTable, granuleTable].flatMap(({ name, columns }) =>
    Object.entries(columns).map(([column, type]) => [name, column, type as string]),
  );
  const rows = rowsBelow("### checkpoints and granules").map((cells) => cells.slice(0, 3));
  expect(rows).toEqual(declared);
});

test("sections, their kinds and limits", () => {
  const declared = (Object.keys(sectionKinds) as SectionName[]).map((name) => [
    String(sectionKinds[name]),
    name,
    `${limits.rawSize[name] / 2 ** 20} MiB`,
  ]);
  const rows = rowsBelow("## Sections").map(([kind, name, , limit]) => [kind, name, limit]);
  expect(rows).toEqual(declared);
});

test("the magic", () => {
  const hex = [...magic].map((byte) => byte.toString(16).padStart(2, "0").toUpperCase());
  expect(document).toContain(hex.join(" "));
});
