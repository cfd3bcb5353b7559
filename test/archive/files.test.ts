import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { openArchive } from "../../src/archive/open.ts";
import { writeArchive } from "../../src/archive/write.ts";
import { isClipError } from "../../src/errors.ts";
import { digestOf } from "../../src/formats/oci/digest.ts";
import { osPath } from "../../src/system/paths.ts";
import { runTool, temporaryDirectory } from "../support/tiny-image.ts";
import { archiveBytes, sampleImage } from "./sample.ts";

let folder: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  folder = temporaryDirectory();
});
afterEach(() => folder.remove());

const { contents } = await sampleImage();
const at = (name: string) => join(folder.path, name);

const failure = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!isClipError(error)) throw error ?? new Error("it did not fail");
  return error;
};

describe("writing", () => {
  test("gives the same file every time, and tells what it is", async () => {
    const written = await writeArchive(at("a.clip"), contents);
    await writeArchive(at("b.clip"), contents);
    const bytes = readFileSync(at("a.clip"));
    expect(bytes.equals(readFileSync(at("b.clip")))).toBe(true);
    expect(bytes.equals(archiveBytes(contents))).toBe(true);
    const archive = await openArchive(at("a.clip"));
    expect(written).toEqual({ size: bytes.length, digest: digestOf(bytes), id: archive.id });
    expect(await archive.fileDigest()).toBe(written.digest);
    await archive.close();
    expect(readdirSync(folder.path).sort()).toEqual(["a.clip", "b.clip"]);
  });

  test("the umask decides who may read it", async () => {
    const before = process.umask(0o027);
    try {
      await writeArchive(at("a.clip"), contents);
    } finally {
      process.umask(before);
    }
    expect(statSync(at("a.clip")).mode & 0o777).toBe(0o640);
  });

  test("replaces what was there, through a name of 255 bytes or of any bytes", async () => {
    for (const name of [`${"n".repeat(250)}.clip`, "caf\udce9.clip"]) {
      writeFileSync(osPath(at(name)), "old");
      await writeArchive(at(name), contents);
      const archive = await openArchive(at(name));
      expect(archive.layers).toHaveLength(3);
      await archive.close();
    }
    expect(readdirSync(folder.path, { encoding: "buffer" })).toHaveLength(2);
  });

  test("leaves what was there and nothing else when it is stopped", async () => {
    writeFileSync(at("a.clip"), "old");
    const work = writeArchive(at("a.clip"), contents, { signal: AbortSignal.abort() });
    expect((await failure(work)).code).toBe("INTERRUPTED");
    const controller = new AbortController();
    const later = writeArchive(at("a.clip"), contents, { signal: controller.signal });
    setImmediate(() => controller.abort());
    expect((await failure(later)).code).toBe("INTERRUPTED");
    expect(readFileSync(at("a.clip"), "utf8")).toBe("old");
    expect(readdirSync(folder.path)).toEqual(["a.clip"]);
  });

  test("what does not verify when it is read back never appears", async () => {
    const [first, ...rest] = contents.layers;
    const lie = {
      ...contents,
      layers: [{ ...first!, diffId: digestOf(new Uint8Array(1)) }, ...rest],
    };
    expect((await failure(writeArchive(at("a.clip"), lie))).message).toContain("does not verify");
    const impossible = { ...contents, layers: [{ ...first!, checkpoints: [] }, ...rest] };
    await failure(writeArchive(at("a.clip"), impossible));
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test("a directory that is not there, or in its way, is named", async () => {
    const missing = await failure(writeArchive(at("none/a.clip"), contents));
    expect([missing.code, missing.message]).toEqual([
      "FILE_NOT_FOUND",
      expect.stringContaining("none"),
    ]);
    mkdirSync(at("a.clip"));
    expect((await failure(writeArchive(at("a.clip"), contents))).code).toBe("IO");
    expect(readdirSync(folder.path)).toEqual(["a.clip"]);
  });
});

describe("opening", () => {
  const codeOf = async (path: string) => {
    const error = await failure(openArchive(path));
    expect(error.message).toContain(path);
    return error.code;
  };

  test("what is no regular file is no archive, and nothing waits for it", async () => {
    runTool("mkfifo", at("fifo"));
    expect(await codeOf(at("fifo"))).toBe("NOT_AN_ARCHIVE");
    expect(await codeOf(folder.path)).toBe("NOT_AN_ARCHIVE");
    expect(await codeOf("/dev/zero")).toBe("NOT_AN_ARCHIVE");
    expect(await codeOf(at("missing"))).toBe("FILE_NOT_FOUND");
    symlinkSync("loop", at("loop"));
    expect(await codeOf(at("loop"))).toBe("IO");
  });

  test("damage names the file", async () => {
    writeFileSync(at("empty"), "");
    expect(await codeOf(at("empty"))).toBe("NOT_AN_ARCHIVE");
    writeFileSync(at("cut"), archiveBytes(contents).subarray(0, 5000));
    expect(await codeOf(at("cut"))).toBe("ARCHIVE_TRUNCATED");
    const format1 = Buffer.concat([Buffer.from("89434c49500d0a1a0a01", "hex"), Buffer.alloc(99)]);
    writeFileSync(at("old"), format1);
    expect(await codeOf(at("old"))).toBe("UNSUPPORTED");
  });

  test("an archive that says to be huge costs as much as it has", async () => {
    writeFileSync(at("sparse"), archiveBytes(contents));
    truncateSync(at("sparse"), 2 ** 40);
    expect(await codeOf(at("sparse"))).toBe("ARCHIVE_CORRUPT");
  });

  test("a file cut while it is open gives an error, and one replaced stays what it was", async () => {
    await writeArchive(at("a.clip"), contents);
    const archive = await openArchive(at("a.clip"));
    await writeArchive(at("a.clip"), { ...contents, indexer: "another" });
    expect(await archive.layers[0]!.window(1)).toEqual(contents.layers[0]!.checkpoints[1]!.window);
    await archive.close();
    const other = await openArchive(at("a.clip"));
    truncateSync(at("a.clip"), 3000);
    const error = await failure(other.layers[0]!.window(5));
    expect([error.code, error.message]).toEqual([
      "ARCHIVE_TRUNCATED",
      expect.stringContaining(at("a.clip")),
    ]);
    await other.close();
  });
});
