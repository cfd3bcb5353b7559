import { expect, test } from "bun:test";
import fc from "fast-check";
import { isClipError } from "../../../src/errors.ts";
import {
  encodeVirtual,
  type VirtualExtent,
  VirtualTable,
} from "../../../src/formats/erofs/virtual.ts";

const extents: VirtualExtent[] = [
  { virtual: 0, length: 100, device: 1, at: 54 },
  { virtual: 512, length: 1000, device: 2, at: 7 },
  { virtual: 1512, length: 10, device: 1, at: 900 },
];
const sizes = [1000, 5000];
const resolve = (table: VirtualTable, offset: number, length: number) => {
  const pieces: number[][] = [];
  table.resolve(offset, length, (...piece) => pieces.push(piece));
  return pieces;
};

test("entries are read back as they were written", () => {
  const table = new VirtualTable(encodeVirtual(extents), sizes);
  expect(Array.from({ length: table.count }, (_, i) => table.entry(i))).toEqual(extents);
});

test("a range is resolved piece by piece, with zeros where no entry covers it", () => {
  const table = new VirtualTable(encodeVirtual(extents), sizes);
  expect(resolve(table, 50, 1600)).toEqual([
    [50, 50, 1, 104],
    [100, 412, 0, 0],
    [512, 1000, 2, 7],
    [1512, 10, 1, 900],
    [1522, 128, 0, 0],
  ]);
  expect(resolve(table, 600, 10)).toEqual([[600, 10, 2, 95]]);
  expect(resolve(table, 5000, 10)).toEqual([[5000, 10, 0, 0]]);
  expect(resolve(table, 5000, 0)).toEqual([]);
  expect(resolve(new VirtualTable(new Uint8Array(0), []), 0, 5)).toEqual([[0, 5, 0, 0]]);
});

test("every byte of every range comes once and in order", () => {
  const table = new VirtualTable(encodeVirtual(extents), sizes);
  fc.assert(
    fc.property(fc.nat(2000), fc.nat(2000), (offset, length) => {
      let place = offset;
      for (const [virtual, part] of resolve(table, offset, length)) {
        expect(virtual).toBe(place);
        place += part!;
      }
      expect(place).toBe(offset + length);
    }),
  );
});

test("tables that are out of order, cut short or point outside the layers are refused", () => {
  const refused = (table: readonly VirtualExtent[], cut = 0) => {
    try {
      new VirtualTable(encodeVirtual(table).subarray(cut), sizes);
      return false;
    } catch (error) {
      return isClipError(error, "ARCHIVE_CORRUPT");
    }
  };
  expect(refused(extents)).toBe(false);
  expect(refused([...extents].reverse())).toBe(true);
  expect(refused([{ virtual: 0, length: 0, device: 1, at: 0 }])).toBe(true);
  expect(refused([{ virtual: 0, length: 1, device: 0, at: 0 }])).toBe(true);
  expect(refused([{ virtual: 0, length: 1, device: 3, at: 0 }])).toBe(true);
  expect(refused([{ virtual: 0, length: 101, device: 1, at: 900 }])).toBe(true);
  expect(refused(extents, 5)).toBe(true);
});
