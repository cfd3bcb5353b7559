#!/usr/bin/env python3
"""oddities.py gnu|pax OUT: writes the third layer of the test image, a tar of everything that is seldom.

With `gnu` some sparse files are of GNU's old type S, with `pax` the same files are in PAX form (umoci refuses S).
Needs root, for devices and capabilities. The layers below are those of base.sh.
"""
import random
import struct
import sys

import gnutar
from tarwriter import NS, TarWriter

ROOT = b"oddities/"
DIR, FILE, HARD, SYM, CHAR, BLOCKDEV, FIFO = b"5", b"0", b"1", b"2", b"3", b"4", b"6"


def xattr(name, value):
    return (b"SCHILY.xattr." + name, value)


def noise(seed, length):
    return random.Random(seed).randbytes(length)


def folder(tar, name, **more):
    tar.entry(name.rstrip(b"/") + b"/", DIR, **{"mode": 0o755, **more})


def whiteouts(tar):
    for name in (
        b"etc/.wh.os-release",  # a symbolic link; what it points to stays
        b"usr/share/doc/.wh.adduser",  # a directory
        b"etc/.wh.never-was",  # nothing
        b"usr/bin/.wh.perl5.36.0",  # one of two hard links: the other's link count drops
        b"bin/.wh.zmore",  # through the symbolic link bin -> usr/bin
        b"./usr/share/doc/.wh.bash",  # made anew below
    ):
        tar.entry(name, mode=0)
    folder(tar, b"usr/share/doc/bash", mtime=1_111_111_111 * NS)
    tar.entry(b"usr/share/doc/bash/anew", data=b"of this layer\n")
    # In the other order: whiteouts never hide entries of their own layer.
    folder(tar, b"usr/share/doc/apt", mode=0o711)
    tar.entry(b"usr/share/doc/apt/kept", data=b"written before the whiteout\n")
    tar.entry(b"usr/share/doc/.wh.apt", mode=0)


def opaque(tar):
    folder(tar, b"usr/share/man", mtime=1_222_222_222 * NS)
    tar.entry(b"usr/share/man/.wh..wh..opq", mode=0)
    tar.entry(b"usr/share/man/after", data=b"entry after the opaque mark\n")
    folder(tar, b"usr/share/locale")
    folder(tar, b"usr/share/locale/zz")
    tar.entry(b"usr/share/locale/zz/before", data=b"entry before the opaque mark\n")
    tar.entry(b"usr/share/locale/.wh..wh..opq", mode=0)
    folder(tar, b"usr/share/bug")
    tar.entry(b"usr/share/bug/.wh..wh..opq", mode=0)  # left empty


def links(tar):
    at = ROOT + b"links/"
    folder(tar, at)
    tar.entry(at + b"first", data=b"one inode\n", mode=0o640, uid=7, pax=[xattr(b"user.of", b"the inode")])
    for name in (b"second", b"third"):
        # Attributes of a hard link's own entry do not count: the inode has them.
        tar.entry(at + name, HARD, link=at + b"first", mode=0, uid=99, mtime=5 * NS)
    tar.entry(at + b"dotted", HARD, link=b"./" + at + b"first")
    tar.entry(at + b"absolute", HARD, link=b"/" + at + b"first")
    tar.entry(at + b"below", HARD, link=b"usr/bin/zgrep")  # across layers
    tar.entry(at + b"below-absolute", HARD, link=b"/usr/bin/zgrep")
    tar.entry(at + b"through-symlink", HARD, link=b"bin/zcat")
    tar.entry(at + b"chain", HARD, link=at + b"second")
    tar.entry(at + b"split-1", data=b"before the split\n")
    tar.entry(at + b"split-2", HARD, link=at + b"split-1")
    tar.entry(at + b"split-1", data=b"a file of its own now\n")  # a new file; split-2 keeps the old inode
    tar.entry(at + b"replaced", data=b"hidden by the link\n")
    tar.entry(at + b"replaced", HARD, link=at + b"first")
    tar.entry(at + b"kept-from-below", HARD, link=b"usr/bin/zless")
    tar.entry(b"usr/bin/zless", data=b"new zless\n", mode=0o755)  # the link keeps what was below
    tar.entry(at + b"char", CHAR, dev=(1, 5), mode=0o666)
    tar.entry(at + b"char-link", HARD, link=at + b"char")
    tar.entry(at + b"symlink", SYM, link=b"first")
    tar.entry(at + b"symlink-link", HARD, link=at + b"symlink")
    long = at + b"long-" + b"l" * 150
    tar.entry(long, data=b"long name, PAX\n")
    tar.entry(at + b"to-long-pax", HARD, link=long)
    tar.entry(at + b"to-long-gnu", HARD, link=long, style="gnu")


def attributes(tar):
    at = ROOT + b"attributes/"
    folder(tar, at)
    for bits in (0o0, 0o111, 0o1644, 0o2755, 0o4755, 0o6711, 0o7777):
        tar.entry(at + b"mode-%04o" % bits, data=b"x", mode=bits)
        folder(tar, at + b"dir-%04o" % bits, mode=bits)
    # vfs_cap_data, revisions 2 and 3 (linux/capability.h): magic with the effective bit, two pairs of masks, root id.
    tar.entry(at + b"capability-2", data=b"x", mode=0o755,
              pax=[xattr(b"security.capability", struct.pack("<5I", 0x02000001, 0x2000, 0, 0, 0))])
    tar.entry(at + b"capability-3", data=b"x", mode=0o755,
              pax=[xattr(b"security.capability", struct.pack("<6I", 0x03000001, 0x1000, 0, 0x40, 0, 1000))])
    tar.entry(at + b"xattrs", data=b"x", pax=[
        xattr(b"user.nul", b"a\0b\0"), xattr(b"user.newline", b"\n1 x=y\n"), xattr(b"user.not-utf8", b"\xff\xfe\x80"),
        xattr(b"user.empty", b""), xattr(b"user.equals=in.name", b"=="), xattr(b"user.n\xc3\xa4me", b"utf8 name"),
        xattr(b"user.large", noise("xattr", 3000)), xattr(b"trusted.test", b"\0\xff"),
    ])
    folder(tar, at + b"xattr-dir", pax=[xattr(b"user.dir", b"\0dir"), xattr(b"trusted.dir", b"t")])
    tar.entry(at + b"xattr-symlink", SYM, link=b"xattrs", pax=[xattr(b"trusted.link", b"on a symlink")])
    for number in range(3):  # the same attributes thrice, as an index may share them
        tar.entry(at + b"shared-%d" % number, data=b"%d" % number,
                  pax=[xattr(b"user.shared", b"the same value everywhere" * 4), xattr(b"user.own", b"%d" % number)])
    for name, ns in (
        (b"1970", 0), (b"before-1970", -1), (b"1969-with-ns", -1_500_000_001), (b"1901", -2_147_483_648 * NS),
        (b"1955", -473_385_600 * NS + 123_456_789), (b"2038", 2_147_483_648 * NS + 999_999_999),
        (b"2100", 4_102_444_800 * NS + 1), (b"one-ns", 1),
    ):
        tar.entry(at + b"time-" + name, data=b"t", mtime=ns)
        folder(tar, at + b"time-dir-" + name, mtime=ns)
        tar.entry(at + b"time-link-" + name, SYM, link=b"t", mtime=ns)
    tar.entry(at + b"time-base256", data=b"t", mtime=-86_400 * NS, style="gnu")
    for name, uid, gid in ((b"octal-limit", 2_097_151, 2_097_151), (b"above", 2_097_152, 3_000_000),
                           (b"above-2-31", 2_147_483_648, 4_294_967_294)):
        for style in (b"pax", b"gnu"):
            tar.entry(at + b"id-" + name + b"-" + style, data=b"i", uid=uid, gid=gid, style=style.decode())
    folder(tar, at + b"id-dir", uid=3_000_000_000, gid=1)
    tar.entry(at + b"id-link", SYM, link=b"nowhere", uid=70_000, gid=80_000)
    tar.entry(at + b"size-in-pax", data=noise("pax size", 70_001), pax_size=True)
    tar.entry(at + b"old-tar", b"\0", data=b"type is a NUL\n", style="v7")
    tar.entry(at + b"old-tar-dir/", b"\0", mode=0o750, style="v7")
    tar.entry(at + b"fifo", FIFO, mode=0o620)
    tar.entry(at + b"block", BLOCKDEV, dev=(8, 1), mode=0o660, gid=6)


def names(tar):
    at = ROOT + b"names/"
    folder(tar, at)
    for number, name in enumerate((
        b"new\nline", b"tab\there", b"space at end ", b" ", b"-rf", b"back\\slash", b"\xff\xfe\x80 not utf8", b"latin1-\xe9",
        "ünïcödé-日本語-🙂".encode(), b"\xc3\x28", b"\x01\x7f", b"...", b"..x", b"x.wh.y", b"*?[a]", b"'\"$`", b"n" * 255,
        "é".encode() * 127 + b"x", b"\xf0" * 255,
    )):
        tar.entry(at + name, data=b"name %d\n" % number, style="gnu" if number % 2 else "pax")
        tar.entry(at + b"to-%d" % number, SYM, link=name)
    folder(tar, at + b"dir\nwith\xffodd")
    tar.entry(at + b"dir\nwith\xffodd/in\xfeside", data=b"inside\n")
    tar.entry(at + b"prefix/" + b"p" * 90 + b"/" + b"q" * 90, data=b"ustar prefix\n", style="ustar")
    deep = at + b"deep"
    for depth in range(40):
        folder(tar, deep, style="gnu" if depth % 2 else "pax", mtime=(1_000_000_000 + depth) * NS)
        deep += b"/" + b"level-%02d-%s" % (depth, b"d" * 30)
    tar.entry(deep, data=b"deep\n")
    for length in (99, 100, 101, 255, 256, 1000, 4095):
        for style in ("pax", "gnu"):
            tar.entry(at + b"target-%d-%s" % (length, style.encode()), SYM, link=b"/" + b"t" * (length - 1), style=style)


def replaced(tar):
    at = ROOT + b"replaced/"
    folder(tar, at)
    # By this layer, of the layers below.
    tar.entry(b"usr/share/doc/dash", data=b"a file where a directory was\n")
    folder(tar, b"usr/share/doc/grep/copyright")  # a directory where a file was
    tar.entry(b"usr/share/doc/grep/copyright/inside", data=b"inside\n")
    tar.entry(b"usr/share/doc/sed", SYM, link=b"grep")  # a symbolic link where a directory was
    folder(tar, b"etc/mtab")  # a directory where a symbolic link may have been
    # Within the layer: the last wins.
    tar.entry(at + b"file-then-dir", data=b"x")
    folder(tar, at + b"file-then-dir", mode=0o700)
    folder(tar, at + b"dir-then-file")
    tar.entry(at + b"dir-then-file/child", data=b"gone\n")
    tar.entry(at + b"dir-then-file", data=b"file\n")
    tar.entry(at + b"twice", data=b"first", mode=0o600, pax=[xattr(b"user.first", b"gone")])
    tar.entry(at + b"twice", data=b"second, longer", mode=0o644, mtime=7 * NS)
    tar.entry(at + b"link-then-file", SYM, link=b"twice")
    tar.entry(at + b"link-then-file", data=b"not written through the link\n")
    folder(tar, at + b"dir-twice", mode=0o700, pax=[xattr(b"user.first", b"gone")])
    tar.entry(at + b"dir-twice/kept", data=b"kept\n")
    folder(tar, at + b"dir-twice", mode=0o755, pax=[xattr(b"user.second", b"stays")])
    tar.entry(at + b"device-then-file", CHAR, dev=(1, 3))
    tar.entry(at + b"device-then-file", data=b"file\n")


def implied(tar):
    tar.entry(ROOT + b"implied/one/two/file", data=b"no entries for my parents\n")
    tar.entry(ROOT + b"implied-late/sub/file", data=b"the parents' entries come after\n")
    folder(tar, ROOT + b"implied-late/sub", mode=0o700, uid=5, mtime=3 * NS)
    folder(tar, ROOT + b"implied-late", mode=0o711, gid=6, mtime=4 * NS)


def escapes(tar):
    at = ROOT + b"escapes/"
    folder(tar, at)
    tar.entry(b"/" + at + b"absolute", data=b"absolute name\n")
    tar.entry(b"../../../" + at + b"dot-dot", data=b"kept inside\n")
    tar.entry(at + b"a/../cleaned", data=b"dots inside the name\n")
    tar.entry(at + b"././/double//slash", data=b"slashes\n")
    tar.entry(at + b"up", SYM, link=b"../../../../../../../../oddities/escapes/target")
    folder(tar, at + b"target")
    tar.entry(at + b"up/through-up", data=b"through a link that climbs\n")
    tar.entry(at + b"abs", SYM, link=b"/oddities/escapes/target")
    tar.entry(at + b"abs/through-abs", data=b"through an absolute link\n")
    tar.entry(at + b"dangling", SYM, link=b"/oddities/escapes/not-yet/there")
    tar.entry(at + b"dangling/through-dangling", data=b"through a dangling link\n")
    tar.entry(b"bin/oddity", data=b"bin is a symbolic link below\n", mode=0o755)
    tar.entry(at + b"link-up", HARD, link=b"../../" + at + b"target/through-up")


def contents(tar):
    at = ROOT + b"contents/"
    folder(tar, at)
    folder(tar, at + b"empty-dir")
    tar.entry(at + b"empty")
    tar.entry(at + b"random", data=noise("random", 3_000_000))  # stored blocks
    tar.entry(at + b"zeros", data=bytes(9_000_000))  # blocks of many megabytes of output
    tar.entry(at + b"text", data=b"".join(b"line %d of the text\n" % line for line in range(100_000)))
    for size in (1, 511, 512, 513, 4095, 4096, 4097, 65_535, 65_536, 65_537):
        tar.entry(at + b"size-%d" % size, data=noise(size, size))
    folder(tar, at + b"many")
    for number in range(1200):
        tar.entry(at + b"many/%04d" % number, data=b"%d\n" % number)


def main():
    flavour, out_path = sys.argv[1:]
    with open(out_path, "wb") as out:
        tar = TarWriter(out)
        folder(tar, b"./", mtime=1_234_567_890_123_456_789)
        folder(tar, ROOT, mtime=1_333_333_333 * NS)
        for part in (whiteouts, opaque, links, attributes, names, replaced, implied, escapes, contents):
            part(tar)
        tar.append_tar(gnutar.specials())
        for version in ("0.0", "0.1", "1.0"):
            tar.append_tar(gnutar.sparse(f"sparse-pax-{version}", "--format=posix", f"--sparse-version={version}",
                                         "--pax-option=delete=atime,delete=ctime,exthdr.name=%d/PaxHeaders/%f"))
        old = ["--format=gnu"] if flavour == "gnu" else ["--format=posix", "--sparse-version=1.0"]
        # GNU's old format has whole seconds only.
        tar.append_tar(gnutar.sparse("sparse-old", "--mtime=@1400000000", "--pax-option=delete=atime,delete=ctime", *old)
                       if flavour == "pax" else gnutar.sparse("sparse-old", "--mtime=@1400000000", *old))
        tar.close()


main()
