"""Address space set aside for a guest, and arrays with an item for each of its pages: large on paper, paid for where they are used.

What is reserved has no access (``PROT_NONE``) or can only be read. Linux counts neither against its limit of committed memory, also where that limit is strict
(``vm.overcommit_memory`` = 2); ``RLIMIT_AS`` counts both.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterator

PROT_NONE = 0
CHUNK_PAGES = 1 << 20  # guest pages whose items become writable together: all of a 32-bit guest's
_NORESERVE = getattr(mmap, "MAP_NORESERVE", 0)
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
_libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_MAP_FAILED = ctypes.c_void_p(-1).value


def reserve(size: int) -> int | None:
    """Host address of *size* bytes without access; None if the system refuses."""
    at = _libc.mmap(None, size, PROT_NONE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE, -1, 0)
    return None if at == _MAP_FAILED else int(at)


def release(at: int, size: int) -> None:
    _libc.munmap(at, size)


class PageArray:
    """*item* bytes for each of *pages* guest pages, at host address *address* in a reservation. All are 0 until ``open`` has made theirs writable."""

    def __init__(self, address: int, pages: int, item: int) -> None:
        self.address = address
        self._item = item
        self._writable: set[int] = set()  # numbers of chunks
        self._protect(0, pages, mmap.PROT_READ)

    def _protect(self, first: int, count: int, protection: int) -> None:
        if _libc.mprotect(self.address + first * self._item, count * self._item, protection):
            raise MemoryError(f"the system refuses {count * self._item >> 10} KiB for a table of the guest's pages")

    def open(self, first: int, count: int) -> None:
        """Make the items of *count* pages from number *first* on writable."""
        for chunk in range(first // CHUNK_PAGES, (first + count - 1) // CHUNK_PAGES + 1):
            if chunk not in self._writable:
                self._protect(chunk * CHUNK_PAGES, CHUNK_PAGES, mmap.PROT_READ | mmap.PROT_WRITE)
                self._writable.add(chunk)

    def opened(self, first: int, count: int) -> Iterator[tuple[int, int]]:
        """The parts (first, count) of a range of pages whose items may differ from 0, ascending."""
        end = first + count
        for chunk in sorted(c for c in self._writable if c * CHUNK_PAGES < end and first < (c + 1) * CHUNK_PAGES):
            start = max(first, chunk * CHUNK_PAGES)
            yield start, min(end, (chunk + 1) * CHUNK_PAGES) - start
