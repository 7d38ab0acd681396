"""Reading and writing descriptors."""

from __future__ import annotations

import errno
import os

from runtime.linux.hostnr import NR
from runtime.linux.syscalls.common import buffer, optional, pair, signed, signed_word, words, wrote

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.linux.threads import Thread

_READ, _WRITE, _LSEEK, _READV, _WRITEV = NR["read"], NR["write"], NR["lseek"], NR["readv"], NR["writev"]
_GETDENTS64 = NR["getdents64"]
IOV_MAX = 1024
_IOV_AT = 0  # scratch offset of the host's iovec


def read(t: Thread, fd: int, addr: int, n: int) -> int:
    if addr + n > t.limit:
        return -errno.EFAULT
    got = t.host.call(_READ, fd, t.base + addr, n, 0, 0, 0, t.request_at)
    if got > 0:
        t.memory.wrote(addr, got)
    return got  # type: ignore[no-any-return]


def write(t: Thread, fd: int, addr: int, n: int) -> int:
    if addr + n > t.limit:
        return -errno.EFAULT
    return t.host.call(_WRITE, fd, t.base + addr, n, 0, 0, 0, t.request_at)  # type: ignore[no-any-return]


def iovec(t: Thread, addr: int, count: int, at: int = _IOV_AT) -> list[tuple[int, int]]:
    """Put the host's form of a guest iovec array at scratch offset *at*; returns the guest's (address, length) pairs. OSError EINVAL if it is too long."""
    if not 0 <= count <= IOV_MAX:
        raise OSError(errno.EINVAL, "iovec count")
    found = words(t, addr, 2 * count) if count else ()
    pairs = list(zip(found[::2], found[1::2], strict=True))
    for i, (base, length) in enumerate(pairs):
        if signed_word(t, length) < 0:
            raise OSError(errno.EINVAL, "iovec length")
        host = buffer(t, base, length)
        t.scratch[at + 16 * i : at + 16 * i + 16] = host.to_bytes(8, "little") + length.to_bytes(8, "little")
    return pairs


def scattered(t: Thread, pairs: list[tuple[int, int]], got: int) -> int:
    """The kernel filled *got* bytes of the iovec: tell the memory. Returns *got*."""
    left = got
    for base, length in pairs:
        if left <= 0:
            break
        wrote(t, base, min(left, length))
        left -= length
    return got


def readv(t: Thread, fd: int, addr: int, count: int) -> int:
    pairs = iovec(t, addr, signed(count))
    return scattered(t, pairs, t.call(_READV, fd, t.scratch_at + _IOV_AT, count))


def writev(t: Thread, fd: int, addr: int, count: int) -> int:
    iovec(t, addr, signed(count))
    return t.call(_WRITEV, fd, t.scratch_at + _IOV_AT, count)


def preadv(t: Thread, fd: int, addr: int, count: int, low: int, high: int) -> int:
    pairs = iovec(t, addr, signed(count))
    return scattered(t, pairs, t.call(NR["preadv"], fd, t.scratch_at + _IOV_AT, count, pair(low, high)))


def pwritev(t: Thread, fd: int, addr: int, count: int, low: int, high: int) -> int:
    iovec(t, addr, signed(count))
    return t.call(NR["pwritev"], fd, t.scratch_at + _IOV_AT, count, pair(low, high))


def preadv2(t: Thread, fd: int, addr: int, count: int, low: int, high: int, flags: int) -> int:
    pairs = iovec(t, addr, signed(count))
    return scattered(t, pairs, t.call(NR["preadv2"], fd, t.scratch_at + _IOV_AT, count, pair(low, high), 0, flags))


def pwritev2(t: Thread, fd: int, addr: int, count: int, low: int, high: int, flags: int) -> int:
    iovec(t, addr, signed(count))
    return t.call(NR["pwritev2"], fd, t.scratch_at + _IOV_AT, count, pair(low, high), 0, flags)


def pread64(t: Thread, fd: int, addr: int, n: int, low: int, high: int) -> int:
    got = t.call(NR["pread64"], fd, buffer(t, addr, n), n, pair(low, high))
    wrote(t, addr, got)
    return got


def pwrite64(t: Thread, fd: int, addr: int, n: int, low: int, high: int) -> int:
    return t.call(NR["pwrite64"], fd, buffer(t, addr, n), n, pair(low, high))


def lseek(t: Thread, fd: int, offset: int, whence: int) -> int:
    got = t.host.quick(_LSEEK, fd, signed_word(t, offset), whence)
    return got if got < 1 << 8 * t.abi.word - 1 else -errno.EOVERFLOW


def llseek(t: Thread, fd: int, high: int, low: int, result: int, whence: int) -> int:
    got = t.host.quick(_LSEEK, fd, pair(low, high), whence)
    if got < 0:
        return got
    t.memory.write(result, got.to_bytes(8, "little"))
    return 0


def resized(t: Thread, file: int | bytes, length: int, resize: Callable[[], int]) -> int:
    """Have *resize* give a file (a descriptor or host path) *length* bytes, and tell the file's mappings: of the end that they lose before it goes."""
    try:
        status = os.stat(file)
    except (OSError, ValueError):
        return resize()
    space = t.process.space
    if 0 <= length < status.st_size:
        space.file_resized(status.st_dev, status.st_ino, length)
    got = resize()
    space.file_resized(status.st_dev, status.st_ino, status.st_size if got < 0 else length)
    return got


def ftruncate(t: Thread, fd: int, length: int) -> int:
    length = signed_word(t, length)
    return resized(t, fd, length, lambda: t.call(NR["ftruncate"], fd, length))


def ftruncate64(t: Thread, fd: int, low: int, high: int) -> int:
    length = pair(low, high)
    return resized(t, fd, length, lambda: t.call(NR["ftruncate"], fd, length))


def fallocate(t: Thread, fd: int, mode: int, low: int, high: int, length_low: int, length_high: int) -> int:
    return t.call(NR["fallocate"], fd, mode, pair(low, high), pair(length_low, length_high))


def fadvise64(t: Thread, fd: int, advice: int, low: int, high: int, length_low: int, length_high: int) -> int:
    return t.call(NR["fadvise64"], fd, pair(low, high), pair(length_low, length_high), advice)


def fadvise64_short(t: Thread, fd: int, low: int, high: int, length: int, advice: int) -> int:
    """i386's first form, with a length of 32 bits."""
    return t.call(NR["fadvise64"], fd, pair(low, high), length, advice)


def fadvise64_last(t: Thread, fd: int, low: int, high: int, length_low: int, length_high: int, advice: int) -> int:
    """i386's second form: the advice comes last."""
    return fadvise64(t, fd, advice, low, high, length_low, length_high)


def sync_file_range(t: Thread, fd: int, low: int, high: int, length_low: int, length_high: int, flags: int) -> int:
    return sync_file_range2(t, fd, flags, low, high, length_low, length_high)


def sync_file_range2(t: Thread, fd: int, flags: int, low: int, high: int, length_low: int, length_high: int) -> int:
    return t.call(NR["sync_file_range"], fd, pair(low, high), pair(length_low, length_high), flags)


def readahead(t: Thread, fd: int, low: int, high: int, count: int) -> int:
    return t.call(NR["readahead"], fd, pair(low, high), count)


def getdents64(t: Thread, fd: int, addr: int, n: int) -> int:
    got = t.call(_GETDENTS64, fd, buffer(t, addr, n), n)
    wrote(t, addr, got)
    return got


def pipe2(t: Thread, addr: int, flags: int) -> int:
    got = t.host.quick(NR["pipe2"], t.scratch_at, flags)
    if got == 0:
        t.memory.write(addr, bytes(t.scratch[:8]))
    return got


def pipe(t: Thread, addr: int) -> int:
    return pipe2(t, addr, 0)


def dup2(t: Thread, old: int, new: int) -> int:
    if old == new:
        got = t.host.quick(NR["fcntl"], old, 1)  # F_GETFD: is it open?
        return got if got < 0 else new
    return t.call(NR["dup3"], old, new, 0)


def dup3(t: Thread, old: int, new: int, flags: int) -> int:
    return t.call(NR["dup3"], old, new, flags)


def close_range(t: Thread, first: int, last: int, flags: int) -> int:
    return t.call(NR["close_range"], first, last, flags)


def _offset_copy(t: Thread, addr: int, size: int, at: int) -> int:
    """Host address of a 64-bit copy of the offset at *addr*, 0 for NULL."""
    if not addr:
        return 0
    value = int.from_bytes(t.memory.read(addr, size), "little")
    t.scratch[at : at + 8] = value.to_bytes(8, "little")
    return t.scratch_at + at


def _offset_back(t: Thread, addr: int, size: int, at: int) -> None:
    if addr:
        t.memory.write(addr, bytes(t.scratch[at : at + size]))


def sendfile(t: Thread, out: int, source: int, offset: int, count: int) -> int:
    got = t.call(NR["sendfile"], out, source, _offset_copy(t, offset, t.abi.word, 0), count)
    _offset_back(t, offset, t.abi.word, 0)
    return got


def sendfile64(t: Thread, out: int, source: int, offset: int, count: int) -> int:
    got = t.call(NR["sendfile"], out, source, _offset_copy(t, offset, 8, 0), count)
    _offset_back(t, offset, 8, 0)
    return got


def splice(t: Thread, source: int, source_at: int, out: int, out_at: int, count: int, flags: int) -> int:
    got = t.call(NR["splice"], source, _offset_copy(t, source_at, 8, 0), out, _offset_copy(t, out_at, 8, 8), count, flags)
    _offset_back(t, source_at, 8, 0)
    _offset_back(t, out_at, 8, 8)
    return got


def copy_file_range(t: Thread, source: int, source_at: int, out: int, out_at: int, count: int, flags: int) -> int:
    got = t.call(NR["copy_file_range"], source, _offset_copy(t, source_at, 8, 0), out, _offset_copy(t, out_at, 8, 8), count, flags)
    _offset_back(t, source_at, 8, 0)
    _offset_back(t, out_at, 8, 8)
    return got


def vmsplice(t: Thread, fd: int, addr: int, count: int, flags: int) -> int:
    iovec(t, addr, signed(count))
    return t.call(NR["vmsplice"], fd, t.scratch_at + _IOV_AT, count, flags)


def getrandom(t: Thread, addr: int, n: int, flags: int) -> int:
    got = t.call(NR["getrandom"], buffer(t, addr, n), n, flags)
    wrote(t, addr, got)
    return got


def sethostname(t: Thread, addr: int, n: int) -> int:
    return t.call(NR["sethostname"], optional(t, addr), n)


