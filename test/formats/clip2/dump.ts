import { nameOfKind } from "../../../src/formats/clip2/head.ts";
import { head, layerRow, sectionKinds, tableEntry } from "../../../src/formats/clip2/layout.ts";
import { checkpointTable, granuleTable } from "../../../src/formats/clip2/tables.ts";
import { virtualEntry } from "../../../src/formats/erofs/virtual.ts";
import { type Field, type Struct, viewOf } from "../../../src/formats/fields.ts";
import { rawOf } from "./craft.ts";

/** An archive as text, one line for a row, all of it but the index and the windows; the field tables say what is shown. */
export function dumpArchive(archive: Uint8Array): string {
  const { sectionCount } = head.read(viewOf(archive));
  const raw = (kind: number) => rawOf(archive, kind);
  const sections = Array.from({ length: sectionCount }, (_, i) => {
    const at = head.size + i * tableEntry.size;
    const name = nameOfKind(tableEntry.read(viewOf(archive), at).kind);
    return `section ${name}: ${fields(tableEntry, archive, at)}`;
  });
  return [
    `sha256: ${new Bun.CryptoHasher("sha256").update(archive).digest("hex")}`,
    `head: ${fields(head, archive, 0)}`,
    ...sections,
    `origin: ${Buffer.from(raw(sectionKinds.origin)).toString("utf8")}`,
    ...rows("layer", layerRow, raw(sectionKinds.layers)),
    ...columns("checkpoint", checkpointTable.decode(raw(sectionKinds.checkpoints))),
    ...columns("granule", granuleTable.decode(raw(sectionKinds.granules))),
    ...rows("virtual", virtualEntry, raw(sectionKinds.virtual)),
    "",
  ].join("\n");
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function fields<T extends Record<string, Field>>(struct: Struct<T>, bytes: Uint8Array, at: number) {
  return Object.entries(struct.read(viewOf(bytes), at))
    .map(([name, value]) => `${name} ${typeof value === "number" ? value : hex(value)}`)
    .join(", ");
}

function rows<T extends Record<string, Field>>(name: string, struct: Struct<T>, bytes: Uint8Array) {
  const count = bytes.length / struct.size;
  return Array.from(
    { length: count },
    (_, i) => `${name} ${i}: ${fields(struct, bytes, i * struct.size)}`,
  );
}

function columns(
  name: string,
  table: { rows: number; values: Record<string, Float64Array | Uint8Array> },
): string[] {
  return Array.from({ length: table.rows }, (_, i) => {
    const values = Object.entries(table.values).map(([column, all]) => {
      const value = all instanceof Uint8Array ? hex(all.subarray(i * 32, i * 32 + 32)) : all[i];
      return `${column} ${value}`;
    });
    return `${name} ${i}: ${values.join(", ")}`;
  });
}
