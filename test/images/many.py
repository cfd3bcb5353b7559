#!/usr/bin/env python3
"""many.py OUT: a tar of 150,000 small files (about 300 MB) in the shape of a tree of packages, for the bench."""
import random
import sys

from tarwriter import NS, TarWriter

PACKAGES, FILES = 1500, 100
WORDS = [b"const", b"return", b"export", b"function", b"this", b"value", b"null", b"module", b"import", b"=>", b"{", b"}"]


def main():
    chance = random.Random(1)
    with open(sys.argv[1], "wb") as out:
        tar = TarWriter(out)
        for package in range(PACKAGES):
            base = b"srv/packages/package-%04d/" % package
            tar.entry(base, b"5", mode=0o755)
            for folder in range(5):
                tar.entry(base + b"lib-%d/" % folder, b"5", mode=0o755)
            for number in range(FILES):
                size = min(60_000, int(chance.lognormvariate(6.8, 1.2)))
                text = b" ".join(chance.choices(WORDS, k=size // 7 + 1)) + b" %d" % chance.getrandbits(64)
                tar.entry(base + b"lib-%d/file-%03d.js" % (number % 5, number), data=text[:size],
                          mtime=(1_600_000_000 + number) * NS)
        tar.close()


main()
