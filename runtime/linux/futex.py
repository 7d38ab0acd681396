"""Futexes: the host's, on the host addresses of guest memory. Guest thread ids are host thread ids, so priority inheritance works as it is."""

from __future__ import annotations

import errno

from runtime.linux.hostnr import NR
from runtime.linux.syscalls.common import words
from runtime.memory import GuestFault

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.threads import Thread

_FUTEX = NR["futex"]
FUTEX_WAKE = 1
_WAITERS, _OWNER_DIED, _TID_MASK = 0x80000000, 0x40000000, 0x3FFFFFFF
_ROBUST_LIMIT = 2048


def wake(t: Thread, addr: int, count: int) -> int:
    return t.host.quick(_FUTEX, t.base + addr, FUTEX_WAKE, count) if addr < t.limit else -errno.EFAULT


def exit_robust_list(t: Thread) -> None:
    """Mark the robust mutexes that the ending thread holds (Documentation/locking/robust-futexes.rst): entries are linked by their first word,
    the futex is at a fixed offset from the entry."""
    head = t.robust_list
    t.robust_list = 0
    if not head:
        return
    try:
        entry, offset, pending = words(t, head, 3)
        space = (1 << 8 * t.abi.word) - 1
        for _ in range(_ROBUST_LIMIT):
            if entry & ~1 == head:
                break
            (following,) = words(t, entry & ~1, 1)
            if entry != pending:
                _owner_died(t, (entry & ~1) + offset & space, entry & 1)
            entry = following
        if pending:
            _owner_died(t, (pending & ~1) + offset & space, pending & 1)
    except GuestFault:
        return


def _owner_died(t: Thread, addr: int, inherits: int) -> None:
    value = t.memory.u32(addr)
    if value & _TID_MASK == t.tid:
        t.memory.put_u32(addr, value & _WAITERS | _OWNER_DIED)
        if value & _WAITERS and not inherits:
            wake(t, addr, 1)
