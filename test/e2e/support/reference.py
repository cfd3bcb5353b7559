#!/usr/bin/env python3
"""reference.py LAYOUT[:TAG] [OUT]: lists the root filesystem that an OCI layout's image means (see listing.py).

An implementation of its own of layers and merging, with nothing in common with clip, that never unpacks: tars are
read header by header here, since Python's tarfile decodes xattr values as text. What it means by merging:
- names are cleaned lexically, then symbolic links in parents are followed inside the root;
- a whiteout or opaque mark hides entries of lower layers only, wherever in the layer it stands;
- a directory over a directory replaces its attributes and keeps its children; anything else replaces;
- attributes of a hard link's own entry are ignored;
- parents without an entry of their own are 0755, root's, of 1970.

With --departures, also writes what `umoci unpack` is known to make of it otherwise, as compare.py's exceptions.
"""
import argparse
import sys

import departures
import listing
from layers import open_layers
from merge import Merge
from tarread import entries


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layout")
    parser.add_argument("out", nargs="?")
    parser.add_argument("--departures")
    options = parser.parse_args()
    merge = Merge()
    for number, tar in enumerate(open_layers(options.layout)):
        merge.begin_layer(number)
        for entry in entries(tar):
            merge.apply(entry)
        tar.close()
    if options.departures:
        with open(options.departures, "w", encoding="ascii") as out:
            departures.write(merge, out)
    out = open(options.out, "w", encoding="ascii") if options.out else sys.stdout
    with out:
        listing.write(merge.listed(), out)


main()
