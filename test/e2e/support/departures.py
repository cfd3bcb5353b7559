"""Where `umoci unpack` (0.4.7) departs from what the layers' tars say, entry by entry, as exceptions for compare.py."""
import json

import listing

IMPLIED = "umoci gives a parent directory without an entry the time of unpacking"
DISTURBED = "umoci makes or removes something in this directory after its entry and leaves the time of doing so"
EMPTY = "umoci drops extended attributes with empty values (Go's archive/tar takes them as deletions)"


def departures(merge):
    """(path, field, reason) of every departure in the merged tree."""
    for path, node in merge.walk():
        if node.kind == "dir" and (node.implied or node.disturbed):
            yield path, "mtime", IMPLIED if node.implied else DISTURBED
        for name, value in node.xattrs.items():
            if value == b"":
                yield path, "xattr " + listing.escape(name), EMPTY


def write(merge, out):
    for path, field, reason in sorted(departures(merge)):
        out.write(json.dumps({"path": listing.escape(path), "field": field, "reason": reason}) + "\n")
