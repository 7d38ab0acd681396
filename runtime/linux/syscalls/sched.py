"""Scheduling syscalls."""

from __future__ import annotations

import errno

from runtime.linux.hostnr import NR
from runtime.linux.syscalls.common import buffer, give_timespec, optional, wrote

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.threads import Thread


def sched_setparam(t: Thread, pid: int, addr: int) -> int:
    return t.call(NR["sched_setparam"], pid, optional(t, addr))


def sched_getparam(t: Thread, pid: int, addr: int) -> int:
    got = t.call(NR["sched_getparam"], pid, optional(t, addr))
    wrote(t, addr, 4 if got == 0 else 0)
    return got


def sched_setscheduler(t: Thread, pid: int, policy: int, addr: int) -> int:
    return t.call(NR["sched_setscheduler"], pid, policy, optional(t, addr))


def sched_rr_get_interval(t: Thread, pid: int, addr: int, wide: bool = False) -> int:
    got = t.call(NR["sched_rr_get_interval"], pid, t.scratch_at)
    if got == 0:
        give_timespec(t, addr, 0, wide)
    return got


def sched_rr_get_interval_time64(t: Thread, pid: int, addr: int) -> int:
    return sched_rr_get_interval(t, pid, addr, True)


def sched_setaffinity(t: Thread, pid: int, size: int, addr: int) -> int:
    return t.call(NR["sched_setaffinity"], pid, size, buffer(t, addr, size))


def sched_getaffinity(t: Thread, pid: int, size: int, addr: int) -> int:
    """A 32-bit guest's masks have 4-byte words, the host's 8-byte ones."""
    if size & t.abi.word - 1:
        return -errno.EINVAL
    room = max(size, 128) + 7 & ~7
    got = t.call(NR["sched_getaffinity"], pid, room, t.scratch_at)
    if got <= 0:
        return got
    if any(t.scratch[size:got]):
        return -errno.EINVAL
    t.memory.write(addr, bytes(t.scratch[: min(got, size)]))
    return min(got, size)


def sched_setattr(t: Thread, pid: int, addr: int, flags: int) -> int:
    return t.call(NR["sched_setattr"], pid, optional(t, addr), flags)


def sched_getattr(t: Thread, pid: int, addr: int, size: int, flags: int) -> int:
    got = t.call(NR["sched_getattr"], pid, buffer(t, addr, size), size, flags)
    wrote(t, addr, size if got == 0 else 0)
    return got
