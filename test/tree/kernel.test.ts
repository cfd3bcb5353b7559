import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { ErofsImage } from "../../src/formats/erofs/image.ts";
import { verifyImage } from "../../src/formats/erofs/verify.ts";
import { encodeVirtual, VirtualTable } from "../../src/formats/erofs/virtual.ts";
import { createTarScanner } from "../../src/formats/tar/scanner.ts";
import { cString, errno, libc, ptr } from "../../src/system/libc.ts";
import { createTree } from "../../src/tree/tree.ts";
import { writeIndex } from "../../src/tree/write-index.ts";
import { deviceOf, entry, readFile, symlink, walk } from "./entries.ts";

/** Why the kernel can't be asked here; empty where it can. */
function reasonToSkip(): string {
  if (process.platform !== "linux") return "needs Linux";
  if (process.getuid!() !== 0) return "needs root to mount";
  const [major = 0, minor = 0] = release().split(".").map(Number);
  if (major < 6 || (major === 6 && minor < 12)) return "needs Linux 6.12, which mounts EROFS files";
  if (!readFileSync("/proc/filesystems", "utf8").includes("erofs")) {
    Bun.spawnSync(["modprobe", "erofs"]);
  }
  return readFileSync("/proc/filesystems", "utf8").includes("erofs")
    ? ""
    : "needs EROFS in the kernel";
}

const skipped = reasonToSkip();
const kernel = describe.skipIf(skipped !== "");
const suffix = skipped === "" ? "" : ` (skipped: ${skipped})`;

const dir = mkdtempSync(join(tmpdir(), "clip-kernel-"));
const mounted: string[] = [];
afterAll(() => {
  const detach = 2;
  for (const point of mounted) libc().umount2!(ptr(cString(point)), detach);
  rmSync(dir, { recursive: true, force: true });
});

const run = (cwd: string, ...command: string[]): string => {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd });
  if (exitCode !== 0) throw new Error(`${command.slice(0, 3).join(" ")}: ${stderr}`);
  return stdout.toString();
};

/** Mounts an image with its devices, without loop devices. */
function mount(image: string, devices: readonly string[], point: string): void {
  mkdirSync(point);
  const options = devices.map((path) => `device=${path}`).join(",");
  const readOnly = 1;
  const result = libc().mount!(
    ptr(cString(image)),
    ptr(cString(point)),
    ptr(cString("erofs")),
    readOnly,
    ptr(cString(options)),
  );
  if (result !== 0) throw new Error(`mount: errno ${errno()}`);
  mounted.push(point);
}

/** Lists a tree as the kernel shows it; bytes of names as latin1. */
const lister = `
import hashlib, json, os, stat, sys
os.chdir(sys.argv[1])
kinds = {stat.S_IFREG: 'file', stat.S_IFDIR: 'dir', stat.S_IFLNK: 'symlink', stat.S_IFCHR: 'char', stat.S_IFBLK: 'block', stat.S_IFIFO: 'fifo'}
first = {}
def text(b): return b.decode('latin-1')
def show(path, shown):
    s = os.lstat(path)
    kind = kinds[stat.S_IFMT(s.st_mode)]
    item = dict(type=kind, mode=stat.S_IMODE(s.st_mode), uid=s.st_uid, gid=s.st_gid, mtime=str(s.st_mtime_ns), nlink=s.st_nlink,
        xattrs=sorted([text(os.fsencode(n)), text(os.getxattr(path, n, follow_symlinks=False))] for n in os.listxattr(path, follow_symlinks=False)))
    if kind != 'dir': item['same'] = first.setdefault(s.st_ino, shown)
    if kind == 'file':
        item['size'] = s.st_size
        item['sha256'] = hashlib.sha256(open(path, 'rb').read()).hexdigest()
    if kind == 'symlink': item['target'] = text(os.readlink(path))
    if kind in ('char', 'block'): item['device'] = '%d:%d' % (os.major(s.st_rdev), os.minor(s.st_rdev))
    print(json.dumps([shown, item]))
    if kind == 'dir':
        for name in sorted(os.listdir(path)): show(os.path.join(path, name), (shown if shown != '/' else '') + '/' + text(name))
show(b'.', '/')
`;

interface Item {
  type: string;
  mode: number;
  uid: number;
  gid: number;
  mtime: string;
  nlink: number;
  xattrs: string[][];
  /** The first path with the same inode. */
  same?: string | undefined;
  size?: number;
  sha256?: string;
  target?: string;
  device?: string;
}

type Listing = Map<string, Item>;

const listTree = (path: string): Listing =>
  new Map(
    run(path, "python3", "-c", lister, path)
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  );

/** The same listing from the image itself. */
function listImage(index: Parameters<typeof readFile>[0], tars: readonly Uint8Array[]): Listing {
  const listing: Listing = new Map();
  const first = new Map<number, string>();
  for (const [path, seen] of walk(index.image)) {
    const { nid, type } = seen;
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
    const item: Item = {
      type,
      mode: seen.mode & 0o7777,
      uid: seen.uid,
      gid: seen.gid,
      mtime: String(BigInt(seen.mtime) * 10n ** 9n + BigInt(seen.mtimeNs)),
      nlink: seen.nlink,
      xattrs: [...index.image.xattrs(nid)].map(([name, value]) => [text(name), text(value)]),
    };
    if (type !== "dir") {
      if (!first.has(nid)) first.set(nid, path);
      item.same = first.get(nid);
    }
    if (type === "file") {
      const content = readFile(index, nid, tars);
      item.size = seen.size;
      item.sha256 = new Bun.CryptoHasher("sha256").update(content).digest("hex");
    }
    if (type === "symlink") item.target = text(index.image.readlink(nid));
    if (type === "char" || type === "block") item.device = deviceOf(seen);
    listing.set(path, item);
  }
  return listing;
}

/** Merges tars into an index; gives it with the paths of all files that a mount of it needs. */
async function indexTars(name: string, tars: readonly string[]) {
  const tree = createTree();
  const contents: Buffer[] = [];
  const warnings: string[] = [];
  for (const [i, path] of tars.entries()) {
    const tar = Buffer.from(await Bun.file(path).bytes());
    contents.push(tar);
    tree.beginLayer(i);
    const scanner = createTarScanner((one) => tree.add(one), {
      onWarning: (text) => warnings.push(text),
    });
    for (let at = 0; at < tar.length; at += 65_537) scanner.push(tar.subarray(at, at + 65_537));
    scanner.end();
    tree.endLayer();
  }
  const written = writeIndex(
    tree.finish(),
    contents.map(({ length }) => length),
  );
  await Bun.write(join(dir, name), written.image);
  const image = new ErofsImage(written.image);
  verifyImage(image);
  expect([...warnings, ...written.warnings]).toEqual([]);
  return { path: join(dir, name), image, virtual: written.virtual, contents };
}

const differences = (a: Listing, b: Listing): unknown[] =>
  [...new Set([...a.keys(), ...b.keys()])]
    .filter((path) => !Bun.deepEquals(a.get(path), b.get(path)))
    .map((path) => [path, a.get(path), b.get(path)]);

/** Some filesystems count a directory's subdirectories as links, others don't. */
const withoutDirectoryLinks = (listing: Listing): Listing =>
  new Map(
    [...listing].map(([path, item]) => [path, item.type === "dir" ? { ...item, nlink: 0 } : item]),
  );

const oddities = `
set -e; mkdir -p ${"deep/".repeat(60)} many sticky empty acl; cd many
python3 -c "for i in range(3000): open('entry-%d' % i, 'w').write('x' * (i % 700))"; cd ..
printf data > plain; ln plain linked; ln plain many/linked; chmod 6755 plain; chown 4000000000:70000 plain
touch -d '1955-11-05 06:00:00.123456789' old; chmod 1777 sticky; chmod 000 empty
ln -s plain link; ln link link-to-link; ln -s "$(printf 't%.0s' $(seq 1 4000))" long-link
for n in 1 380 384 447 448 449 511 512 513 600 1024; do ln -s "$(printf 'l%.0s' $(seq 1 $n))" link-$n; done
mkfifo pipe; mknod char c 5 1; mknod block b 8 300; ln block block-again; mknod zero c 0 0
touch "$(printf 'not-utf8-\\377')" "$(printf 'new\\nline')" ${"n".repeat(255)}
head -c 1000000 /dev/urandom > random; head -c 512 /dev/urandom > block-long; truncate -s 0 nothing
python3 - <<'END'
import os
f = open('sparse', 'wb')
for at in (0, 65536, 1 << 20, 5 << 20): f.seek(at); f.write(os.urandom(4096 if at else 8192))
f.truncate(9 << 20)
f = open('hole', 'wb'); f.truncate(1 << 21)
for name, value in (('user.bytes', bytes(range(256))), ('user.large', b'v' * 3000), ('trusted.t', b''), ('security.x', b'\\0')):
    os.setxattr('plain', name, value)
os.setxattr('many', 'user.on-a-directory', b'yes')
os.setxattr('link-600', 'trusted.on-a-link', b'yes' * 300, follow_symlinks=False)
END
setcap cap_net_raw+ep random`;

kernel(`a real kernel mounts the index${suffix}`, () => {
  if (skipped !== "") return;
  const source = join(dir, "source");
  mkdirSync(source);
  run(source, "bash", "-c", oddities);

  test.each(["--sparse-version=1.0", "--sparse-version=0.1", "--sparse-version=0.0"])(
    "and shows what GNU tar unpacks and what the reader reads (%s)",
    async (version) => {
      const name = version.slice(-3);
      const tar = join(dir, `${name}.tar`);
      const keep = ["--xattrs", "--xattrs-include=*", "--numeric-owner"];
      run(source, "tar", "--format=posix", "--sparse", version, ...keep, "-cf", tar, ".");
      const second = join(dir, `second-${name}.tar`);
      const top = join(dir, `top-${name}`);
      run(
        dir,
        "bash",
        "-c",
        `mkdir -p ${top}/many; cd ${top}; printf new > many/entry-7; printf 2 > linked; ln -s x many/entry-8`,
      );
      run(top, "tar", "--format=posix", "-cf", second, "many/entry-7", "linked", "many/entry-8");
      const unpacked = join(dir, `unpacked-${name}`);
      mkdirSync(unpacked);
      for (const one of [tar, second]) run(unpacked, "tar", "-xpf", one, ...keep, "--same-owner");
      // The second tar has no entries for these: unpacking it changed their times.
      for (const one of [".", "many"]) run(unpacked, "touch", "-r", join(source, one), one);

      const index = await indexTars(`index-${name}`, [tar, second]);
      const point = join(dir, `mnt-${name}`);
      mount(index.path, [tar, second], point);
      const shown = listTree(point);
      expect(shown.size).toBeGreaterThan(3090);
      expect(differences(shown, listImage(index, index.contents))).toEqual([]);
      const original = withoutDirectoryLinks(listTree(unpacked));
      expect(differences(withoutDirectoryLinks(shown), original)).toEqual([]);
    },
    30_000,
  );

  test("with data that is not aligned, read by way of the virtual device", async () => {
    const tar = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
    const tree = createTree();
    tree.beginLayer(0);
    tree.add(
      entry("file", "a", { size: 30_000, extents: [{ offset: 0, length: 30_000, at: 54 }] }),
    );
    const extents = [
      { offset: 100, length: 900, at: 40_001 },
      { offset: 70_000, length: 5000, at: 50_000 },
    ];
    tree.add(entry("file", "b", { size: 99_999, extents }));
    tree.add(entry("file", "c", { size: 512, extents: [{ offset: 0, length: 512, at: 512 }] }));
    tree.add(symlink("d", "c"));
    const written = writeIndex(tree.finish(), [tar.length]);
    const image = new ErofsImage(written.image);
    verifyImage(image);
    const device = Buffer.alloc(image.deviceBlocks[image.virtualDevice - 1]! * 512);
    const table = new VirtualTable(encodeVirtual(written.virtual), [tar.length]);
    table.resolve(0, device.length, (virtual, length, real, at) => {
      if (real !== 0) device.set(tar.subarray(at, at + length), virtual);
    });
    const at = (name: string) => join(dir, `virtual-${name}`);
    await Bun.write(at("image"), written.image);
    await Bun.write(at("tar"), tar);
    await Bun.write(at("device"), device);
    mount(at("image"), [at("tar"), at("device")], at("mnt"));
    const index = { image, virtual: written.virtual };
    expect(differences(listTree(at("mnt")), listImage(index, [tar]))).toEqual([]);
    const c = await Bun.file(join(at("mnt"), "c")).bytes();
    expect(Buffer.from(c).equals(tar.subarray(512, 1024))).toBe(true);
  });
});
