"""poll, select and epoll."""

from __future__ import annotations

import errno
import os
from struct import Struct, pack

from runtime.linux.hostnr import NR
from runtime.linux.signals import UNBLOCKABLE
from runtime.linux.syscalls.common import TIMESPEC64, buffer, give_timespec, host_timespec, put_words, signed, signed_words, words, wrote

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.threads import Thread

_POLLFD_BYTES = 8
_HOST_EVENT = Struct("<IQ" if os.uname().machine == "x86_64" else "<I4xQ")  # x86-64 packs epoll_event
_MASK_AT, _TIME_AT, _PAIR_AT, _SETS_AT, _EVENTS_AT = 0, 16, 32, 64, 4096  # scratch offsets
_MASK_BYTES = 8
_MAX_EVENTS = 1024
_FD_LIMIT = 1 << 16


class _Masked:
    """The thread's mask while a call with a mask of its own waits. Interrupted, handlers run under that mask, and the old one comes back after."""

    def __init__(self, t: Thread, addr: int, size: int) -> None:
        self.t = t
        self.at = 0
        if addr:
            if size != _MASK_BYTES:
                raise OSError(errno.EINVAL, "sigset size")
            mask = int.from_bytes(t.memory.read(addr, _MASK_BYTES), "little") & ~UNBLOCKABLE
            t.scratch[_MASK_AT : _MASK_AT + 8] = mask.to_bytes(8, "little")
            self.at = t.scratch_at + _MASK_AT
            self.mask = mask

    def call(self, nr: int, *args: int) -> int:
        signals = self.t.signals
        if not self.at:
            return self.t.call(nr, *args)
        old, signals.mask = signals.mask, self.mask
        got = -errno.EINTR if signals.pending & ~self.mask else self.t.call(nr, *args)
        if got in (-errno.EINTR, -512):
            signals.saved_mask = old
        else:
            signals.mask = old
        return got


def poll(t: Thread, fds: int, count: int, timeout: int) -> int:
    milliseconds = signed(timeout)
    at = 0
    if milliseconds >= 0:
        TIMESPEC64.pack_into(t.scratch, _TIME_AT, milliseconds // 1000, milliseconds % 1000 * 1_000_000)
        at = t.scratch_at + _TIME_AT
    got = t.call(NR["ppoll"], buffer(t, fds, _POLLFD_BYTES * count), count, at, 0, _MASK_BYTES)
    wrote(t, fds, _POLLFD_BYTES * count if got > 0 else 0)
    return got


def _ppoll(t: Thread, fds: int, count: int, timeout: int, mask: int, size: int, wide: bool) -> int:
    masked = _Masked(t, mask, size)
    at = host_timespec(t, timeout, wide, _TIME_AT)
    got = masked.call(NR["ppoll"], buffer(t, fds, _POLLFD_BYTES * count), count, at, masked.at, _MASK_BYTES)
    wrote(t, fds, _POLLFD_BYTES * count if got > 0 else 0)
    if at:
        give_timespec(t, timeout, _TIME_AT, wide)
    return got


def ppoll(t: Thread, fds: int, count: int, timeout: int, mask: int, size: int) -> int:
    return _ppoll(t, fds, count, timeout, mask, size, False)


def ppoll_time64(t: Thread, fds: int, count: int, timeout: int, mask: int, size: int) -> int:
    return _ppoll(t, fds, count, timeout, mask, size, True)


def _select(t: Thread, count: int, sets: tuple[int, int, int], timeout_at: int, masked: _Masked) -> int:
    """pselect6 with copies of the sets: a 32-bit guest's have 4-byte words, the host writes 8-byte ones."""
    count = signed(count)
    if count < 0:
        return -errno.EINVAL
    count = min(count, _FD_LIMIT)
    word = t.abi.word
    guest_bytes, host_bytes = (count + 8 * word - 1) // (8 * word) * word, (count + 63) // 64 * 8
    places = []
    for i, addr in enumerate(sets):
        at = _SETS_AT + i * host_bytes
        if addr:
            t.scratch[at : at + host_bytes] = t.memory.read(addr, guest_bytes).ljust(host_bytes, b"\0")
        places.append(t.scratch_at + at if addr else 0)
    t.scratch[_PAIR_AT : _PAIR_AT + 16] = pack("<QQ", masked.at, _MASK_BYTES)
    got = masked.call(NR["pselect6"], count, *places, timeout_at, t.scratch_at + _PAIR_AT)
    if got >= 0:
        for i, addr in enumerate(sets):
            at = _SETS_AT + i * host_bytes
            if addr:
                t.memory.write(addr, bytes(t.scratch[at : at + guest_bytes]))
    return got


def select(t: Thread, count: int, readable: int, writable: int, exceptional: int, timeout: int) -> int:
    at = 0
    if timeout:
        sec, usec = signed_words(t, timeout, 2)
        if sec < 0 or usec < 0:
            return -errno.EINVAL
        TIMESPEC64.pack_into(t.scratch, _TIME_AT, sec + usec // 1_000_000, usec % 1_000_000 * 1000)
        at = t.scratch_at + _TIME_AT
    got = _select(t, count, (readable, writable, exceptional), at, _Masked(t, 0, 0))
    if at:
        sec, nsec = TIMESPEC64.unpack_from(t.scratch, _TIME_AT)
        put_words(t, timeout, sec, nsec // 1000)
    return got


def old_select(t: Thread, arguments: int) -> int:
    """select of the first i386 kernels: its arguments are in memory."""
    return select(t, *words(t, arguments, 5))


def _pselect(t: Thread, count: int, sets: tuple[int, int, int], timeout: int, extra: int, wide: bool) -> int:
    mask, size = words(t, extra, 2) if extra else (0, 0)
    masked = _Masked(t, mask, size)
    at = host_timespec(t, timeout, wide, _TIME_AT)
    got = _select(t, count, sets, at, masked)
    if at:
        give_timespec(t, timeout, _TIME_AT, wide)
    return got


def pselect6(t: Thread, count: int, readable: int, writable: int, exceptional: int, timeout: int, extra: int) -> int:
    return _pselect(t, count, (readable, writable, exceptional), timeout, extra, False)


def pselect6_time64(t: Thread, count: int, readable: int, writable: int, exceptional: int, timeout: int, extra: int) -> int:
    return _pselect(t, count, (readable, writable, exceptional), timeout, extra, True)


def epoll_ctl(t: Thread, epoll: int, operation: int, fd: int, event: int) -> int:
    at = 0
    if event:
        layout = t.abi.epoll_event
        _HOST_EVENT.pack_into(t.scratch, 0, *layout.unpack(t.memory.read(event, layout.size)))
        at = t.scratch_at
    return t.call(NR["epoll_ctl"], epoll, operation, fd, at)


def _events(t: Thread, addr: int, got: int) -> int:
    layout = t.abi.epoll_event
    for i in range(got):
        t.memory.write(addr + i * layout.size, layout.pack(*_HOST_EVENT.unpack_from(t.scratch, _EVENTS_AT + i * _HOST_EVENT.size)))
    return got


def epoll_pwait(t: Thread, epoll: int, events: int, room: int, timeout: int, mask: int, size: int) -> int:
    if signed(room) <= 0:
        return -errno.EINVAL
    masked = _Masked(t, mask, size)
    at = t.scratch_at + _EVENTS_AT
    return _events(t, events, masked.call(NR["epoll_pwait"], epoll, at, min(room, _MAX_EVENTS), signed(timeout), masked.at, _MASK_BYTES))


def epoll_wait(t: Thread, epoll: int, events: int, room: int, timeout: int) -> int:
    return epoll_pwait(t, epoll, events, room, timeout, 0, 0)


def epoll_pwait2(t: Thread, epoll: int, events: int, room: int, timeout: int, mask: int, size: int) -> int:
    if signed(room) <= 0:
        return -errno.EINVAL
    masked = _Masked(t, mask, size)
    at = host_timespec(t, timeout, True, _TIME_AT)
    place = t.scratch_at + _EVENTS_AT
    return _events(t, events, masked.call(NR["epoll_pwait2"], epoll, place, min(room, _MAX_EVENTS), at, masked.at, _MASK_BYTES))
