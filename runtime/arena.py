"""Host memory for regions: one reserved range, its first half code (never writable and executable at once), its second half data.

Code and data of every region lie within 2 GiB of each other, so the small code model fits. The mapping is private and anonymous: a forked
child keeps its own copy.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from bisect import bisect_right

from runtime import objects
from runtime.faults import FaultTable

SIZE = 256 << 20
_PAGE = mmap.PAGESIZE
_libc = ctypes.CDLL(None, use_errno=True)


class ArenaFull(Exception):
    """No room for another region: every region must be dropped (``Arena.reset``) before the next one."""


class Placed:
    """A region in the arena. ``address`` gives its symbols' host addresses."""

    __slots__ = ("_symbols", "_starts")

    def __init__(self, symbols: dict[str, tuple[int, int]], starts: tuple[int, int]) -> None:
        self._symbols = symbols
        self._starts = starts

    def address(self, name: str) -> int:
        """Host address of symbol *name*; KeyError if there is none."""
        section, offset = self._symbols[name]
        return self._starts[section] + offset


class Arena:
    """Places linked objects one after the other; nothing is freed one by one, because a vCPU may still be inside."""

    def __init__(self, size: int = SIZE) -> None:
        self._map = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0))
        self.base = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self.size = size
        self._code = 0
        self._data = size // 2
        self._faults: FaultTable | None = None
        self._slots: list[tuple[int, int]] = []  # where regions keep host addresses to jump to, as (start, end), ascending

    @property
    def used(self) -> int:
        """Bytes of code and data placed so far."""
        return self._code + self._data - self.size // 2

    def place(self, linked: objects.LinkedObject, slots: tuple[int, int] = (0, 0)) -> Placed:
        """Copy *linked* in and make its code executable; ArenaFull if it does not fit, ObjectError if it needs external symbols. *slots*: from where to where
        in its data it keeps the addresses of other regions, if anywhere."""
        code_at = self._code
        code_end = -(-(code_at + len(linked.code)) // _PAGE) * _PAGE
        data_at = -(-self._data // linked.align) * linked.align
        if code_end > self.size // 2 or data_at + linked.data_size > self.size:
            raise ArenaFull
        starts = (self.base + code_at, self.base + data_at)
        code, data = objects.place(linked, *starts, _no_externals)
        self._map[code_at : code_at + len(code)] = bytes(code)
        self._map[data_at : data_at + len(data)] = bytes(data)
        self._protect(code_at, code_end - code_at, mmap.PROT_READ | mmap.PROT_EXEC)
        if linked.faults:
            if self._faults is None:
                self._faults = FaultTable(self.base, self.size // 2)
            if not self._faults.add(code_at, linked.faults):
                raise ArenaFull
        self._code, self._data = code_end, data_at + linked.data_size
        if slots[0] < slots[1]:
            self._slots.append((data_at + slots[0], data_at + slots[1]))
        return Placed(linked.symbols, starts)

    def redirect(self, entries: dict[int, int]) -> None:
        """Let all slots that lead to a key of *entries*, a host address, lead to its value; 0: to the dispatcher. vCPUs may be jumping through them, and may
        fill others."""
        first = self.size // 2
        data = self._map[first : self._data]
        for old, new in entries.items():
            wanted = old.to_bytes(8, "little")
            at = data.find(wanted)
            while at >= 0:
                slot = bisect_right(self._slots, (first + at, self.size)) - 1
                if at % 8 == 0 and slot >= 0 and first + at < self._slots[slot][1]:
                    write_word(self.base + first + at, new)
                at = data.find(wanted, at + 1)

    def reset(self) -> None:
        """Drop every region. Only while no vCPU is inside one."""
        self._protect(0, self._code, mmap.PROT_READ | mmap.PROT_WRITE)
        self._map.madvise(mmap.MADV_DONTNEED)
        self._code, self._data = 0, self.size // 2
        self._slots.clear()
        if self._faults is not None:
            self._faults.clear()

    def _protect(self, offset: int, size: int, protection: int) -> None:
        if size and _libc.mprotect(ctypes.c_void_p(self.base + offset), ctypes.c_size_t(size), protection):
            raise OSError(ctypes.get_errno(), f"the system refuses executable memory ({os.strerror(ctypes.get_errno())})")


def read_word(address: int) -> int:
    """The u64 at host *address*."""
    return int(ctypes.c_uint64.from_address(address).value)


def write_word(address: int, value: int) -> None:
    """Set the u64 at host *address*."""
    ctypes.c_uint64.from_address(address).value = value


def _no_externals(name: str) -> None:
    return None
