"""Guest memory as Python sees it: the reserved address space, the page flags, and checked reads and writes.

Guest address 0 is at host address ``base``. Which host pages are mapped there is up to the operating-system layer; the flags say what the guest may do,
and every access that the engine makes or that goes through this class asks them first.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from collections.abc import Callable

from dbt.abi.exclusive import SHARED_FRAMES
from dbt.abi.memory import PAGE_BITS, PAGE_READ, PAGE_SIZE, PAGE_TABLE_ENTRIES_32, PAGE_VALID, PAGE_WRITE
from runtime.process_block import ProcessBlock, proc
from runtime.section import ExclusiveSection

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from typing import Any

SPACE_32 = 1 << 32
_PROT_NONE = 0
_MAP_NORESERVE = getattr(mmap, "MAP_NORESERVE", 0)
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_MAP_FAILED = ctypes.c_void_p(-1).value


class GuestFault(Exception):
    """A checked access to guest memory that the page flags forbid: ``address`` is the first byte that failed, ``write`` the kind of access
    (False too where it is not known: a system call's buffer that leaves the address space)."""

    def __init__(self, address: int, write: bool = False) -> None:
        super().__init__(f"guest memory at {address:#x} is not {'writable' if write else 'readable'}")
        self.address = address
        self.write = write


def _reserve(size: int, protection: int) -> int:
    at = _libc.mmap(None, size, protection, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE, -1, 0)
    if at == _MAP_FAILED:
        raise MemoryError(f"cannot reserve {size >> 20} MiB of address space for the guest: raise the limit (ulimit -v)")
    return int(at)


class GuestMemory:
    """The address space of a guest process: the lowest 4 GiB, also of one whose addresses have 64 bits."""

    size = SPACE_32

    def __init__(self, block: ProcessBlock, image: Any, address_bits: int = 32) -> None:
        self.base = _reserve(SPACE_32 + PAGE_SIZE, _PROT_NONE)
        self._flags_at = _reserve(PAGE_TABLE_ENTRIES_32, mmap.PROT_READ | mmap.PROT_WRITE)
        self._flags = (ctypes.c_ubyte * PAGE_TABLE_ENTRIES_32).from_address(self._flags_at)
        self._view = memoryview(self._flags).cast("B")
        self._block = block.address
        self.section = ExclusiveSection(block, image)
        self._shared = False  # some page has or had a frame of its own
        block.put("guest_base", self.base)
        block.put("page_flags", self._flags_at)
        block.put("address_mask", (1 << address_bits) - 1)
        block.put("page_limit", PAGE_TABLE_ENTRIES_32)
        p, n = ctypes.c_void_p, ctypes.c_int64
        self._set_flags: Callable[..., None] = image.function("set_page_flags", None, p, n, n, n)
        self._wrote: Callable[..., None] = image.function("wrote", None, p, n, n)
        self._invalidate: Callable[..., None] = image.function("invalidate", None, p, n, n)

    @property
    def page_flags_address(self) -> int:
        """Host address of the page-flag bytes."""
        return self._flags_at

    # Page flags -------------------------------------------------------------------------------------------------------
    def set_flags(self, address: int, length: int, flags: int, frame: int | None = None) -> None:
        """Give the pages of the range (both multiples of the page size) PAGE_* flags, on all vCPUs at once; 0 unmaps. Code made from them and reservations in
        them are forgotten. A caller that also changes the host's pages does both in one ``section``, so that no access is in flight meanwhile.

        *frame*: the shared frame (``dbt.abi.exclusive``) of the first page, those that follow have the next ones; 0 for private pages, None leaves all as
        they are."""
        if (address | length) & (PAGE_SIZE - 1) or not 0 <= address <= address + length <= self.size:
            raise ValueError(f"pages {address:#x}+{length:#x} are not in the guest's address space")
        first, count = address >> PAGE_BITS, length >> PAGE_BITS
        if not self._view[first : first + count].tobytes().strip(b"\0"):
            if frame is not None:
                self._put_frames(first, count, frame)
            self._set_flags(self._block, first, count, flags)
            return
        with self.section:
            if frame is not None:
                self._set_flags(self._block, first, count, 0)  # while the old frames are known
                self._put_frames(first, count, frame)
            self._set_flags(self._block, first, count, flags)

    def _put_frames(self, page: int, count: int, frame: int) -> None:
        at = self._block + proc.offset("frames") + 4 * page
        if frame:
            frames = [SHARED_FRAMES + (frame + n & SHARED_FRAMES - 1) for n in range(count)]
            ctypes.memmove(at, struct.pack(f"<{count}I", *frames), 4 * count)
            self._shared = True
        elif self._shared:
            ctypes.memset(at, 0, 4 * count)

    def frame(self, address: int) -> int:
        """Shared frame of the page of *address*; 0 if it is private."""
        return ctypes.c_uint32.from_address(self._block + proc.offset("frames") + 4 * (address >> PAGE_BITS)).value

    def flags(self, address: int) -> int:
        """PAGE_* flags of the page of *address*."""
        return self._view[(address >> PAGE_BITS) & (PAGE_TABLE_ENTRIES_32 - 1)]

    def check(self, address: int, length: int, write: bool = False) -> bool:
        """True if the guest may read (or write) all *length* bytes."""
        return self._first_bad(address, length, write) is None

    def _first_bad(self, address: int, length: int, write: bool) -> int | None:
        need = PAGE_VALID | (PAGE_WRITE if write else PAGE_READ)
        if address < 0 or address + length > self.size:
            return max(address, 0)
        if not length:
            return None
        first, last = address >> PAGE_BITS, (address + length - 1) >> PAGE_BITS
        for page in range(first, last + 1):
            if self._view[page] & need != need:
                return max(address, page << PAGE_BITS)
        return None

    # Data -------------------------------------------------------------------------------------------------------------
    def host(self, address: int) -> int:
        """Host address of a guest address."""
        return self.base + address

    def read(self, address: int, length: int) -> bytes:
        """*length* bytes; GuestFault."""
        bad = self._first_bad(address, length, False)
        if bad is not None:
            raise GuestFault(bad, False)
        return ctypes.string_at(self.base + address, length)

    def write(self, address: int, data: bytes | bytearray | memoryview) -> None:
        """Store *data* as the guest could (GuestFault), with the bookkeeping that a store needs."""
        length = len(data)
        bad = self._first_bad(address, length, True)
        if bad is not None:
            raise GuestFault(bad, True)
        self.poke(address, data)

    def poke(self, address: int, data: bytes | bytearray | memoryview) -> None:
        """Store *data* without asking the flags (loader, debugger); the host pages must be writable."""
        if len(data):
            ctypes.memmove(self.base + address, bytes(data), len(data))
            self._wrote(self._block, address, len(data))

    def wrote(self, address: int, length: int) -> None:
        """Tell that the host has written these bytes behind the engine's back (a system call): code made from them is forgotten."""
        if length > 0:
            self._wrote(self._block, address, min(length, self.size - address))

    def invalidate(self, address: int, length: int) -> None:
        """Forget the code made from these bytes."""
        if length > 0:
            self._invalidate(self._block, address, min(length, self.size - address))

    def read_cstr(self, address: int, limit: int = 1 << 16) -> bytes:
        """Bytes up to the first NUL (left out), at most *limit*; GuestFault if memory ends before."""
        found = bytearray()
        while len(found) < limit:
            n = min(PAGE_SIZE - (address & (PAGE_SIZE - 1)), limit - len(found))
            part = self.read(address, n)
            end = part.find(0)
            if end >= 0:
                return bytes(found + part[:end])
            found += part
            address += n
        return bytes(found)

    def u32(self, address: int) -> int:
        return int.from_bytes(self.read(address, 4), "little")

    def put_u32(self, address: int, value: int) -> None:
        self.write(address, (value & 0xFFFF_FFFF).to_bytes(4, "little"))

    def u64(self, address: int) -> int:
        return int.from_bytes(self.read(address, 8), "little")

    def put_u64(self, address: int, value: int) -> None:
        self.write(address, (value & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "little"))

    def free(self) -> None:
        """Give the address space back. No vCPU may run any more."""
        self._view.release()
        _libc.munmap(self.base, SPACE_32 + PAGE_SIZE)
        _libc.munmap(self._flags_at, PAGE_TABLE_ENTRIES_32)
