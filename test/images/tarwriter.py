"""Writes tars byte by byte, where GNU tar cannot make what a test needs (odd names, order, duplicates, numbers)."""

BLOCK = 512
NS = 1_000_000_000


def octal(value, width):
    return b"%0*o\0" % (width - 1, value)


def base256(value, width):
    """GNU's binary numbers: two's complement, big-endian, marked by the top bit of the first byte."""
    raw = bytearray(value.to_bytes(width, "big", signed=True))
    raw[0] = (raw[0] & 0x7F) | 0x80 if value >= 0 else 0xFF
    return bytes(raw)


def number(value, width, binary):
    """(field, fits): base-256 when it does not fit and `binary` allows it, else a zero and fits=False."""
    if 0 <= value < 8 ** (width - 1):
        return octal(value, width), True
    return (base256(value, width), True) if binary else (octal(0, width), False)


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def pax_records(records):
    out = b""
    for key, value in records:
        body = b" " + key + b"=" + value + b"\n"
        length = len(body) + 1
        while len(b"%d" % length) + len(body) != length:
            length = len(b"%d" % length) + len(body)
        out += b"%d" % length + body
    return out


def pax_time(ns):
    sign, ns = ("-", -ns) if ns < 0 else ("", ns)
    return f"{sign}{ns // NS}.{ns % NS:09d}".rstrip("0").rstrip(".").encode()


class TarWriter:
    """`out` is a binary file; `close` writes the two zero blocks."""

    def __init__(self, out):
        self.out = out

    def raw(self, data):
        self.out.write(data)

    def header(self, name, kind, size, mode, uid, gid, mtime, link, dev, magic, binary, prefix=b""):
        size_f, ok1 = number(size, 12, binary)
        uid_f, ok2 = number(uid, 8, binary)
        gid_f, ok3 = number(gid, 8, binary)
        time_f, ok4 = number(mtime, 12, binary)
        head = name[:100].ljust(100, b"\0") + octal(mode, 8) + uid_f + gid_f + size_f + time_f
        tail = kind + link[:100].ljust(100, b"\0") + magic
        if magic.strip(b"\0"):
            tail += b"root".ljust(32, b"\0") * 2
            tail += octal(dev[0], 8) + octal(dev[1], 8) + prefix.ljust(155, b"\0")
        block = bytearray((head + b" " * 8 + tail).ljust(BLOCK, b"\0"))
        block[148:156] = b"%06o\0 " % sum(block)
        self.raw(block)
        return {"size": ok1, "uid": ok2, "gid": ok3, "mtime": ok4}

    def entry(self, name, kind=b"0", data=b"", *, mode=0o644, uid=0, gid=0, mtime=1_700_000_000 * NS, link=b"",
              dev=(0, 0), style="pax", pax=(), pax_size=False):
        """One entry; `mtime` in nanoseconds. Styles: pax, gnu (L, K and base-256), ustar (name prefix), v7."""
        records = list(pax)
        seconds, rest = divmod(mtime, NS)
        prefix = b""
        if style == "gnu":
            magic = b"ustar  \0"
            for text, flag in ((link, b"K"), (name, b"L")):
                if len(text) > 100:
                    self.header(b"././@LongLink", flag, len(text) + 1, 0, 0, 0, 0, b"", (0, 0), magic, True)
                    self.raw(padded(text + b"\0"))
        elif style == "ustar":
            magic = b"ustar\x0000"
            if len(name) > 100:
                cut = name.rindex(b"/", 0, 156)
                prefix, name = name[:cut], name[cut + 1:]
        elif style == "v7":
            magic = b"\0" * 8
        else:
            magic = b"ustar\x0000"
            if len(name) > 100 or any(byte > 126 for byte in name):
                records.append((b"path", name))
            if len(link) > 100:
                records.append((b"linkpath", link))
            if rest or seconds < 0 or seconds >= 8 ** 11:
                records.append((b"mtime", pax_time(mtime)))
            for key, value in ((b"uid", uid), (b"gid", gid)):
                if value >= 8 ** 7:
                    records.append((key, b"%d" % value))
            if pax_size:
                records.append((b"size", b"%d" % len(data)))
            if records:
                body = pax_records(records)
                self.header(b"PaxHeaders/" + name[:80], b"x", len(body), 0o644, 0, 0, 0, b"", (0, 0), magic, False)
                self.raw(padded(body))
        pax_style = style == "pax"
        fits = self.header(name, kind, 0 if pax_size else len(data), mode, uid, gid,
                           max(seconds, 0) if pax_style else seconds, link, dev, magic, style == "gnu", prefix)
        assert pax_style or all(fits.values()), (name, fits)
        self.raw(padded(data))

    def append_tar(self, tar_bytes):
        """Adds the entries of another tar, made with `--record-size=512`, without its two closing zero blocks."""
        assert not any(tar_bytes[-2 * BLOCK:])
        self.raw(tar_bytes[:-2 * BLOCK])

    def close(self):
        self.raw(bytes(2 * BLOCK))
