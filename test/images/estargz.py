#!/usr/bin/env python3
"""estargz.py TAR OUT: turns a tar into an eStargz layer (stargz-snapshotter, docs/estargz.md).

Every entry's headers and each chunk of its data is a gzip member of its own; the landmark .no.prefetch.landmark is
the first entry; the TOC, stargz.index.json, is the last; a footer of 51 bytes tells where the TOC begins.
"""
import gzip
import hashlib
import io
import json
import os
import sys
import zlib
from datetime import datetime, timezone

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e", "support"))
import tarread  # noqa: E402
from tarwriter import TarWriter  # noqa: E402

CHUNK = 4 << 20
LANDMARK = b".no.prefetch.landmark"
TOC_NAME = b"stargz.index.json"
TOC_KINDS = {"file": "reg", "symlink": "symlink", "hardlink": "hardlink", "dir": "dir", "char": "char",
             "block": "block", "fifo": "fifo"}


class Members:
    """Gzip members one behind the other; tells where each begins and the diffID of all."""

    def __init__(self, out):
        self.out, self.diff = out, hashlib.sha256()

    def add(self, data):
        begins = self.out.tell()
        self.diff.update(data)
        self.out.write(gzip.compress(data, 6, mtime=0))
        return begins


def footer(toc_offset):
    """An empty gzip member whose extra field "SG" holds the TOC's offset as 16 hexadecimal digits and STARGZ."""
    sub = b"%016xSTARGZ" % toc_offset
    extra = b"SG" + len(sub).to_bytes(2, "little") + sub
    head = b"\x1f\x8b\x08\x04" + bytes(4) + b"\0\xff" + len(extra).to_bytes(2, "little") + extra
    body = b"\x01\x00\x00\xff\xff" + bytes(8)  # a final stored block of no bytes, CRC32 and length of nothing
    assert len(head + body) == 51 and zlib.decompress(head + body, 31) == b""
    return head + body


def json_name(raw):
    return raw.decode("utf8", "replace")


def toc_entry(entry):
    name = entry.name.lstrip(b"/").removeprefix(b"./")
    described = {"name": json_name(name), "type": TOC_KINDS[entry.kind], "mode": entry.mode}
    seconds = entry.mtime // tarread.NS
    described["modtime"] = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    for key, value in (("uid", entry.uid), ("gid", entry.gid), ("linkName", json_name(entry.link)),
                       ("size", entry.size), ("devMajor", entry.rdev[0]), ("devMinor", entry.rdev[1])):
        if value:
            described[key] = value
    return described


def one_file(name, data):
    """(header block, data padded) of a small regular file."""
    buffer = io.BytesIO()
    TarWriter(buffer).entry(name, data=data, mtime=0)
    return buffer.getvalue()


def main():
    source, out_path = sys.argv[1:]
    toc = []
    with open(source, "rb") as tar, open(out_path, "wb") as out:
        members = Members(out)
        landmark = one_file(LANDMARK, b"\x0f")
        toc.append({"name": LANDMARK.decode(), "type": "reg", "size": 1, "mode": 0o644,
                    "offset": members.add(landmark[:512])})
        members.add(landmark[512:])
        begin = 0
        for entry in tarread.entries(tar):
            data_at, end = entry.data_at, entry.data_at + tarread.padded(entry.stored)
            tar.seek(begin)
            header_at = members.add(tar.read(data_at - begin))
            described = toc_entry(entry)
            for offset in range(0, end - data_at, CHUNK):
                at = members.add(tar.read(min(CHUNK, end - data_at - offset)))
                length = min(CHUNK, entry.size - offset)
                toc.append({**described, "offset": at} if offset == 0 else
                           {"name": described["name"], "type": "chunk", "offset": at, "chunkOffset": offset,
                            "chunkSize": length})
            if end == data_at:
                toc.append({**described, "offset": header_at})
            begin = end
        listed = json.dumps({"version": 1, "entries": toc}).encode()
        toc_at = members.add(one_file(TOC_NAME, listed) + bytes(1024))
        out.write(footer(toc_at))


if __name__ == "__main__":
    main()
