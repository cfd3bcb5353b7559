"""Entries of a tar, read from the raw headers: ustar, v7, PAX, GNU long names, base-256, GNU and PAX sparse files."""
from dataclasses import dataclass, field

BLOCK = 512
NS = 1_000_000_000
KINDS = {b"0": "file", b"\0": "file", b"7": "file", b"S": "file", b"1": "hardlink", b"2": "symlink", b"3": "char",
         b"4": "block", b"5": "dir", b"6": "fifo"}


@dataclass
class Entry:
    kind: str
    name: bytes
    link: bytes
    mode: int
    uid: int
    gid: int
    mtime: int
    rdev: tuple
    size: int
    xattrs: dict = field(default_factory=dict)
    # [(offset in the file, length, offset in the tar)]; the rest of the file is zeros
    extents: list = field(default_factory=list)
    tar: object = None
    # where the stored bytes behind the headers lie in the tar, a PAX 1.0 sparse map included
    data_at: int = 0
    stored: int = 0


def text(raw):
    return raw.split(b"\0", 1)[0]


def number(raw):
    if raw[0] & 0x80:
        value = int.from_bytes(raw, "big", signed=True)
        return value if raw[0] == 0xFF else int.from_bytes(bytes([raw[0] & 0x7F]) + raw[1:], "big")
    digits = text(raw).strip()
    return int(digits, 8) if digits else 0


def pax_time(value):
    sign = -1 if value.startswith(b"-") else 1
    whole, _, fraction = value.lstrip(b"-").partition(b".")
    return sign * (int(whole or b"0") * NS + int(fraction[:9].ljust(9, b"0")))


def pax_records(data):
    at = 0
    while at < len(data) and data[at]:
        length = int(data[at:data.index(b" ", at)])
        key, _, value = data[data.index(b" ", at) + 1:at + length - 1].partition(b"=")
        yield key, value
        at += length


def padded(length):
    return -(-length // BLOCK) * BLOCK


def laid_out(fragments, at):
    """Extents of fragments (offset, length) whose data lie one behind the other from `at`."""
    extents = []
    for offset, length in fragments:
        if length:
            extents.append((offset, length, at))
        at += length
    return extents


def old_sparse(tar, header):
    """(logical size, fragments) of GNU's type S; reads the extension headers."""
    fragments, more = [], header[482]
    pieces = [header[386 + 24 * n:410 + 24 * n] for n in range(4)]
    while True:
        fragments += [(number(piece[:12]), number(piece[12:])) for piece in pieces if piece[0]]
        if not more:
            return number(header[483:495]), fragments
        block = tar.read(BLOCK)
        pieces, more = [block[24 * n:24 * n + 24] for n in range(21)], block[504]


def pax_sparse(tar, pairs, stored):
    """(logical size, fragments, bytes of map before the data) of PAX sparse 0.0, 0.1 and 1.0, or None."""
    pax = dict(pairs)
    if pax.get(b"GNU.sparse.major") == b"1":
        start, numbers, used = tar.tell(), [], 0
        while not numbers or len(numbers) < 1 + 2 * numbers[0]:
            line = tar.readline()
            used += len(line)
            numbers.append(int(line))
        tar.seek(start)
        return int(pax[b"GNU.sparse.realsize"]), list(zip(numbers[1::2], numbers[2::2])), padded(used)
    if b"GNU.sparse.map" in pax:
        numbers = [int(part) for part in pax[b"GNU.sparse.map"].split(b",") if part]
    elif b"GNU.sparse.numblocks" in pax:
        numbers = [int(value) for key, value in pairs if key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes")]
    else:
        return None
    return int(pax.get(b"GNU.sparse.size", b"%d" % stored)), list(zip(numbers[::2], numbers[1::2])), 0


def entries(tar):
    """Yields the Entry of every member. `tar` is seekable; PAX global headers are taken as defaults."""
    defaults, pairs, long_name, long_link = [], [], None, None
    while True:
        header = tar.read(BLOCK)
        if len(header) < BLOCK or not any(header):
            return
        flag, stored = header[156:157], number(header[124:136])
        if flag in b"xgLK":
            data = tar.read(padded(stored))[:stored]
            if flag == b"x":
                pairs = list(pax_records(data))
            elif flag == b"g":
                defaults += pax_records(data)
            elif flag == b"L":
                long_name = text(data)
            else:
                long_link = text(data)
            continue
        pax = dict(defaults + pairs)
        entry = plain_entry(header, pax, long_name, long_link)
        stored = int(pax.get(b"size", stored))
        if flag == b"\0" and entry.name.endswith(b"/"):
            entry.kind = "dir"
        if flag == b"S":
            old = old_sparse(tar, header)
        entry.data_at, entry.stored = tar.tell(), stored if entry.kind == "file" else 0
        if entry.kind == "file":
            size, fragments, skipped = stored, [(0, stored)], 0
            if flag == b"S":
                size, fragments = old
            elif (found := pax_sparse(tar, defaults + pairs, stored)) is not None:
                size, fragments, skipped = found
            entry.size, entry.extents, entry.tar = size, laid_out(fragments, entry.data_at + skipped), tar
        yield entry
        tar.seek(entry.data_at + padded(entry.stored))
        pairs, long_name, long_link = [], None, None


def plain_entry(header, pax, long_name, long_link):
    name, prefix = text(header[:100]), b""
    if header[257:263] == b"ustar\0":
        prefix = text(header[345:500])
    name = long_name if long_name is not None else prefix + b"/" + name if prefix else name
    name = pax.get(b"GNU.sparse.name", pax.get(b"path", name))
    link = pax.get(b"linkpath", long_link if long_link is not None else text(header[157:257]))
    kind = KINDS[header[156:157]]
    return Entry(
        kind=kind, name=name, link=link, mode=number(header[100:108]) & 0o7777,
        uid=int(pax.get(b"uid", number(header[108:116]))), gid=int(pax.get(b"gid", number(header[116:124]))),
        mtime=pax_time(pax[b"mtime"]) if b"mtime" in pax else number(header[136:148]) * NS,
        rdev=(number(header[329:337]), number(header[337:345])) if kind in ("char", "block") else (0, 0),
        size=0, xattrs={key[len(b"SCHILY.xattr."):]: value for key, value in pax.items()
                        if key.startswith(b"SCHILY.xattr.")})
