"""The parts of the oddities layer that GNU tar makes from a real tree: ordinary specials, and sparse files."""
import os
import random
import stat
import subprocess
import tempfile

KIB = 1024


def tar(root, *options):
    return subprocess.run(
        ["tar", "--create", "--record-size=512", "--numeric-owner", "--sort=name", *options, "oddities"],
        cwd=root, check=True, stdout=subprocess.PIPE).stdout


def settle(root):
    """Fixed owners' defaults and times, so that the tar has the same bytes on every machine."""
    for folder, folders, files in os.walk(os.fsencode(root), topdown=False):
        for number, name in enumerate(sorted(folders + files)):
            path = os.path.join(folder, name)
            os.utime(path, ns=(0, 1_500_000_000_123_456_789 + number * 1_000_000_007), follow_symlinks=False)
    os.utime(os.path.join(root, "oddities"), ns=(0, 1_500_000_000_000_000_001))


def specials():
    """A tree of what a system has, archived with its xattrs: capabilities, devices, a FIFO, set-id bits, an ACL."""
    with tempfile.TemporaryDirectory() as root:
        base = f"{root}/oddities/gnu-tar"
        os.makedirs(base)

        def file(name, data=b"#!/bin/sh\nexit 0\n", mode=0o755):
            with open(f"{base}/{name}", "wb") as out:
                out.write(data)
            os.chown(f"{base}/{name}", 0, 0)
            os.chmod(f"{base}/{name}", mode)
            return f"{base}/{name}"

        subprocess.run(["setcap", "cap_net_raw,cap_net_admin+ep", file("capable")], check=True)
        subprocess.run(["setcap", "cap_setuid+i", file("capable-inheritable")], check=True)
        os.setxattr(file("binary-xattr"), "user.binary", bytes(range(256)) + b"\n=\0\xff")
        os.setxattr(file("empty-xattr"), "user.empty", b"")
        os.setxattr(file("trusted"), "trusted.clip.test", b"\0\1\2")
        subprocess.run(["setfacl", "-m", "u:12345:rw,g:54321:r", file("acl", mode=0o640)], check=True)
        file("setuid", mode=0o4755)
        file("setgid", mode=0o2711)
        file("all-bits", mode=0o7777)
        file("no-bits", mode=0)
        os.mkdir(f"{base}/sticky")
        os.chmod(f"{base}/sticky", 0o1777)
        os.mkdir(f"{base}/setgid-dir")
        os.chmod(f"{base}/setgid-dir", 0o2775)
        os.setxattr(f"{base}/setgid-dir", "user.on-a-directory", b"yes")
        for name, kind, major, minor in (("char", stat.S_IFCHR, 1, 3), ("block", stat.S_IFBLK, 259, 70_000),
                                         ("zero-dev", stat.S_IFCHR, 0, 0), ("big-dev", stat.S_IFCHR, 4095, 1_048_575)):
            os.mknod(f"{base}/{name}", kind | 0o660, os.makedev(major, minor))
            os.chmod(f"{base}/{name}", 0o660)
        os.mkfifo(f"{base}/fifo")
        os.link(f"{base}/fifo", f"{base}/fifo-link")
        os.link(f"{base}/char", f"{base}/char-link")
        os.symlink("../gnu-tar/setuid", f"{base}/symlink")
        os.link(f"{base}/symlink", f"{base}/symlink-link", follow_symlinks=False)
        settle(root)
        # The times of the parents belong to the layer's own entries for them.
        return tar(root, "--format=posix", "--xattrs", "--xattrs-include=*",
                   "--pax-option=delete=atime,delete=ctime,exthdr.name=%d/PaxHeaders/%f")


# name -> (logical size, [(offset, length)]): all offsets and lengths in whole blocks, as GNU tar finds them.
SPARSE = {
    "hole-only": (300 * KIB, []),
    "data-then-hole": (512 * KIB, [(0, 64 * KIB)]),
    "hole-then-data": (516 * KIB, [(512 * KIB, 4 * KIB)]),
    "two-islands": (4096 * KIB, [(256 * KIB, 8 * KIB), (2048 * KIB, 100 * KIB)]),
    "many-islands": (16384 * KIB, [(number * 128 * KIB, 4 * KIB) for number in range(1, 100)]),
    "large": (64 * 1024 * KIB, [(0, 4 * KIB), (50_000 * KIB, 12 * KIB)]),
}


def sparse(folder, *options):
    """The files of SPARSE under oddities/FOLDER, archived by GNU tar with `options`."""
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(f"{root}/oddities/{folder}")
        for name, (size, islands) in SPARSE.items():
            with open(f"{root}/oddities/{folder}/{name}", "wb") as out:
                out.truncate(size)
                for offset, length in islands:
                    out.seek(offset)
                    out.write(random.Random(f"{name}{offset}").randbytes(length))
        with open(f"{root}/oddities/{folder}/odd-length", "wb") as out:
            out.seek(128 * KIB)
            out.write(b"ends in the middle of a block")
        for folder_path, _, files in os.walk(root):
            for name in files:
                os.chmod(f"{folder_path}/{name}", 0o644)
        settle(root)
        return tar(root, "--sparse", *options)
