"""The three descriptors that i386 programs set for thread-local storage (set_thread_area, arch/x86/kernel/tls.c).

``struct user_desc``: entry number, base, limit, flags (bit 0 32-bit segment, 1 and 2 contents, 3 read and execute only, 4 limit in pages, 5 not present, 6
useable, 7 of 64-bit code).
"""

from __future__ import annotations

import errno
from struct import Struct

from dbt.abi.x86 import TLS_ENTRIES, TLS_ENTRY, TLS_SELECTORS

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.threads import Thread

_USER_DESC = Struct("<4I")
_ANY = 0xFFFFFFFF
_32BIT, _CONTENTS, _READ_EXEC_ONLY, _IN_PAGES, _NOT_PRESENT, _USEABLE, _LONG = 1, 3 << 1, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7
_ACCESS = 0x40F100  # rights of a 32-bit data segment of user code that is present and was accessed (SDM vol. 3A, 3.4.5)
_EXPAND_DOWN, _WRITABLE, _AVAILABLE, _GRANULARITY = 1 << 10, 1 << 9, 1 << 20, 1 << 23  # further rights
_LIMIT_HIGH = 0xF0000  # the limit's part in the word of the rights


class Descriptor:
    """``struct user_desc``."""

    __slots__ = ("number", "base", "limit", "flags")

    def __init__(self, number: int, base: int = 0, limit: int = 0, flags: int = _READ_EXEC_ONLY | _NOT_PRESENT) -> None:
        self.number, self.base, self.limit, self.flags = number, base, limit, flags

    @property
    def asks_for_entry(self) -> bool:
        return self.number == _ANY

    @property
    def empty(self) -> bool:
        """True if it clears its entry: all zero, or the form that the kernel gives for one that is not set."""
        return not self.base and not self.limit and self.flags & 0x7F in (0, _READ_EXEC_ONLY | _NOT_PRESENT)

    @property
    def allowed(self) -> bool:
        """True if Linux takes it: no 16-bit segment, no code, nothing that is not present."""
        return self.empty or bool(self.flags & _32BIT) and self.flags & _CONTENTS <= 2 and not self.flags & (_NOT_PRESENT | _LONG)

    @property
    def rights(self) -> int:
        """What LAR tells of it; 0 if it is empty."""
        if self.empty:
            return 0
        shown = ((_CONTENTS, _EXPAND_DOWN), (_USEABLE, _AVAILABLE), (_IN_PAGES, _GRANULARITY))
        rights = _ACCESS | self.limit & _LIMIT_HIGH | (0 if self.flags & _READ_EXEC_ONLY else _WRITABLE)
        return rights | sum(right for flag, right in shown if self.flags & flag)

    @property
    def last_byte(self) -> int:
        """What LSL tells of it."""
        return (self.limit << 12 | 0xFFF if self.flags & _IN_PAGES else self.limit) & 0xFFFFFFFF


def read_descriptor(t: Thread, addr: int) -> Descriptor:
    return Descriptor(*_USER_DESC.unpack(t.memory.read(addr, _USER_DESC.size)))


def set_descriptor(t: Thread, descriptor: Descriptor) -> int:
    """Give *t* the descriptor; its entry's number, or -errno. A segment register that holds its selector has the new base at once."""
    if not t.descriptors:
        t.descriptors = [Descriptor(TLS_ENTRY + i) for i in range(TLS_ENTRIES)]
    if descriptor.asks_for_entry:
        free = next((i for i, old in enumerate(t.descriptors) if old.empty), None)
        if free is None:
            return -errno.ESRCH
    else:
        free = descriptor.number - TLS_ENTRY
        if not 0 <= free < TLS_ENTRIES:
            return -errno.EINVAL
    if not descriptor.allowed:
        return -errno.EINVAL
    number, vcpu = TLS_ENTRY + free, t.vcpu
    t.descriptors[free] = Descriptor(number) if descriptor.empty else Descriptor(number, descriptor.base, descriptor.limit, descriptor.flags)
    for part, value in (("base", descriptor.base), ("limit", descriptor.last_byte), ("access", descriptor.rights)):
        vcpu.put(f"tls{free}_{part}", value)
    for name in ("fs", "gs"):
        if vcpu.get(name) == TLS_SELECTORS[free]:
            vcpu.put(f"{name}_base", descriptor.base)
    return number


def write_descriptor(t: Thread, addr: int, number: int) -> int:
    """get_thread_area: 0 or -errno."""
    if not 0 <= number - TLS_ENTRY < TLS_ENTRIES:
        return -errno.EINVAL
    found = t.descriptors[number - TLS_ENTRY] if t.descriptors else Descriptor(number)
    t.memory.write(addr, _USER_DESC.pack(number, found.base, found.limit, found.flags))
    return 0
