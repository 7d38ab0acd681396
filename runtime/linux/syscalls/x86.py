"""Calls that only x86 has: thread-local storage."""

from __future__ import annotations

import errno

from runtime.linux.syscalls.common import put_words
from runtime.linux.x86 import descriptors
from runtime.linux.x86.descriptors import read_descriptor, set_descriptor, write_descriptor

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.threads import Thread

_ARCH_SET_GS, _ARCH_SET_FS, _ARCH_GET_FS, _ARCH_GET_GS = 0x1001, 0x1002, 0x1003, 0x1004


def set_thread_area(t: Thread, addr: int) -> int:
    """An entry number of -1 asks for a free one, which is stored."""
    descriptor = read_descriptor(t, addr)
    number = set_descriptor(t, descriptor)
    if number < 0:
        return number
    if descriptor.asks_for_entry:
        t.memory.put_u32(addr, number)
    return 0


def get_thread_area(t: Thread, addr: int) -> int:
    return write_descriptor(t, addr, t.memory.u32(addr))


def modify_ldt(t: Thread, function: int, addr: int, count: int) -> int:
    """A result of 32 bits: errors are positive numbers in 64-bit code."""
    return descriptors.modify_ldt(t, function, addr, count) & 0xFFFFFFFF if t.abi.word == 8 else descriptors.modify_ldt(t, function, addr, count)


def arch_prctl(t: Thread, code: int, value: int) -> int:
    segment = {_ARCH_SET_FS: "fs", _ARCH_GET_FS: "fs", _ARCH_SET_GS: "gs", _ARCH_GET_GS: "gs"}.get(code)
    if segment is None:
        return -errno.EINVAL
    if code in (_ARCH_GET_FS, _ARCH_GET_GS):
        put_words(t, value, t.vcpu.get(f"{segment}_base"))
        return 0
    if value >= t.process.space.limit:
        return -errno.EPERM
    t.vcpu.put(segment, 0)
    t.vcpu.put(f"{segment}_base", value)
    return 0
