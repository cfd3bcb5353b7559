import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TarEntry } from "../../../src/formats/tar/entry.ts";
import { contentOf, scan } from "./scan.ts";

const dir = mkdtempSync(join(tmpdir(), "clip-tars-"));
afterAll(() => rmSync(dir, { recursive: true }));

/** Writes odd tars with Python's tarfile, and lists what it finds in any tar: bytes as latin1, times as decimals. */
const script = String.raw`
import io, json, sys, tarfile
def text(s): return s.encode('utf-8', 'surrogateescape').decode('latin-1')
def write(name, format):
    with tarfile.open(name, 'w', format=format, encoding='utf-8', errors='surrogateescape') as tar:
        def add(name, data=b'', **fields):
            info = tarfile.TarInfo(name)
            for key, value in fields.items(): setattr(info, key, value)
            if info.isreg(): info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        add('plain', b'plain data', mode=0o4755, uid=1, gid=2, mtime=1700000000)
        add('d/' + 'x' * 200 + '/y', b'a' * 513)
        add('not-utf8-\udcff', b'')
        add('new\nline', b'b' * 512)
        add('old', b'', mtime=-12345)
        add('owner', b'', uid=4000000000, gid=3000000000)
        add('dir', type=tarfile.DIRTYPE, mode=0o1777)
        add('link', type=tarfile.SYMTYPE, linkname='t' * 180)
        add('hard', type=tarfile.LNKTYPE, linkname='plain')
        add('char', type=tarfile.CHRTYPE, devmajor=5, devminor=1)
        add('block', type=tarfile.BLKTYPE, devmajor=8, devminor=300)
        add('fifo', type=tarfile.FIFOTYPE)
        if format == tarfile.PAX_FORMAT:
            add('fine', b'', mtime=1700000000.25)
            add('ancient', b'', mtime=-1.5)
def listing(name):
    with tarfile.open(name, encoding='utf-8', errors='surrogateescape') as tar:
        for member in tar:
            data = tar.extractfile(member).read() if member.isreg() else b''
            print(json.dumps([text(member.name), member.type.decode(), text(member.linkname), member.mode & 0o7777,
                member.uid, member.gid, str(member.mtime), data.decode('latin-1')]))
{'pax': lambda n: write(n, tarfile.PAX_FORMAT), 'gnu': lambda n: write(n, tarfile.GNU_FORMAT), 'list': listing}[sys.argv[1]](sys.argv[2])
`;

const run = (...command: string[]): Buffer => {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: dir });
  if (exitCode !== 0) throw new Error(`${command.slice(0, 2).join(" ")}: ${stderr}`);
  return stdout as Buffer;
};
const python = (...args: string[]) => run("python3", "-c", script, ...args);

const flags: Readonly<Record<string, string>> = {
  "\0": "file",
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "dir",
  "6": "fifo",
};

async function expectSameAsPython(name: string): Promise<TarEntry[]> {
  const tar = Buffer.from(await Bun.file(join(dir, name)).bytes());
  const { entries, warnings } = scan(tar);
  expect(warnings).toEqual([]);
  expect(scan(tar, 1009).entries).toEqual(entries);
  const listed = python("list", name).toString().trim().split("\n");
  const expected = listed.map((line) => {
    const [path, flag, linkName, mode, uid, gid, mtime, data] = JSON.parse(line);
    return [path, flags[flag], linkName, mode, uid, gid, Number(mtime), data];
  });
  const found = entries.map((entry) => [
    entry.name.replace(/\/$/, ""),
    entry.type,
    entry.linkName,
    entry.mode,
    entry.uid,
    entry.gid,
    entry.mtime + entry.mtimeNs / 1e9,
    contentOf(tar, entry).toString("latin1"),
  ]);
  expect(found).toEqual(expected);
  return entries;
}

describe("tars of Python's tarfile are read as it reads them", () => {
  test.each(["pax", "gnu"])("%s", async (format) => {
    python(format, `${format}.tar`);
    const entries = await expectSameAsPython(`${format}.tar`);
    const block = entries.find(({ name }) => name === "block");
    expect(block).toMatchObject({ devMajor: 8, devMinor: 300 });
  });
});

describe("tars of GNU tar are read as Python reads them", () => {
  run(
    "bash",
    "-c",
    `
    mkdir -p src/${"deep/".repeat(40)}; cd src
    echo one > one; ln one two; ln -s one three; mkfifo pipe
    printf x > "$(printf 'bad\\377name')"; printf y > "$(printf 'a\\nb')"
    head -c 1500 /dev/zero > ${"n".repeat(150)}; touch -d '1960-01-01' old
    chmod 2755 one`,
  );
  test.each(["v7", "oldgnu", "gnu", "ustar", "posix"])("%s", async (format) => {
    const sources = format === "v7" ? ["src/one", "src/two", "src/three"] : ["src"];
    const exclude =
      format === "ustar" || format === "v7"
        ? ["--exclude=n*", "--exclude=old", "--exclude=deep"]
        : [];
    run("tar", `--format=${format}`, ...exclude, "-cf", `${format}.tar`, ...sources);
    await expectSameAsPython(`${format}.tar`);
  });
});

const value = Buffer.from([0, 10, 255, 61, 0]);
await Bun.write(join(dir, "attributed"), "");
const set = ["setfattr", "-n", "user.bytes", "-v", `0x${value.toString("hex")}`, "attributed"];
const canSet = Bun.spawnSync(set, { cwd: dir }).exitCode === 0;
const reason = canSet ? "" : " (skipped: the temporary directory keeps no user attributes)";

test.skipIf(!canSet)(`attributes that GNU tar saves are read with every byte${reason}`, () => {
  const { entries } = scan(run("tar", "--xattrs", "--format=posix", "-cf", "-", "attributed"));
  expect(entries[0]!.xattrs).toEqual([["user.bytes", value.toString("latin1")]]);
});
