"""The host kernel, from native code: raw system calls, futexes, and the one place where native code waits.

``syscall(number, a, b, c, d, e, f)`` gives the result or -errno, as ``runtime.linux.host.Host.quick`` does for Python. A signal makes it return -EINTR like
any other; nothing here looks at a vCPU's request word first (``runtime.linux.hoststub`` has the call that does).

A vCPU that calls the host for something that may block does so between ``rendezvous.leave_running`` and ``rendezvous.enter_running``, or nobody can hold an
exclusive section meanwhile; and it tells ``codepages.wrote`` of what the host has written only after it is RUNNING again.
"""

from __future__ import annotations

import platform

from runtime.kernels.build import kernel
from runtime.kernels.mem import addp, p2i, pause, syscall
from runtime.linux.hostnr import NR

_FUTEX, _SCHED_YIELD = NR["futex"], NR["sched_yield"]
_PRIVATE = 128
_WAIT, _WAKE = 0 | _PRIVATE, 1 | _PRIVATE  # linux/futex.h
EVERYBODY = (1 << 31) - 1
ATOMIC_UNIT = 64 if platform.machine() == "x86_64" else 1  # bytes: inside one, atomic operations may be misaligned; beyond, x86 locks its bus if it may
SPINS = 100  # pauses (a few microseconds) before a waiting thread gives its processor away


@kernel
def futex_wait(base, offset, value):
    """Sleep while the low 32 bits of the word at (base, offset) are *value*, until a wake. Returns early for signals: look again."""
    syscall(_FUTEX, p2i(addp(base, offset)), _WAIT, value, 0, 0, 0)


@kernel
def futex_wake(base, offset, count):
    """Wake *count* threads that sleep on the word at (base, offset)."""
    syscall(_FUTEX, p2i(addp(base, offset)), _WAKE, count, 0, 0, 0)


@kernel
def sched_yield():
    """Let another thread have this processor."""
    syscall(_SCHED_YIELD, 0, 0, 0, 0, 0, 0)


@kernel
def back_off(turn):
    """Between two looks at a lock whose holder never waits: gives the number of the next turn."""
    if turn < SPINS:
        pause()
    else:
        sched_yield()
    return turn + 1
