"""Descriptors that programs set: the three of i386 threads for thread-local storage (set_thread_area, arch/x86/kernel/tls.c) and those of the process in the
LDT (modify_ldt, arch/x86/kernel/ldt.c); and what segment registers hold of them.

``struct user_desc``: entry number, base, limit, flags (bit 0 32-bit segment, 1 and 2 contents, 3 read and execute only, 4 limit in pages, 5 not present, 6
useable, 7 of 64-bit code).
"""

from __future__ import annotations

import errno
from struct import Struct

from dbt.abi.x86 import (
    DATA_SEGMENTS,
    DESCRIPTORS,
    LOCAL,
    NULL_BASE,
    NULL_PAGE,
    RIGHT_BIG,
    RIGHT_CODE,
    RIGHT_DOWN,
    RIGHT_PRESENT,
    RIGHT_READ_OR_WRITE,
    RPL,
    SEGMENTS,
    TLS_ENTRIES,
    TLS_ENTRY,
    TLS_SELECTORS,
)
from runtime.linux.x86.abi import X86Abi

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.threads import Thread
    from runtime.vcpu import VCpu

_USER_DESC = Struct("<4I")
_ANY = 0xFFFFFFFF
_32BIT, _CONTENTS, _READ_EXEC_ONLY, _IN_PAGES, _NOT_PRESENT, _USEABLE, _LONG = 1, 3 << 1, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7
_ACCESS = 0x7100  # rights of a data segment of user code that was accessed (SDM vol. 3A, 3.4.5)
_AVAILABLE, _GRANULARITY, _CONTENTS_TO_TYPE = 1 << 20, 1 << 23, 9  # further rights; how far the contents are moved
_LIMIT_HIGH = 0xF0000  # the limit's part in the word of the rights
_LDT_ENTRIES, _ENTRY = 8192, Struct("<II")
_DEFAULT_BYTES = 128  # what modify_ldt shows of the default LDT, all zeros
_READ, _WRITE_OLD, _READ_DEFAULT, _WRITE = 0, 1, 2, 0x11  # functions of modify_ldt
_CONFORMING = 3  # contents: conforming code


Parts = tuple[int, int, int]  # base, last byte, rights: 0 for no segment


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
        shown = ((_32BIT, RIGHT_BIG), (_USEABLE, _AVAILABLE), (_IN_PAGES, _GRANULARITY))
        rights = _ACCESS | self.limit & _LIMIT_HIGH | (self.flags & _CONTENTS) << _CONTENTS_TO_TYPE
        rights |= (0 if self.flags & _READ_EXEC_ONLY else RIGHT_READ_OR_WRITE) | (0 if self.flags & _NOT_PRESENT else RIGHT_PRESENT)
        return rights | sum(right for flag, right in shown if self.flags & flag)

    @property
    def image(self) -> bytes:
        """The eight bytes that the processor would look at."""
        high = self.rights | self.base & 0xFF000000 | self.base >> 16 & 0xFF
        return _ENTRY.pack(self.base << 16 & 0xFFFF0000 | self.limit & 0xFFFF, high) if self.rights else bytes(_ENTRY.size)

    @property
    def parts(self) -> Parts:
        return self.base, self.last_byte, self.rights

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
    _renew(t, TLS_SELECTORS[free])
    return number


def write_descriptor(t: Thread, addr: int, number: int) -> int:
    """get_thread_area: 0 or -errno."""
    if not 0 <= number - TLS_ENTRY < TLS_ENTRIES:
        return -errno.EINVAL
    found = t.descriptors[number - TLS_ENTRY] if t.descriptors else Descriptor(number)
    t.memory.write(addr, _USER_DESC.pack(number, found.base, found.limit, found.flags))
    return 0


# Segment registers --------------------------------------------------------------------------------------------------------
def put_segment(vcpu: VCpu, name: str, selector: int, parts: Parts) -> None:
    """Segment register *name* of 32-bit code: its selector and what goes with it, as ``dbt.frontend.x86.segment.load`` leaves them."""
    base, limit, rights = parts
    flat = rights & (RIGHT_CODE | RIGHT_DOWN | RIGHT_READ_OR_WRITE) == RIGHT_READ_OR_WRITE and limit == 0xFFFFFFFF
    if name in ("fs", "gs"):
        null = not selector & ~RPL
        vcpu.put(f"{name}_null", NULL_PAGE if null else 0)
        base, flat = NULL_BASE if null else base, flat or null
    else:
        flat = flat and not base
    for part, value in ((name, selector), (f"{name}_base", base), (f"{name}_limit", limit), (f"{name}_access", rights)):
        vcpu.put(part, value)
    bit = 1 << SEGMENTS.index(name)
    vcpu.put("odd_segments", vcpu.get("odd_segments") & ~bit | (0 if flat else bit))


def parts_of(t: Thread, selector: int) -> Parts:
    """What a selector names."""
    index = selector & ~RPL
    if selector & LOCAL:
        return _local(t, index)
    for i, value in enumerate(TLS_SELECTORS):
        if index == value & ~RPL and t.descriptors:
            return t.descriptors[i].parts
    for value, (rights, limit) in DESCRIPTORS.items():
        if index == value & ~RPL:
            return 0, limit, rights
    return 0, 0, 0


def load_segment(t: Thread, name: str, selector: int) -> None:
    """What a signal's return does: a selector that names nothing becomes null."""
    parts = parts_of(t, selector)
    put_segment(t.vcpu, name, selector if parts[2] else selector & RPL, parts)


def _renew(t: Thread, selector: int) -> None:
    """The descriptor of *selector* has changed: registers that hold it follow at once."""
    vcpu = t.vcpu
    for name in DATA_SEGMENTS:
        if vcpu.get(name) & ~RPL == selector & ~RPL and name in vcpu.layout.slots:
            if f"{name}_access" in vcpu.layout.slots:
                put_segment(vcpu, name, vcpu.get(name), parts_of(t, selector))
            elif name in ("fs", "gs"):
                vcpu.put(f"{name}_base", parts_of(t, selector)[0])
    assert isinstance(t.abi, X86Abi)
    t.abi.put_mode(vcpu)


# The LDT ------------------------------------------------------------------------------------------------------------------
def _local(t: Thread, index: int) -> Parts:
    descriptor = t.process.ldt.get(index >> 3)
    return descriptor.parts if descriptor else (0, 0, 0)


def look_up(t: Thread, index: int) -> None:
    """Put the descriptor of the LDT that *index* (a selector without its privilege level) names into the slots where lifted code looks for it."""
    for part, value in zip(("base", "limit", "access"), _local(t, index), strict=True):
        t.vcpu.put(f"ldt_{part}", value)
    t.vcpu.put("ldt_selector", index)


def modify_ldt(t: Thread, function: int, addr: int, count: int) -> int:
    """Bytes read, 0 or -errno. Other threads that hold a changed descriptor's selector see the change when they load it again."""
    if function == _READ:
        return _read_ldt(t, addr, count)
    if function == _READ_DEFAULT:
        count = min(count, _DEFAULT_BYTES)
        t.memory.write(addr, bytes(count))
        return count
    if function not in (_WRITE_OLD, _WRITE):
        return -errno.ENOSYS
    if count != _USER_DESC.size:
        return -errno.EINVAL
    new = read_descriptor(t, addr)
    old = function == _WRITE_OLD
    if new.number >= _LDT_ENTRIES or new.flags & _CONTENTS == _CONFORMING << 1 and (old or not new.flags & _NOT_PRESENT):
        return -errno.EINVAL
    if old:
        new.flags &= ~_USEABLE
    unset = not new.base and not new.limit and new.flags & 0x7F == _READ_EXEC_ONLY | _NOT_PRESENT
    if unset or old and not new.base and not new.limit:
        t.process.ldt.pop(new.number, None)
    else:
        t.process.ldt[new.number] = new
    for thread in list(t.process.threads.values()):
        thread.vcpu.put("ldt_selector", 0)
    _renew(t, new.number << 3 | LOCAL)
    return 0


def _read_ldt(t: Thread, addr: int, count: int) -> int:
    ldt = t.process.ldt
    if not ldt:
        return 0
    count = min(count, _LDT_ENTRIES * _ENTRY.size)
    image = b"".join(ldt[i].image if i in ldt else bytes(_ENTRY.size) for i in range(max(ldt) + 1))
    t.memory.write(addr, image[:count].ljust(count, b"\0"))
    return count
