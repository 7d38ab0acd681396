"""Memory syscalls, and ARM's cacheflush."""

from __future__ import annotations

import errno

from dbt.abi.memory import PAGE_SIZE
from runtime.linux.areas import page_up
from runtime.linux.hostnr import NR
from runtime.linux.syscalls.common import buffer, signed, words, wrote

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.threads import Thread

_MADV_DONTNEED, _MADV_FREE, _MADV_REMOVE = 4, 8, 9
_MADV_FORWARDED = frozenset((0, 1, 2, 3, _MADV_DONTNEED, _MADV_FREE, _MADV_REMOVE, 14, 15, 20, 21))
_MADV_IGNORED = frozenset((10, 11, 12, 13, 16, 17, 18, 19))  # fork, KSM and dump advice would tear the reservation apart or is about the host
_OFFSET_UNIT = 4096  # of mmap2


def brk(t: Thread, addr: int) -> int:
    return t.process.space.brk(addr)


def mmap2(t: Thread, addr: int, length: int, prot: int, flags: int, fd: int, offset: int) -> int:
    return t.process.space.map(addr, length, prot, flags, fd, offset * _OFFSET_UNIT)


def mmap(t: Thread, addr: int, length: int, prot: int, flags: int, fd: int, offset: int) -> int:
    return t.process.space.map(addr, length, prot, flags, signed(fd), offset)


def old_mmap(t: Thread, arguments: int) -> int:
    """mmap of the first i386 kernels: its arguments are in memory."""
    return mmap(t, *words(t, arguments, 6))


def munmap(t: Thread, addr: int, length: int) -> int:
    return t.process.space.unmap(addr, length)


def mprotect(t: Thread, addr: int, length: int, prot: int) -> int:
    return t.process.space.protect(addr, length, prot)


def mremap(t: Thread, addr: int, old: int, new: int, flags: int, target: int) -> int:
    return t.process.space.remap(addr, old, new, flags, target)


def msync(t: Thread, addr: int, length: int, flags: int) -> int:
    if addr & PAGE_SIZE - 1:
        return -errno.EINVAL
    if not _mapped(t, addr, length):
        return -errno.ENOMEM
    return t.call(NR["msync"], buffer(t, addr, length), length, flags)


def mincore(t: Thread, addr: int, length: int, vector: int) -> int:
    if addr & PAGE_SIZE - 1:
        return -errno.EINVAL
    if not _mapped(t, addr, length):
        return -errno.ENOMEM
    pages = page_up(length) // PAGE_SIZE
    got = t.call(NR["mincore"], buffer(t, addr, length), length, buffer(t, vector, pages))
    wrote(t, vector, pages if got == 0 else 0)
    return got


def madvise(t: Thread, addr: int, length: int, advice: int) -> int:
    if addr & PAGE_SIZE - 1 or length > t.limit - PAGE_SIZE:
        return -errno.EINVAL
    length = page_up(length)
    if not length:
        return 0
    if not _mapped(t, addr, length):
        return -errno.ENOMEM
    if advice in _MADV_IGNORED:
        return 0
    if advice not in _MADV_FORWARDED:
        return -errno.EINVAL
    got = t.call(NR["madvise"], buffer(t, addr, length), length, advice)
    if advice in (_MADV_DONTNEED, _MADV_FREE, _MADV_REMOVE):
        wrote(t, addr, length)
    return got


def _mapped(t: Thread, addr: int, length: int) -> bool:
    end = addr + page_up(length)
    space = t.process.space
    with space.lock:
        return end <= space.limit and space.covered(addr, end)


def _lock_call(name: str, t: Thread, addr: int, *rest: int) -> int:
    return t.call(NR[name], buffer(t, addr, rest[0]), *rest)


def mlock(t: Thread, addr: int, length: int) -> int:
    return _lock_call("mlock", t, addr, length)


def mlock2(t: Thread, addr: int, length: int, flags: int) -> int:
    return _lock_call("mlock2", t, addr, length, flags)


def munlock(t: Thread, addr: int, length: int) -> int:
    return _lock_call("munlock", t, addr, length)


def mlockall(t: Thread, flags: int) -> int:
    """Accepted without effect: it would lock the translator and the guest's whole reservation."""
    return 0 if 0 < flags < 8 else -errno.EINVAL


def munlockall(t: Thread) -> int:
    return 0


def cacheflush(t: Thread, start: int, end: int, flags: int) -> int:
    if end < start or flags:
        return -errno.EINVAL
    t.process.engine.invalidate(start, end - start)
    return 0
