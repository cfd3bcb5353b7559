#!/usr/bin/env python3
"""zstdchunked.py TAR OUT: turns a tar into a zstd:chunked layer (containers/storage, pkg/chunked).

Headers and each file's data are zstd frames of their own; a skippable frame holds the compressed TOC; a last one, the
footer, says where it is. The library itself comes with the zstd command's package.
"""
import ctypes
import hashlib
import json
import struct
import sys

from estargz import tarread, toc_entry

ZSTD = ctypes.CDLL("libzstd.so.1")
ZSTD.ZSTD_compressBound.restype = ZSTD.ZSTD_compress.restype = ctypes.c_size_t
SKIPPABLE = 0x184D2A50
MAGIC = b"GNUlInUx"


def frame(data):
    bound = ZSTD.ZSTD_compressBound(ctypes.c_size_t(len(data)))
    out = ctypes.create_string_buffer(bound)
    length = ZSTD.ZSTD_compress(out, ctypes.c_size_t(bound), data, ctypes.c_size_t(len(data)), 3)
    if ZSTD.ZSTD_isError(ctypes.c_size_t(length)):
        raise SystemExit("zstdchunked.py: libzstd cannot compress")
    return out.raw[:length]


def skippable(data):
    return struct.pack("<II", SKIPPABLE, len(data)) + data


def main():
    source, out_path = sys.argv[1:]
    toc = []
    with open(source, "rb") as tar, open(out_path, "wb") as out:
        begin = 0
        for entry in tarread.entries(tar):
            end = entry.data_at + tarread.padded(entry.stored)
            tar.seek(begin)
            out.write(frame(tar.read(entry.data_at - begin)))
            described = toc_entry(entry)
            if entry.stored:
                data = tar.read(entry.stored)
                described |= {"offset": out.tell(), "digest": "sha256:" + hashlib.sha256(data).hexdigest()}
                out.write(frame(data))
                described["endOffset"] = out.tell()
                out.write(frame(tar.read(end - tar.tell())) if tar.tell() < end else b"")
            toc.append(described)
            begin = end
        tar.seek(begin)
        out.write(frame(tar.read()))
        listed = json.dumps({"version": 1, "entries": toc}).encode()
        packed = frame(listed)
        toc_at = out.tell() + 8
        out.write(skippable(packed))
        out.write(skippable(struct.pack("<4Q", toc_at, len(packed), len(listed), 1) + MAGIC))


main()
