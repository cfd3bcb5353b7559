"""Layers' entries merged into one tree, as reference.py describes."""
import hashlib
import posixpath

import listing

MAX_LINKS = 255


class Node:
    """An inode. `children` of a directory: name -> [node, number of the layer that touched this name last].

    `implied`: a parent without an entry. `disturbed`: a directory in which, after its own entry, a parent was implied
    or a whiteout removed something although the directory stayed (see departures.py).
    """

    def __init__(self, kind, mode=0o755, uid=0, gid=0, mtime=0, xattrs=None, entry=None):
        self.kind, self.mode, self.uid, self.gid, self.mtime = kind, mode, uid, gid, mtime
        self.xattrs = xattrs or {}
        self.children = {}
        self.names = 0
        self.size, self.sha256 = 0, None
        self.target, self.rdev = b"", (0, 0)
        self.implied = self.disturbed = False
        if entry is not None:
            self.size, self.target, self.rdev = entry.size, entry.link, entry.rdev
            if kind == "file":
                self.sha256 = contents(entry)


def contents(entry):
    """The sha256 of a file's bytes, holes as zeros."""
    digest, at, zeros = hashlib.sha256(), 0, bytes(1 << 20)

    def hole(until):
        nonlocal at
        while at < until:
            length = min(len(zeros), until - at)
            digest.update(zeros[:length])
            at += length

    for offset, length, place in entry.extents:
        hole(offset)
        entry.tar.seek(place)
        data = entry.tar.read(length)
        assert len(data) == length and at == offset
        digest.update(data)
        at += length
    hole(entry.size)
    return digest.hexdigest()


def components(name):
    return [part for part in posixpath.normpath(b"/" + name).split(b"/") if part]


class Merge:
    def __init__(self):
        self.root = Node("dir")
        self.layer = 0

    def begin_layer(self, number):
        self.layer = number

    def parent(self, parts, create=True):
        """The directory that `parts` names, symbolic links followed inside the root; None if missing and not made."""
        stack, pending, followed = [self.root], list(reversed(parts)), 0
        while pending:
            part = pending.pop()
            if part in (b"", b"."):
                continue
            if part == b"..":
                if len(stack) > 1:
                    stack.pop()
                continue
            slot = stack[-1].children.get(part)
            if slot is None:
                if not create:
                    return None
                slot = [Node("dir"), self.layer]
                slot[0].implied = True
                stack[-1].disturbed = True
                stack[-1].children[part] = slot
            if slot[0].kind == "symlink":
                followed += 1
                if followed > MAX_LINKS:
                    raise SystemExit(f"too many symbolic links at {parts!r}")
                if slot[0].target.startswith(b"/"):
                    stack = [self.root]
                pending.extend(reversed(slot[0].target.split(b"/")))
                continue
            if slot[0].kind != "dir":
                raise SystemExit(f"not a directory: {parts!r}")
            if create:
                slot[1] = self.layer
            stack.append(slot[0])
        return stack[-1]

    def hide(self, directory, name):
        """Removes what lower layers put at `name`, keeping what this layer touched."""
        slot = directory.children.get(name)
        if slot is None:
            return
        if slot[1] < self.layer:
            del directory.children[name]
        elif slot[0].kind == "dir":
            before = len(slot[0].children)
            for child in list(slot[0].children):
                self.hide(slot[0], child)
            slot[0].disturbed |= len(slot[0].children) < before

    def apply(self, entry):
        parts = components(entry.name)
        if not parts:
            old, self.root = self.root, self.made(entry)
            self.root.children = old.children
            return
        *above, name = parts
        if name.startswith(b".wh."):
            directory = self.parent(above, create=False)
            if directory is None:
                return
            hidden = list(directory.children) if name == b".wh..wh..opq" else [name[len(b".wh."):]]
            for child in hidden:
                self.hide(directory, child)
            return
        directory = self.parent(above)
        if entry.kind == "hardlink":
            *link_above, link_name = components(entry.link)
            node = self.parent(link_above, create=False).children[link_name][0]
            assert node.kind != "dir", entry.link
        else:
            node = self.made(entry)
            old = directory.children.get(name)
            if node.kind == "dir" and old is not None and old[0].kind == "dir":
                node.children = old[0].children
        directory.children[name] = [node, self.layer]

    def made(self, entry):
        return Node(entry.kind, entry.mode, entry.uid, entry.gid, entry.mtime, entry.xattrs, entry)

    def walk(self):
        pending = [(b"/", self.root)]
        while pending:
            path, node = pending.pop()
            yield path, node
            inside = path.rstrip(b"/") + b"/"
            pending.extend((inside + name, slot[0]) for name, slot in node.children.items())

    def listed(self):
        """(path, fields) for listing.write."""
        for _, node in self.walk():
            node.names += 1
        for path, node in self.walk():
            subdirs = sum(1 for child, _ in node.children.values() if child.kind == "dir")
            fields = {
                "inode": id(node), "type": node.kind, "mode": "0777" if node.kind == "symlink" else f"{node.mode:04o}",
                "uid": node.uid, "gid": node.gid, "mtime": node.mtime,
                "nlink": 2 + subdirs if node.kind == "dir" else node.names,
            }
            if node.kind == "file":
                fields |= {"size": node.size, "sha256": node.sha256}
            elif node.kind == "symlink":
                fields["target"] = listing.escape(node.target)
            elif node.kind in ("char", "block"):
                fields["rdev"] = f"{node.rdev[0]}:{node.rdev[1]}"
            if node.xattrs:
                fields["xattrs"] = {listing.escape(name): node.xattrs[name].hex() for name in sorted(node.xattrs)}
            yield path, fields
