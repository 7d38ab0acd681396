"""Guest memory as Python sees it: the reserved address space, the page flags, and checked reads and writes.

Guest address 0 is at host address ``base``. Which host pages are mapped there is up to the operating-system layer; the flags say what the guest may do,
and every access that the engine makes or that goes through this class asks them first.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from dbt.abi.exclusive import SHARED_FRAME_COUNT, SHARED_FRAMES
from dbt.abi.memory import LEAST_SPACE_BITS, PAGE_BITS, PAGE_READ, PAGE_SIZE, PAGE_VALID, PAGE_WRITE, SPACE_GUARD_32, SPACE_GUARD_64, SPACE_GUARD_BELOW
from runtime.process_block import ProcessBlock
from runtime.reserve import PageArray, release, reserve
from runtime.section import ExclusiveSection

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from typing import Any

_FRAME_BYTES = 4  # a u32: 0, or 1 + the number of the shared frame


class GuestFault(Exception):
    """A checked access to guest memory that the page flags forbid: ``address`` is the first byte that failed, ``write`` the kind of access
    (False too where it is not known: a system call's buffer that leaves the address space)."""

    def __init__(self, address: int, write: bool = False) -> None:
        super().__init__(f"guest memory at {address:#x} is not {'writable' if write else 'readable'}")
        self.address = address
        self.write = write


class _Reservation:
    """The guest's space of 2^*bits* bytes, guards *below* and behind it, a byte of flags and the frame of each of its pages: one mapping, *bytes* long."""

    def __init__(self, bits: int, below: int, guard: int) -> None:
        self.bits = bits
        self.pages = 1 << bits - PAGE_BITS
        self.size = 1 << bits
        self.below = below
        self.tables = self.size + guard - below  # from the space on
        self.bytes = self.size + guard + (1 + _FRAME_BYTES) * self.pages
        self.start = reserve(self.bytes)


def _reserve(bits: int) -> tuple[_Reservation, int]:
    """The largest space of at most 2^*bits* bytes that the system grants, and its address."""
    below, guard = (0, SPACE_GUARD_32) if bits == LEAST_SPACE_BITS else (SPACE_GUARD_BELOW, SPACE_GUARD_64)
    for tried in range(bits, LEAST_SPACE_BITS - 1, -1):
        space = _Reservation(tried, below, guard)
        if space.start is not None:
            return space, space.start + below
    raise MemoryError(f"cannot reserve {(1 << LEAST_SPACE_BITS) + guard >> 20} MiB of address space for the guest: raise the limit (ulimit -v)")


class GuestMemory:
    """The address space of a guest process: ``size`` bytes from address 0 on. A guest whose addresses have *address_bits* bits asks for 2^*space_bits*
    bytes, and gets fewer where the process's own address space is limited."""

    def __init__(self, block: ProcessBlock, image: Any, address_bits: int = 32, space_bits: int = 32) -> None:
        self._reservation, self.base = _reserve(space_bits)
        self.size = self._reservation.size
        self.address_mask = (1 << address_bits) - 1
        pages = self._reservation.pages
        self._flags = PageArray(self.base + self._reservation.tables, pages, 1)
        self._frames = PageArray(self._flags.address + pages, pages, _FRAME_BYTES)
        self._view = memoryview((ctypes.c_ubyte * pages).from_address(self._flags.address)).cast("B")
        self._block = block.address
        self.section = ExclusiveSection(block, image)
        block.put("guest_base", self.base)
        block.put("page_flags", self._flags.address)
        block.put("frames", self._frames.address)
        block.put("address_mask", self.address_mask)
        block.put("page_limit", pages)
        p, n = ctypes.c_void_p, ctypes.c_int64
        self._set_flags: Callable[..., None] = image.function("set_page_flags", None, p, n, n, n)
        self._wrote: Callable[..., None] = image.function("wrote", None, p, n, n)
        self._invalidate: Callable[..., None] = image.function("invalidate", None, p, n, n)

    @property
    def page_flags_address(self) -> int:
        """Host address of the page-flag bytes."""
        return self._flags.address

    # Page flags -------------------------------------------------------------------------------------------------------
    def set_flags(self, address: int, length: int, flags: int, frame: int | None = None) -> None:
        """Give the pages of the range (both multiples of the page size) PAGE_* flags, on all vCPUs at once; 0 unmaps. Code made from them and reservations in
        them are forgotten. A caller that also changes the host's pages does both in one ``section``, so that no access is in flight meanwhile.

        *frame*: the shared frame (``dbt.abi.exclusive``) of the first page, those that follow have the next ones; 0 for private pages, None leaves all as
        they are."""
        if (address | length) & (PAGE_SIZE - 1) or not 0 <= address <= address + length <= self.size:
            raise ValueError(f"pages {address:#x}+{length:#x} are not in the guest's address space")
        first, count = address >> PAGE_BITS, length >> PAGE_BITS
        if not any(self._view[at : at + n].tobytes().strip(b"\0") for at, n in self._flags.opened(first, count)):
            if frame is not None:
                self._put_frames(first, count, frame)
            self._put_flags(first, count, flags)
            return
        with self.section:
            if frame is not None:
                self._put_flags(first, count, 0)  # while the old frames are known
                self._put_frames(first, count, frame)
            self._put_flags(first, count, flags)

    def _put_flags(self, page: int, count: int, flags: int) -> None:
        if flags:
            self._flags.open(page, count)
        for at, n in self._flags.opened(page, count):
            self._set_flags(self._block, at, n, flags)

    def _put_frames(self, page: int, count: int, frame: int) -> None:
        if frame:
            from array import array

            self._frames.open(page, count)
            numbers = array("I", [1 + (frame + n - SHARED_FRAMES) % SHARED_FRAME_COUNT for n in range(count)])
            ctypes.memmove(self._frames.address + _FRAME_BYTES * page, numbers.tobytes(), _FRAME_BYTES * count)
            return
        for at, n in self._frames.opened(page, count):
            ctypes.memset(self._frames.address + _FRAME_BYTES * at, 0, _FRAME_BYTES * n)

    def frame(self, address: int) -> int:
        """Shared frame of the page of *address*; 0 if it is private."""
        number = ctypes.c_uint32.from_address(self._frames.address + _FRAME_BYTES * (address >> PAGE_BITS)).value
        return SHARED_FRAMES + number - 1 if number else 0

    def flags(self, address: int) -> int:
        """PAGE_* flags of the page of *address*; 0 beyond the address space."""
        page = address >> PAGE_BITS
        return self._view[page] if page < len(self._view) else 0

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

    def free(self) -> None:
        """Give the address space back. No vCPU may run any more."""
        self._view.release()
        release(self.base - self._reservation.below, self._reservation.bytes)
