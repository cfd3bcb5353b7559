#!/usr/bin/env python3
"""compare.py EXPECTED ACTUAL [--exceptions FILE]: prints how two listings differ; exit 1 where they do.

An exception is a JSON line {path, field, reason}, with field "entry" for a path that only one of them has. An
exception that is not met is a difference too, so that the list stays true.
"""
import argparse
import json
import sys

import listing

SHOWN = 100


def flat(entry):
    """Each extended attribute as a field of its own."""
    fields = {key: value for key, value in entry.items() if key != "xattrs"}
    return fields | {"xattr " + name: value for name, value in entry.get("xattrs", {}).items()}


def short(value):
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:100]}... ({len(text)} characters)"


def differences(expected, actual):
    """(path, field, expected value, actual value), in the order of the paths."""
    for path in sorted(expected.keys() | actual.keys()):
        if path not in actual or path not in expected:
            yield path, "entry", "there" if path in expected else "missing", "there" if path in actual else "missing"
            continue
        left, right = flat(expected[path]), flat(actual[path])
        for field in sorted(left.keys() | right.keys()):
            if left.get(field) != right.get(field):
                yield path, field, left.get(field), right.get(field)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("expected")
    parser.add_argument("actual")
    parser.add_argument("--exceptions")
    options = parser.parse_args()
    excused = {}
    if options.exceptions:
        with open(options.exceptions, encoding="ascii") as lines:
            excused = {(entry["path"], entry["field"]): entry["reason"] for entry in map(json.loads, lines)}
    expected, actual = listing.read(options.expected), listing.read(options.actual)
    wrong = []
    met = set()
    for path, field, left, right in differences(expected, actual):
        if (path, field) in excused:
            met.add((path, field))
        else:
            wrong.append(f"{path}: {field}: expected {short(left)}, got {short(right)}")
    wrong += [f"{path}: {field}: an exception that was not met ({reason})"
              for (path, field), reason in excused.items() if (path, field) not in met]
    for line in wrong[:SHOWN]:
        print(line)
    print(f"{len(expected)} entries expected, {len(actual)} found, {len(met)} excused, {len(wrong)} differences")
    sys.exit(1 if wrong else 0)


main()
