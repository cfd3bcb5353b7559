#!/usr/bin/env python3
"""tree.py [--no-contents] DIR [OUT]: lists the tree under DIR (see listing.py), DIR itself as "/"."""
import argparse
import hashlib
import os
import stat
import sys

import listing

# What filesystems make up themselves; ACLs are real attributes.
KEPT_SYSTEM = (b"system.posix_acl_access", b"system.posix_acl_default")
INVENTED = (b"security.selinux", b"security.ima", b"security.evm")
PIECE = 1 << 20


def sha256(path, size):
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as source:
        total = 0
        while piece := source.read(PIECE):
            digest.update(piece)
            total += len(piece)
    if total != size:
        raise OSError(f"{listing.escape(path)}: read {total} bytes of {size}")
    return digest.hexdigest()


def xattrs(path):
    found = {}
    for name in sorted(map(os.fsencode, os.listxattr(path, follow_symlinks=False))):
        if (name.startswith(b"system.") and name not in KEPT_SYSTEM) or name in INVENTED:
            continue
        found[listing.escape(name)] = os.getxattr(path, name, follow_symlinks=False).hex()
    return found


def describe(path, contents):
    info = os.lstat(path)
    kind = listing.TYPES[stat.S_IFMT(info.st_mode)]
    fields = {
        "inode": (info.st_dev, info.st_ino), "type": kind, "mode": f"{stat.S_IMODE(info.st_mode):04o}",
        "uid": info.st_uid, "gid": info.st_gid, "mtime": info.st_mtime_ns, "nlink": info.st_nlink,
    }
    if kind == "file":
        fields["size"] = info.st_size
        if contents:
            fields["sha256"] = sha256(path, info.st_size)
    elif kind == "symlink":
        fields["target"] = listing.escape(os.readlink(path))
        if info.st_size != len(os.readlink(path)):
            raise OSError(f"{listing.escape(path)}: size {info.st_size} is not that of its target")
    elif kind in ("char", "block"):
        fields["rdev"] = f"{os.major(info.st_rdev)}:{os.minor(info.st_rdev)}"
    if attributes := xattrs(path):
        fields["xattrs"] = attributes
    return fields


def walk(root, contents):
    pending = [b"/"]
    while pending:
        path = pending.pop()
        fields = describe(root + path, contents)
        yield path, fields
        if fields["type"] == "dir":
            inside = path.rstrip(b"/") + b"/"
            # os.listdir, not scandir: types are lstat's business, not the directory's.
            pending.extend(inside + name for name in os.listdir(root + path))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-contents", action="store_true")
    parser.add_argument("dir", type=os.fsencode)
    parser.add_argument("out", nargs="?")
    options = parser.parse_args()
    out = open(options.out, "w", encoding="ascii") if options.out else sys.stdout
    with out:
        listing.write(walk(options.dir.rstrip(b"/"), not options.no_contents), out)


main()
