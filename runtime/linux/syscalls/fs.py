"""statfs."""

from __future__ import annotations

import errno
from struct import Struct

from runtime.linux.hostnr import NR
from runtime.linux.syscalls.common import host_path

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.threads import Thread

_HOST = Struct("<qqQQQQQiiqqq4q")
_STATFS64 = Struct("<IIQQQQQiiIII16x")  # packed, 84 bytes
_STATFS = Struct("<IIIIIIIiiIII16x")
_LOW = 0xFFFFFFFF


def _give(t: Thread, got: int, addr: int, layout: Struct) -> int:
    if got < 0:
        return got
    kind, bsize, blocks, bfree, bavail, files, ffree, fsid0, fsid1, namelen, frsize, flags, *_ = _HOST.unpack_from(t.scratch)
    counts = (blocks, bfree, bavail, files, ffree)
    if layout is _STATFS:
        if any(n > _LOW for n in counts[:3]):
            return -errno.EOVERFLOW
        counts = tuple(min(n, _LOW) for n in counts)
    t.memory.write(addr, layout.pack(kind & _LOW, bsize, *counts, fsid0, fsid1, namelen, frsize, flags))
    return 0


def statfs64(t: Thread, path: int, size: int, addr: int) -> int:
    if size not in (84, 88):
        return -errno.EINVAL
    return _give(t, t.call(NR["statfs"], host_path(t, path), t.scratch_at), addr, _STATFS64)


def fstatfs64(t: Thread, fd: int, size: int, addr: int) -> int:
    if size not in (84, 88):
        return -errno.EINVAL
    return _give(t, t.call(NR["fstatfs"], fd, t.scratch_at), addr, _STATFS64)


def statfs(t: Thread, path: int, addr: int) -> int:
    return _give(t, t.call(NR["statfs"], host_path(t, path), t.scratch_at), addr, _STATFS)


def fstatfs(t: Thread, fd: int, addr: int) -> int:
    return _give(t, t.call(NR["fstatfs"], fd, t.scratch_at), addr, _STATFS)
