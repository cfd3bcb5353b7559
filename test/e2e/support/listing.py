"""Listings of a tree: one JSON object per entry and line, sorted by the bytes of the path.

Fields: path, type, mode, uid, gid, mtime (ns), nlink; link (first path of the same inode) where a file other than a
directory has several names; size and sha256 of regular files; target of symbolic links; rdev of devices
("major:minor"); xattrs (name -> hex). Text is printable ASCII, every other byte and the backslash as \\xHH.
"""
import json
import re
import stat

TYPES = {
    stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "symlink", stat.S_IFCHR: "char",
    stat.S_IFBLK: "block", stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket",
}


def escape(raw):
    """Bytes as ASCII that can be read back."""
    return re.sub(rb"[^\x20-\x5b\x5d-\x7e]", lambda found: b"\\x%02x" % found[0][0], raw).decode("ascii")


def write(entries, out):
    """`entries`: (path bytes, fields) in any order; names of one inode share the key `inode`, which is not written."""
    first = {}
    for path, fields in sorted(entries, key=lambda entry: entry[0]):
        inode = fields.pop("inode")
        if fields["nlink"] > 1 and fields["type"] != "dir":
            fields["link"] = escape(first.setdefault(inode, path))
        out.write(json.dumps({"path": escape(path), **fields}, separators=(",", ":"), sort_keys=False) + "\n")


def read(path):
    """The entries of a listing file by their (escaped) path."""
    with open(path, encoding="ascii") as lines:
        return {entry.pop("path"): entry for entry in map(json.loads, lines)}
