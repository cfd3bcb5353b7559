import { beforeAll, describe, expect, test } from "bun:test";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import type { Archive } from "../../src/archive/open.ts";
import { verifyArchive } from "../../src/archive/verify.ts";
import { type ErrorCode, isClipError } from "../../src/errors.ts";
import { sectionKinds as kinds, layerRow, limits } from "../../src/formats/clip2/layout.ts";
import { checkpointTable } from "../../src/formats/clip2/tables.ts";
import { readU64, viewOf, writeU64 } from "../../src/formats/fields.ts";
import {
  type CraftedSection,
  craft,
  rawOf,
  sectionsOf,
  storedSection,
  withRaw,
  zstdSection,
} from "../formats/clip2/craft.ts";
import { archiveBytes, openBytes, sampleImage } from "./sample.ts";

let good: Uint8Array;
beforeAll(async () => {
  good = archiveBytes((await sampleImage()).contents);
});

const codes: readonly ErrorCode[] = [
  ...(["NOT_AN_ARCHIVE", "ARCHIVE_TRUNCATED", "ARCHIVE_CORRUPT", "ARCHIVE_VERSION"] as const),
  ...(["UNSUPPORTED", "DIGEST_MISMATCH", "MANIFEST_CORRUPT"] as const),
];

/** What opening and verifying says: the code of a ClipError or of the first finding; anything else is thrown on. */
async function judge(bytes: Uint8Array): Promise<ErrorCode | "ok"> {
  let archive: Archive;
  try {
    archive = await openBytes(bytes);
  } catch (error) {
    if (isClipError(error, ...codes)) return error.code;
    throw error;
  }
  const [finding] = (await verifyArchive(archive)).findings;
  if (finding !== undefined && !codes.includes(finding.code)) throw new Error(finding.text);
  return finding?.code ?? "ok";
}

test("the sample is a good archive, also when it is put together by hand", async () => {
  expect(await judge(good)).toBe("ok");
  expect(Buffer.compare(craft(sectionsOf(good)), good)).toBe(0);
  expect(await judge(withRaw(good, kinds.index, (raw) => raw))).toBe("ok");
});

describe("damage", () => {
  test("every single bit that flips is found", async () => {
    const place = fc.nat(good.length - 1);
    await fc.assert(
      fc.asyncProperty(place, fc.nat(7), async (at, bit) => {
        const bytes = Uint8Array.from(good);
        bytes[at]! ^= 1 << bit;
        expect(await judge(bytes)).not.toBe("ok");
      }),
      { numRuns: 250 },
    );
  });

  test("every bit of head and table, too", async () => {
    const end = 64 + 9 * 64;
    for (let at = 0; at < end; at++) {
      const bytes = Uint8Array.from(good);
      bytes[at]! ^= 1 << (at % 8);
      expect(await judge(bytes)).not.toBe("ok");
    }
  });

  test("a cut anywhere is a truncated archive, or none where nothing can be told", async () => {
    for (let length = 0; length < 200; length++) {
      const expected = length < 4 ? "NOT_AN_ARCHIVE" : "ARCHIVE_TRUNCATED";
      expect(await judge(good.subarray(0, length))).toBe(expected);
    }
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 4, max: good.length - 1 }), async (length) => {
        expect(await judge(good.subarray(0, length))).toBe("ARCHIVE_TRUNCATED");
      }),
    );
  });

  test("bytes behind the end are refused", async () => {
    expect(await judge(new Uint8Array([...good, 0]))).toBe("ARCHIVE_CORRUPT");
  });

  test("a splice of two archives is refused", async () => {
    const { contents } = await sampleImage();
    const other = archiveBytes({ ...contents, indexer: "clip with a longer name" });
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length), fc.nat(other.length), async (first, second) => {
        const bytes = Buffer.concat([good.subarray(0, first), other.subarray(second)]);
        const isWhole = bytes.equals(good) || bytes.equals(other);
        if (!isWhole) expect(await judge(new Uint8Array(bytes))).not.toBe("ok");
      }),
    );
  });

  test("other files are no archives", async () => {
    for (const text of ["", "#!/bin/sh\n", "PK\x03\x04", "\x89PNG\r\n\x1a\n", "\x89CL"]) {
      expect(await judge(Buffer.from(text, "latin1"))).toBe("NOT_AN_ARCHIVE");
    }
    const anything = fc.uint8Array({ maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(anything, async (bytes) => {
        expect(await judge(bytes)).not.toBe("ok");
      }),
    );
  });

  test("container format 1 is told apart", async () => {
    const start = Buffer.from("894c", "hex");
    const format1 = Buffer.concat([Buffer.from("89434c49500d0a1a0a01", "hex"), Buffer.alloc(90)]);
    expect(await judge(new Uint8Array(format1))).toBe("UNSUPPORTED");
    expect(await judge(new Uint8Array(start))).toBe("NOT_AN_ARCHIVE");
  });
});

describe("sections", () => {
  const sections = () => sectionsOf(good);
  const isKind = (kind: number) => (section: CraftedSection) => section.kind === kind;

  test("an unknown one is skipped when its flag says so, and refused otherwise", async () => {
    const extra = storedSection(77, Buffer.from("of the future"), { flags: 1 });
    expect(await judge(craft([extra, ...sections()]))).toBe("ok");
    expect(await judge(craft([...sections(), extra]))).toBe("ok");
    const needed = { ...extra, entry: { flags: 0 } };
    expect(await judge(craft([...sections(), needed]))).toBe("ARCHIVE_VERSION");
    const odd = { ...extra, entry: { flags: 3 } };
    expect(await judge(craft([...sections(), odd]))).toBe("ARCHIVE_VERSION");
  });

  test("the kind of access lists is reserved: nothing reads it yet", async () => {
    const lists = storedSection(kinds.accessLists, Buffer.from("?"), { flags: 1 });
    expect(await judge(craft([...sections(), lists]))).toBe("ok");
    const needed = { ...lists, entry: {} };
    expect(await judge(craft([...sections(), needed]))).toBe("ARCHIVE_VERSION");
  });

  test("flags and reserved fields of known ones are refused", async () => {
    for (const entry of [{ flags: 1 }, { flags: 128 }, { reserved: 1 }]) {
      const [first, ...rest] = sections();
      const changed = { ...first!, entry: { ...first!.entry, ...entry } };
      expect(await judge(craft([changed, ...rest]))).toBe("ARCHIVE_VERSION");
    }
  });

  test("each has to be there, once, in its place", async () => {
    for (let i = 0; i < sections().length; i++) {
      const without = sections().filter((_, at) => at !== i);
      expect(await judge(craft(without))).toBe("ARCHIVE_CORRUPT");
      const twice = [...sections(), sections()[i]!];
      expect(await judge(craft(twice))).toBe("ARCHIVE_CORRUPT");
      const moved = [...without, sections()[i]!];
      if (i + 1 < sections().length) expect(await judge(craft(moved))).toBe("ARCHIVE_CORRUPT");
    }
  });

  test("overlaps and gaps are refused", async () => {
    for (const shift of [-1, 1, -10_000, 2 ** 40]) {
      const changed = sections().map((section, i) => {
        const place = viewOf(good).getUint32(64 + i * 64 + 8, true);
        return i === 3
          ? { ...section, entry: { ...section.entry, offset: Math.max(0, place + shift) } }
          : section;
      });
      expect(await judge(craft(changed))).toBe("ARCHIVE_CORRUPT");
    }
  });

  test("impossible lengths are refused before anything is allocated", async () => {
    const sizes = [2 ** 52, limits.rawSize.granules + 1, 2 ** 31];
    for (const size of sizes) {
      for (const entry of [{ rawSize: size }, { storedSize: size }]) {
        const changed = sections().map((section) =>
          isKind(kinds.granules)(section)
            ? { ...section, entry: { ...section.entry, ...entry } }
            : section,
        );
        expect(await judge(craft(changed))).toBe("ARCHIVE_CORRUPT");
      }
    }
  });

  test("other heads are refused", async () => {
    const heads = [
      { sectionCount: 65 },
      { sectionCount: 2 ** 32 - 1 },
      { reserved: Uint8Array.of(1) },
    ];
    for (const values of heads)
      expect(await judge(craft(sections(), values))).toBe("ARCHIVE_CORRUPT");
    expect(await judge(craft(sections(), { fileSize: 2 ** 50 }))).toBe("ARCHIVE_CORRUPT");
    expect(await judge(craft(sections(), { formatVersion: 3 }))).toBe("ARCHIVE_VERSION");
    expect(await judge(craft(sections(), { clipVersion: 1 }))).toBe("ARCHIVE_VERSION");
  });

  test("windows cannot be compressed as one", async () => {
    const windows = rawOf(good, kinds.windows);
    const changed = sections().map((section) =>
      isKind(kinds.windows)(section) ? zstdSection(kinds.windows, windows) : section,
    );
    expect(await judge(craft(changed))).toBe("ARCHIVE_CORRUPT");
  });

  test("a codec of the future is refused", async () => {
    const [first, ...rest] = sections();
    const changed = { ...first!, entry: { ...first!.entry, codec: 2 } };
    expect(await judge(craft([changed, ...rest]))).toBe("ARCHIVE_CORRUPT");
  });
});

describe("bombs", () => {
  const withSection = (kind: number, section: CraftedSection) =>
    craft(sectionsOf(good).map((one) => (one.kind === kind ? section : one)));

  /** 400 MB of zeros in some 13 KB: more than any section may expand to. */
  const bomb = new Uint8Array(zstdCompressSync(new Uint8Array(400_000_000)));

  test.each([
    ["as large as it says", 400_000_000],
    ["larger than it says", 1_000_000],
    ["of no length", 0],
  ])("a frame %s takes no memory and no time", async (_, rawSize) => {
    const before = process.memoryUsage.rss();
    const started = performance.now();
    for (const kind of [kinds.manifest, kinds.granules, kinds.index]) {
      const section = { kind, stored: bomb, entry: { codec: 1, rawSize } };
      expect(await judge(withSection(kind, section))).toBe("ARCHIVE_CORRUPT");
    }
    expect(performance.now() - started).toBeLessThan(1000);
    expect(process.memoryUsage.rss() - before).toBeLessThan(100_000_000);
  });

  test("what is cut short or no zstd at all is refused", async () => {
    const config = new Uint8Array(zstdCompressSync(rawOf(good, kinds.config)));
    const size = rawOf(good, kinds.config).length;
    for (const stored of [config.subarray(0, -9), Buffer.from("hello"), new Uint8Array(0)]) {
      const section = { kind: kinds.config, stored, entry: { codec: 1, rawSize: size } };
      expect(await judge(withSection(kinds.config, section))).toBe("ARCHIVE_CORRUPT");
    }
  });

  test("counts of layers, checkpoints and granules are not believed", async () => {
    const counts = [layerRow.at.checkpoints, layerRow.at.granules];
    for (const at of counts) {
      for (const value of [0, 1, 2 ** 32 - 1]) {
        const bytes = withRaw(good, kinds.layers, (raw) => {
          viewOf(raw).setUint32(at, value, true);
          return raw;
        });
        expect(await judge(bytes)).toBe("ARCHIVE_CORRUPT");
      }
    }
    const layers = (raw: Uint8Array) => new Uint8Array(Buffer.concat(Array(2000).fill(raw)));
    expect(await judge(withRaw(good, kinds.layers, layers))).toBe("ARCHIVE_CORRUPT");
  });
});

describe("tables that lie, with every digest right", () => {
  test("numbers of 2^53 and more", async () => {
    for (const value of [2 ** 53, 2 ** 63, 2 ** 64 - 2048]) {
      const bytes = withRaw(good, kinds.checkpoints, (raw) => {
        viewOf(raw).setBigUint64(8, BigInt(value), true);
        return raw;
      });
      expect(await judge(bytes)).toBe("ARCHIVE_CORRUPT");
    }
  });

  test("sizes of a layer", async () => {
    for (const field of [layerRow.at.size, layerRow.at.tarSize] as const) {
      for (const change of [1, -1, 2 ** 42]) {
        const bytes = withRaw(good, kinds.layers, (raw) => {
          writeU64(viewOf(raw), field, readU64(viewOf(raw), field) + change);
          return raw;
        });
        expect(await judge(bytes)).toBe("ARCHIVE_CORRUPT");
      }
    }
  });

  test("any change of a table is refused, or harmless, and never another error", async () => {
    const tables = [kinds.layers, kinds.checkpoints, kinds.granules, kinds.virtual, kinds.index];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...tables),
        fc.nat(),
        fc.nat(255),
        async (kind, at, value) => {
          const bytes = withRaw(good, kind, (raw) => {
            raw[at % raw.length] = value;
            return raw;
          });
          await judge(bytes);
        },
      ),
      { numRuns: 400 },
    );
  });

  test("a window of other bytes or another length", async () => {
    const bytes = withRaw(good, kinds.windows, (raw) => {
      raw[raw.length - 1]! ^= 1;
      return raw;
    });
    expect(await judge(bytes)).toBe("ARCHIVE_CORRUPT");
    const longer = withRaw(good, kinds.windows, (raw) => new Uint8Array([...raw, 0]));
    expect(await judge(longer)).toBe("ARCHIVE_CORRUPT");
  });

  test("a manifest, config or index other than their digests", async () => {
    for (const kind of [kinds.manifest, kinds.config, kinds.index]) {
      const bytes = withRaw(good, kind, (raw) => {
        raw[raw.length >> 1]! ^= 1;
        return raw;
      });
      expect(["ARCHIVE_CORRUPT", "DIGEST_MISMATCH"]).toContain(await judge(bytes));
    }
  });

  test("a diffID that the config does not have", async () => {
    const bytes = withRaw(good, kinds.layers, (raw) => {
      raw[layerRow.at.diffId]! ^= 1;
      return raw;
    });
    expect(await judge(bytes)).toBe("ARCHIVE_CORRUPT");
  });

  test("a part of a row", async () => {
    expect(checkpointTable.width).toBe(53);
    const bytes = withRaw(good, kinds.checkpoints, (raw) => raw.subarray(1));
    expect(await judge(bytes)).toBe("ARCHIVE_CORRUPT");
  });
});
