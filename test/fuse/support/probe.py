"""Asks a mount of the fixture what ordinary programs rarely ask. `probe.py CHECK MOUNT TREE`; silent where all is well."""
import ctypes, errno, mmap, os, random, sys

check, mount, tree = sys.argv[1:4]
libc = ctypes.CDLL(None, use_errno=True)


def fails(expected, call, *args, **more):
    try:
        call(*args, **more)
    except OSError as e:
        assert e.errno == expected, (call, args, errno.errorcode.get(e.errno), errno.errorcode[expected])
        return
    raise AssertionError(f"{call} {args} should have failed")


def path(name):
    return os.path.join(mount, name)


def read_only():
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC):
        fails(errno.EROFS, os.open, path("plain.txt"), flags)
    refused_changes()


def refused_changes():
    """What the server itself refuses, also where the kernel thinks the mount writable."""
    e = errno.EROFS
    fails(e, os.open, path("new"), os.O_WRONLY | os.O_CREAT)
    fails(e, os.mkdir, path("new"))
    fails(e, os.mkfifo, path("new"))
    fails(e, os.symlink, "x", path("new"))
    fails(e, os.link, path("plain.txt"), path("new"))
    fails(e, os.unlink, path("plain.txt"))
    fails(e, os.rmdir, path("sub"))
    fails(e, os.rename, path("plain.txt"), path("new"))
    fails(e, os.truncate, path("plain.txt"), 1)
    fails(e, os.chmod, path("plain.txt"), 0o600)
    fails(e, os.chown, path("plain.txt"), 1, 1)
    fails(e, os.utime, path("plain.txt"))
    fails(e, os.setxattr, path("plain.txt"), "user.new", b"")
    fails(e, os.removexattr, path("plain.txt"), "user.text")


def seek_directory():
    """Positions of telldir lead back to the same entry, in any order."""
    class Dirent(ctypes.Structure):
        _fields_ = [("ino", ctypes.c_uint64), ("off", ctypes.c_int64), ("len", ctypes.c_uint16),
                    ("type", ctypes.c_uint8), ("name", ctypes.c_char * 256)]
    libc.opendir.restype = ctypes.c_void_p
    libc.readdir.restype = ctypes.POINTER(Dirent)
    libc.telldir.restype = ctypes.c_long
    libc.readdir.argtypes = libc.telldir.argtypes = libc.closedir.argtypes = [ctypes.c_void_p]
    libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
    d = libc.opendir(os.fsencode(path("many")))
    names, places = [], []
    while True:
        places.append(libc.telldir(d))
        entry = libc.readdir(d)
        if not entry:
            break
        names.append(entry.contents.name)
    assert len(names) == 20002 and len(set(names)) == 20002, len(names)
    assert set(names) == {b".", b".."} | {b"entry-%05d" % i for i in range(20000)}
    picks = random.Random(1).sample(range(len(names)), 300)
    for i in picks + [0, len(names) - 1]:
        libc.seekdir(d, places[i])
        assert libc.readdir(d).contents.name == names[i], i
    libc.seekdir(d, places[-1])
    assert not libc.readdir(d)
    libc.closedir(d)


def random_reads():
    with open(os.path.join(tree, "big"), "rb") as f:
        expected = f.read()
    r = random.Random(2)
    fd = os.open(path("big"), os.O_RDONLY)
    for _ in range(200):
        at, length = r.randrange(len(expected) + 5000), r.randrange(1, 300000)
        assert os.pread(fd, length, at) == expected[at:at + length], (at, length)
    with mmap.mmap(fd, 0, prot=mmap.PROT_READ) as m:
        assert m[:] == expected
    os.close(fd)
    direct = os.open(path("big"), os.O_RDONLY | os.O_DIRECT)
    buffer = mmap.mmap(-1, 1 << 20)
    got = b""
    while True:
        n = os.readv(direct, [buffer])
        if n == 0:
            break
        got += buffer[:n]
    assert got == expected
    os.close(direct)


def totals():
    s = os.statvfs(mount)
    assert s.f_bsize == 4096 and s.f_namemax == 255, s
    assert s.f_blocks > 1000 and s.f_bfree == s.f_bavail == 0 and s.f_files > 20000, s


def attribute_errors():
    fails(errno.ENODATA, os.getxattr, path("plain.txt"), "user.none")
    fails(errno.ENODATA, os.getxattr, path("big"), "user.text")
    buffer = ctypes.create_string_buffer(4)
    plain = os.fsencode(path("plain.txt"))
    assert libc.getxattr(plain, b"user.text", None, 0) == 5
    assert libc.getxattr(plain, b"user.text", buffer, 4) == -1 and ctypes.get_errno() == errno.ERANGE
    assert libc.listxattr(plain, buffer, 4) == -1 and ctypes.get_errno() == errno.ERANGE
    assert libc.listxattr(plain, None, 0) >= len(b"user.text\0user.binary\0user.empty\0")
    assert len(os.getxattr(path("empty"), "user.large")) == 3000


def missing_names():
    for _ in range(2):
        fails(errno.ENOENT, os.stat, path("none"))
    fails(errno.ENOTDIR, os.stat, path("plain.txt/x"))
    fails(errno.ENAMETOOLONG, os.stat, path("n" * 256))
    fails(errno.EINVAL, os.readlink, path("plain.txt"))
    fails(errno.EISDIR, os.read, os.open(mount, os.O_RDONLY), 1)


def holes():
    fd = os.open(path("sparse"), os.O_RDONLY)
    size = os.fstat(fd).st_size
    assert os.lseek(fd, 0, os.SEEK_HOLE) == 0
    assert os.lseek(fd, 1048576, os.SEEK_DATA) == 1048576
    assert os.lseek(fd, size - 1, os.SEEK_HOLE) == size
    fails(errno.ENXIO, os.lseek, fd, size, os.SEEK_DATA)
    fails(errno.ENXIO, os.lseek, fd, size + 5, os.SEEK_HOLE)
    assert os.fstat(fd).st_blocks * 512 < size // 100, os.fstat(fd).st_blocks
    fd = os.open(path("all-hole"), os.O_RDONLY)
    fails(errno.ENXIO, os.lseek, fd, 0, os.SEEK_DATA)
    fd = os.open(path("big"), os.O_RDONLY)
    assert os.lseek(fd, 5, os.SEEK_DATA) == 5 and os.lseek(fd, 5, os.SEEK_HOLE) == os.fstat(fd).st_size


globals()[check]()
