"""futex(2)."""

from __future__ import annotations

import errno

from dbt.abi.syscalls import ERESTART_RESTARTBLOCK
from runtime.linux.hostnr import NR
from runtime.linux.syscalls.common import host_timespec, place, wrote

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.threads import Thread

_FUTEX = NR["futex"]
_COMMAND = 0x7F  # without FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME
_WAIT, _WAKE, _REQUEUE, _CMP_REQUEUE, _WAKE_OP, _LOCK_PI, _UNLOCK_PI, _TRYLOCK_PI, _WAIT_BITSET, _WAKE_BITSET = 0, 1, 3, 4, 5, 6, 7, 8, 9, 10
_WAIT_REQUEUE_PI, _CMP_REQUEUE_PI, _LOCK_PI2 = 11, 12, 13
_WITH_TIMEOUT = frozenset((_WAIT, _LOCK_PI, _WAIT_BITSET, _WAIT_REQUEUE_PI, _LOCK_PI2))
_WAITS = frozenset((_WAIT, _WAIT_BITSET))  # a signal ends them for good if they have a timeout
_WITH_SECOND = frozenset((_REQUEUE, _CMP_REQUEUE, _WAKE_OP, _WAIT_REQUEUE_PI, _CMP_REQUEUE_PI))
_WRITES = frozenset((_WAKE_OP, _LOCK_PI, _UNLOCK_PI, _TRYLOCK_PI, _WAIT_REQUEUE_PI, _CMP_REQUEUE_PI, _LOCK_PI2))


def _futex(t: Thread, addr: int, operation: int, value: int, timeout: int, second: int, value3: int, wide: bool) -> int:
    command = operation & _COMMAND & ~0x80
    if addr & 3 or second & 3 and command in _WITH_SECOND:
        return -errno.EINVAL
    fourth = host_timespec(t, timeout, wide) if command in _WITH_TIMEOUT else timeout  # else: a count
    got = t.call(_FUTEX, place(t, addr), operation, value, fourth, place(t, second) if command in _WITH_SECOND else 0, value3)
    if got == -errno.EINTR and fourth and command in _WAITS:
        got = -ERESTART_RESTARTBLOCK
    if command in _WRITES:
        wrote(t, addr, 4)
        if command in _WITH_SECOND:
            wrote(t, second, 4)
    return got


def futex(t: Thread, addr: int, operation: int, value: int, timeout: int, second: int, value3: int) -> int:
    return _futex(t, addr, operation, value, timeout, second, value3, False)


def futex_time64(t: Thread, addr: int, operation: int, value: int, timeout: int, second: int, value3: int) -> int:
    return _futex(t, addr, operation, value, timeout, second, value3, True)
