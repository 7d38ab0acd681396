"""Clocks, sleeps and timers, in the 32-bit and the time64 forms."""

from __future__ import annotations

import errno
from struct import Struct, unpack

from runtime.linux.hostnr import NR
from runtime.linux.syscalls.common import AT_FDCWD, TIMESPEC64, give_timespec, host_path, host_timespec, put_words, read_timespec, signed, signed_words

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.linux.threads import Thread

_GETTIME, _NANOSLEEP, _UTIMENSAT = NR["clock_gettime"], NR["clock_nanosleep"], NR["utimensat"]
_TIMER_ABSTIME = 1
_CLOCK_REALTIME, _CLOCK_MONOTONIC = 0, 1
_ITIMER = Struct("<4q")
_REMAINING_AT = 16  # scratch offsets
_NEW_AT, _OLD_AT = 0, 64


def _clock(name: str, wide: bool) -> Callable[[Thread, int, int], int]:
    nr = NR[name]

    def handler(t: Thread, clock: int, addr: int) -> int:
        got = t.host.quick(nr, signed(clock), t.scratch_at)
        if got == 0 and addr:
            give_timespec(t, addr, 0, wide)
        return got

    return handler


clock_gettime, clock_gettime64 = _clock("clock_gettime", False), _clock("clock_gettime", True)
clock_getres, clock_getres_time64 = _clock("clock_getres", False), _clock("clock_getres", True)


def clock_settime(t: Thread, clock: int, addr: int) -> int:
    return t.host.quick(NR["clock_settime"], clock, host_timespec(t, addr, False))


def clock_settime64(t: Thread, clock: int, addr: int) -> int:
    return t.host.quick(NR["clock_settime"], clock, host_timespec(t, addr, True))


def gettimeofday(t: Thread, tv: int, tz: int) -> int:
    t.host.quick(NR["gettimeofday"], t.scratch_at, t.scratch_at + 16)
    if tv:
        sec, usec = TIMESPEC64.unpack_from(t.scratch)
        put_words(t, tv, sec, usec)
    if tz:
        t.memory.write(tz, bytes(t.scratch[16:24]))
    return 0


def times(t: Thread, addr: int) -> int:
    got = t.host.quick(NR["times"], t.scratch_at)
    if addr:
        put_words(t, addr, *unpack("<4q", t.scratch[:32]))
    return got & 0x7FFFFFFF if t.abi.word == 4 else got


def time(t: Thread, addr: int) -> int:
    t.host.quick(_GETTIME, _CLOCK_REALTIME, t.scratch_at)
    sec, _ = TIMESPEC64.unpack_from(t.scratch)
    if addr:
        put_words(t, addr, sec)
    return int(sec)


def _sleep(t: Thread, clock: int, flags: int, request: int, remain: int, wide: bool) -> int:
    got = t.call(_NANOSLEEP, signed(clock), flags, host_timespec(t, request, wide), t.scratch_at + _REMAINING_AT)
    if got == -errno.EINTR and remain and not flags & _TIMER_ABSTIME:
        give_timespec(t, remain, _REMAINING_AT, wide)
    return got


def nanosleep(t: Thread, request: int, remain: int) -> int:
    return _sleep(t, _CLOCK_MONOTONIC, 0, request, remain, False)


def clock_nanosleep(t: Thread, clock: int, flags: int, request: int, remain: int) -> int:
    return _sleep(t, clock, flags, request, remain, False)


def clock_nanosleep_time64(t: Thread, clock: int, flags: int, request: int, remain: int) -> int:
    return _sleep(t, clock, flags, request, remain, True)


# Interval timers


def setitimer(t: Thread, which: int, new: int, old: int) -> int:
    if new:
        _ITIMER.pack_into(t.scratch, _NEW_AT, *signed_words(t, new, 4))
    got = t.host.quick(NR["setitimer"], which, t.scratch_at + _NEW_AT if new else 0, t.scratch_at + _OLD_AT)
    if got == 0 and old:
        put_words(t, old, *_ITIMER.unpack_from(t.scratch, _OLD_AT))
    return got


def getitimer(t: Thread, which: int, addr: int) -> int:
    got = t.host.quick(NR["getitimer"], which, t.scratch_at)
    if got == 0:
        put_words(t, addr, *_ITIMER.unpack_from(t.scratch))
    return got


def _read_itimerspec(t: Thread, addr: int, wide: bool) -> None:
    size = 16 if wide else 8
    for i in range(2):
        TIMESPEC64.pack_into(t.scratch, _NEW_AT + 16 * i, *read_timespec(t, addr + size * i, wide))


def _write_itimerspec(t: Thread, addr: int, at: int, wide: bool) -> None:
    size = 16 if wide else 8
    for i in range(2):
        give_timespec(t, addr + size * i, at + 16 * i, wide)


def _settime(name: str, wide: bool) -> Callable[..., int]:
    nr = NR[name]

    def handler(t: Thread, number: int, flags: int, new: int, old: int) -> int:
        if not new:
            return -errno.EINVAL
        _read_itimerspec(t, new, wide)
        got = t.host.quick(nr, number, flags, t.scratch_at + _NEW_AT, t.scratch_at + _OLD_AT)
        if got == 0 and old:
            _write_itimerspec(t, old, _OLD_AT, wide)
        return got

    return handler


def _gettime(name: str, wide: bool) -> Callable[[Thread, int, int], int]:
    nr = NR[name]

    def handler(t: Thread, number: int, addr: int) -> int:
        got = t.host.quick(nr, number, t.scratch_at)
        if got == 0:
            _write_itimerspec(t, addr, 0, wide)
        return got

    return handler


timer_settime, timer_settime64 = _settime("timer_settime", False), _settime("timer_settime", True)
timer_gettime, timer_gettime64 = _gettime("timer_gettime", False), _gettime("timer_gettime", True)
timerfd_settime, timerfd_settime64 = _settime("timerfd_settime", False), _settime("timerfd_settime", True)
timerfd_gettime, timerfd_gettime64 = _gettime("timerfd_gettime", False), _gettime("timerfd_gettime", True)


def timer_create(t: Thread, clock: int, event: int, addr: int) -> int:
    """struct sigevent: value, signal, kind, thread id; the host's value is 64 bits wide. SIGEV_THREAD is glibc's, the kernel sees SIGEV_THREAD_ID."""
    host_event = 0
    if event:
        word = t.abi.word
        value = t.memory.read(event, word).ljust(8, b"\0")
        t.scratch[64:128] = (value + t.memory.read(event + word, 12)).ljust(64, b"\0")
        host_event = t.scratch_at + 64
    got = t.host.quick(NR["timer_create"], signed(clock), host_event, t.scratch_at)
    if got == 0:
        t.process.has_timers = True
        t.memory.write(addr, bytes(t.scratch[:4]))
    return got


# File times


def _set_times(t: Thread, directory: int, path: int, flags: int, times: tuple[tuple[int, int], ...] | None) -> int:
    at = 0
    if times is not None:
        for i, (sec, nsec) in enumerate(times):
            TIMESPEC64.pack_into(t.scratch, 16 * i, sec, nsec)
        at = t.scratch_at
    name = host_path(t, path, not flags & 0x100) if path else 0
    return t.call(_UTIMENSAT, directory, name, at, flags)


def _utimensat(t: Thread, directory: int, path: int, addr: int, flags: int, wide: bool) -> int:
    size = 16 if wide else 8
    return _set_times(t, directory, path, flags, tuple(read_timespec(t, addr + size * i, wide) for i in range(2)) if addr else None)


def utimensat(t: Thread, directory: int, path: int, addr: int, flags: int) -> int:
    return _utimensat(t, directory, path, addr, flags, False)


def utimensat_time64(t: Thread, directory: int, path: int, addr: int, flags: int) -> int:
    return _utimensat(t, directory, path, addr, flags, True)


def futimesat(t: Thread, directory: int, path: int, addr: int) -> int:
    if not addr:
        return _set_times(t, directory, path, 0, None)
    values = signed_words(t, addr, 4)
    moments = (values[:2], values[2:])
    if any(not 0 <= usec < 1_000_000 for _, usec in moments):
        return -errno.EINVAL
    return _set_times(t, directory, path, 0, tuple((sec, usec * 1000) for sec, usec in moments))


def utime(t: Thread, path: int, addr: int) -> int:
    return _set_times(t, AT_FDCWD, path, 0, tuple((sec, 0) for sec in signed_words(t, addr, 2)) if addr else None)


def utimes(t: Thread, path: int, addr: int) -> int:
    return futimesat(t, AT_FDCWD, path, addr)
