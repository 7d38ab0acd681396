"""The guest's address space: the map of areas (``areas``) over the reserved guest range, kept in step with the host's mappings and the softmmu's page flags.

Guest memory is host memory at ``memory.base + address``, mapped by the host kernel itself (files and shared memory included). What the guest has not mapped
stays reserved as PROT_NONE. Guest PROT_EXEC never becomes host PROT_EXEC. All methods that serve syscalls return an address, 0 or -errno.
"""

from __future__ import annotations

import errno
from _thread import RLock
from collections.abc import Callable

from dbt.abi.exclusive import SHARED_FRAME_COUNT, SHARED_FRAMES
from dbt.abi.memory import PAGE_EXEC, PAGE_READ, PAGE_SIZE, PAGE_VALID, PAGE_WRITE
from runtime.linux.areas import LOWEST, Area, AreaMap, page_up

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.abi import MemoryMap
    from runtime.linux.host import Host
    from runtime.memory import GuestMemory

PROT_READ, PROT_WRITE, PROT_EXEC, PROT_MASK = 1, 2, 4, 7
MAP_SHARED, MAP_PRIVATE, MAP_TYPE, MAP_FIXED, MAP_ANONYMOUS = 1, 2, 15, 0x10, 0x20
MAP_32BIT, MAP_GROWSDOWN, MAP_NORESERVE, MAP_FIXED_NOREPLACE = 0x40, 0x100, 0x4000, 0x100000
MREMAP_MAYMOVE, MREMAP_FIXED, MREMAP_DONTUNMAP = 1, 2, 4
_RESERVED = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED
_HOST_FLAGS = ~(MAP_32BIT | MAP_FIXED_NOREPLACE | MAP_GROWSDOWN)
_TOP_OF_32BIT = 1 << 31  # MAP_32BIT's, for 64-bit guests
_S_IFMT, _S_IFREG = 0o170000, 0o100000


class AddressSpace(AreaMap):
    """``lock`` guards the map; every public method of this class takes it, those of the map leave it to their callers."""

    def __init__(self, memory: GuestMemory, host: Host, layout: MemoryMap) -> None:
        super().__init__(layout.limit)
        self.memory = memory
        self.host = host
        self.base: int = memory.base
        self.lock = RLock()
        self.stack_top, self.pie_base = layout.stack_top, layout.pie_base
        self.brk_start = self.brk_end = 0
        self.read_implies_exec = False  # program without PT_GNU_STACK
        self.before_shared_stores: Callable[[], None] = lambda: None  # called before the guest may write to memory that another process may share
        self._mmap, self._munmap = host.nr["mmap"], host.nr["munmap"]
        self._mprotect, self._mremap = host.nr["mprotect"], host.nr["mremap"]
        self._sigprocmask = host.nr["rt_sigprocmask"]

    # Protection

    def _guest_prot(self, prot: int) -> int:
        """What the guest's hardware gives: write and execute imply read."""
        prot &= PROT_MASK
        if prot & PROT_READ and self.read_implies_exec:
            prot |= PROT_EXEC
        return prot | PROT_READ if prot else 0

    @staticmethod
    def _host_prot(prot: int) -> int:
        return prot & (PROT_READ | PROT_WRITE)

    @staticmethod
    def page_flags(prot: int) -> int:
        """PAGE_* flags. Pages without any access have none, like those that are not mapped: terabytes may be set aside so, at no cost."""
        flags = PAGE_VALID if prot else 0
        if prot & PROT_READ:
            flags |= PAGE_READ
        if prot & PROT_WRITE:
            flags |= PAGE_WRITE
        if prot & PROT_EXEC:
            flags |= PAGE_EXEC
        return flags

    @staticmethod
    def _frame(area: Area) -> int:
        """Shared frame of an area's first page, the same for every mapping of the same page of a file; 0 for a private area. Anonymous shared memory, which
        only mremap maps a second time, has the frame of the place it is first mapped at."""
        if not area.shared:
            return 0
        known = area.inode or area.device
        place = hash((area.device, area.inode)) + area.file_offset // PAGE_SIZE if known else area.start // PAGE_SIZE
        return SHARED_FRAMES + place % SHARED_FRAME_COUNT

    # Pages beyond the end of a mapped file. The host would answer an access with SIGBUS, which compiled code cannot turn into the guest's: so they have
    # no access at all, on the host and in the page flags, and the fault is told from others afterwards.

    def _fence(self, area: Area) -> None:
        start = area.file_end
        if start < area.end:
            with self.memory.section:
                self.memory.set_flags(start, area.end - start, 0)
                self.host.quick(self._mprotect, self.base + start, area.end - start, 0)

    def _unfence(self, area: Area, start: int, end: int) -> None:
        with self.memory.section:
            self.host.quick(self._mprotect, self.base + start, end - start, self._host_prot(area.prot))
            self.memory.set_flags(start, end - start, self.page_flags(area.prot))

    def beyond_file(self, addr: int, need: int) -> bool | None:
        """After a fault of an access that needs protection *need* at *addr*: None if it has nothing to do with a file's end, True if the page lies beyond it,
        False if the file has grown since it was mapped and the access can be made again."""
        with self.lock:
            area = self.find(addr)
            if area is None or addr < area.file_end or need & ~area.prot:
                return None
            page, before = addr & -PAGE_SIZE, area.file_end
            self._unfence(area, page, page + PAGE_SIZE)
            if self.host.quick(self._sigprocmask, -1, self.base + page, 0, 8) == -errno.EFAULT:  # a call that reads the page and does nothing
                self._fence(area)
                return True
            area.file_size = area.file_offset + page + PAGE_SIZE - area.start
            self._unfence(area, before, page + PAGE_SIZE)
            return False

    def file_resized(self, device: int, inode: int, size: int) -> None:
        """A file has a new size: the end of its mappings moves."""
        with self.lock:
            for area in self.areas:
                if area.inode == inode and area.device == device and area.file_size not in (None, size):
                    before = area.file_end
                    area.file_size = size
                    if area.file_end > before:
                        self._unfence(area, before, area.file_end)
                    self._fence(area)

    # What syscalls ask for

    def map(self, addr: int, length: int, prot: int, flags: int, fd: int = -1, offset: int = 0, name: bytes | None = None) -> int:
        """mmap: the address, or -errno. *offset* in bytes; *name* overrides what /proc/self/maps shows."""
        if not length or addr & PAGE_SIZE - 1 and flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) or offset & PAGE_SIZE - 1:
            return -errno.EINVAL
        length = page_up(length)
        with self.lock:
            if flags & (MAP_FIXED | MAP_FIXED_NOREPLACE):
                if addr + length > self.limit:
                    return -errno.ENOMEM
                if addr < LOWEST:
                    return -errno.EPERM
                if flags & MAP_FIXED_NOREPLACE and next(self.overlapping(addr, addr + length), None):
                    return -errno.EEXIST
            else:
                addr = self.gap(length, page_up(addr), _TOP_OF_32BIT if flags & MAP_32BIT and self.limit > _TOP_OF_32BIT << 1 else 0)
                if not addr:
                    return -errno.ENOMEM
            if flags & MAP_TYPE != MAP_PRIVATE and prot & PROT_WRITE:
                self.before_shared_stores()
            return self._place(addr, length, self._guest_prot(prot), flags, fd, offset, name)

    def _place(self, addr: int, length: int, prot: int, flags: int, fd: int, offset: int, name: bytes | None) -> int:
        if next(self.overlapping(addr, addr + length), None) is None:
            return self._put(addr, length, prot, flags, fd, offset, name)
        with self.memory.section:
            return self._put(addr, length, prot, flags, fd, offset, name)

    def _put(self, addr: int, length: int, prot: int, flags: int, fd: int, offset: int, name: bytes | None) -> int:
        anonymous = bool(flags & MAP_ANONYMOUS)
        got = self.host.quick(
            self._mmap, self.base + addr, length, self._host_prot(prot), flags & _HOST_FLAGS | MAP_FIXED, -1 if anonymous else fd, 0 if anonymous else offset
        )
        if -4096 < got < 0:
            return got
        area = Area(addr, addr + length, prot, flags & MAP_TYPE != MAP_PRIVATE, name or b"")
        if not anonymous:
            import os

            try:
                status = os.fstat(fd)
                area.file_offset, area.device, area.inode = offset, status.st_dev, status.st_ino
                area.file_size = status.st_size if status.st_mode & _S_IFMT == _S_IFREG else None
                area.name = name or os.readlink(b"/proc/self/fd/%d" % fd)
            except OSError:
                area.inode = 0
        self.cut(addr, addr + length)
        self.memory.set_flags(addr, length, self.page_flags(prot), self._frame(area))
        self._fence(area)
        self.insert(area)
        return addr

    def map_high(self, addr: int, data: bytes, prot: int, name: bytes) -> None:
        """A kernel page above ``limit`` with fixed contents."""
        with self.lock:
            self._place(addr, PAGE_SIZE, prot | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, name)
            self.memory.write(addr, data)
            self._protect(addr, PAGE_SIZE, prot)

    def unmap(self, addr: int, length: int) -> int:
        """munmap: 0 or -errno."""
        if addr & PAGE_SIZE - 1 or not length or addr + length > self.limit:
            return -errno.EINVAL
        with self.lock:
            self._release(addr, page_up(length))
        return 0

    def _release(self, addr: int, length: int) -> None:
        """Give a range back to the reservation, while no vCPU has an access to it in flight."""
        if not self.cut(addr, addr + length):
            return
        with self.memory.section:
            self.memory.set_flags(addr, length, 0, 0)
            self.host.quick(self._mmap, self.base + addr, length, 0, _RESERVED, -1, 0)

    def protect(self, addr: int, length: int, prot: int) -> int:
        """mprotect: 0 or -errno."""
        if addr & PAGE_SIZE - 1 or prot & ~(PROT_MASK | 0x03000000):  # PROT_GROWSDOWN, PROT_GROWSUP
            return -errno.EINVAL
        if not length:
            return 0
        length = page_up(length)
        with self.lock:
            if addr + length > self.limit or not self.covered(addr, addr + length):
                return -errno.ENOMEM
            if prot & PROT_WRITE and any(area.shared for area in self.overlapping(addr, addr + length)):
                self.before_shared_stores()
            return self._protect(addr, length, self._guest_prot(prot))

    def _protect(self, addr: int, length: int, prot: int) -> int:
        with self.memory.section:
            got = self.host.quick(self._mprotect, self.base + addr, length, self._host_prot(prot))
            if got < 0:
                return got
            self.memory.set_flags(addr, length, self.page_flags(prot))
            for area in self.cut(addr, addr + length):
                area.prot = prot
                self._fence(area)
                self.insert(area)
        return 0

    def remap(self, addr: int, old: int, new: int, flags: int, target: int) -> int:
        """mremap: the new address, or -errno."""
        if addr & PAGE_SIZE - 1 or not new or flags & ~7 or flags & MREMAP_FIXED and not flags & MREMAP_MAYMOVE:
            return -errno.EINVAL
        old, new = page_up(old), page_up(new)
        with self.lock:
            area = self.find(addr)
            if area is None or addr + old > area.end:
                return -errno.EFAULT
            if area.file_end == area.end:
                return self._remap(area, addr, old, new, flags, target)
            with self.memory.section:  # the host remaps only what is protected alike
                start, end = area.file_end, area.end
                self.host.quick(self._mprotect, self.base + start, end - start, self._host_prot(area.prot))
                got = self._remap(area, addr, old, new, flags, target)
                for left in self.overlapping(start, end):
                    self._fence(left)
                return got

    def _remap(self, area: Area, addr: int, old: int, new: int, flags: int, target: int) -> int:
        if flags & MREMAP_FIXED:
            if target & PAGE_SIZE - 1 or target + new > self.limit or addr < target + new and target < addr + old:
                return -errno.EINVAL
            if target < LOWEST:
                return -errno.EPERM
            return self._move(addr, old, new, target, flags)
        if flags & MREMAP_DONTUNMAP or not old:
            place = self.gap(new)
            return self._move(addr, old, new, place, flags) if place else -errno.ENOMEM
        if new <= old:
            if new < old:
                self._release(addr + new, old - new)
            return addr
        if addr + new <= self.limit and next(self.overlapping(addr + old, addr + new), None) is None:
            grown = self._grow(area, addr, old, new)
            if grown >= 0:
                return grown
        if not flags & MREMAP_MAYMOVE:
            return -errno.ENOMEM
        place = self.gap(new)
        return self._move(addr, old, new, place, flags) if place else -errno.ENOMEM

    def _grow(self, area: Area, addr: int, old: int, new: int) -> int:
        if not area.inode and not area.shared:
            return min(self._place(addr + old, new - old, area.prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, area.name or None), addr)
        self.host.quick(self._munmap, self.base + addr + old, new - old)
        got = self.host.quick(self._mremap, self.base + addr, old, new, 0)
        if got < 0:
            self.host.quick(self._mmap, self.base + addr + old, new - old, 0, _RESERVED, -1, 0)
            return got
        more = area.part(area.start, area.end)
        more.file_offset += addr + old - area.start
        more.start, more.end = addr + old, addr + new
        self.memory.set_flags(addr + old, new - old, self.page_flags(area.prot), self._frame(more))
        self._fence(more)
        self.insert(more)
        return addr

    def _move(self, addr: int, old: int, new: int, target: int, flags: int) -> int:
        with self.memory.section:
            return self._moved(addr, old, new, target, flags)

    def _moved(self, addr: int, old: int, new: int, target: int, flags: int) -> int:
        area = self.find(addr)
        assert area is not None
        piece = area.part(addr, min(addr + old, area.end))
        self.cut(target, target + new)
        frame = self.memory.frame(addr)
        host_flags = MREMAP_MAYMOVE | MREMAP_FIXED | flags & MREMAP_DONTUNMAP
        got = self.host.quick(self._mremap, self.base + addr, old, new, host_flags, self.base + target)
        if -4096 < got < 0:
            self.memory.set_flags(target, new, 0, 0)
            self.host.quick(self._mmap, self.base + target, new, 0, _RESERVED, -1, 0)
            return got
        if old and not flags & MREMAP_DONTUNMAP:
            self._release(addr, old)
        piece.start, piece.end = target, target + new
        self.memory.set_flags(target, new, self.page_flags(piece.prot), frame)
        self._fence(piece)
        self.insert(piece)
        return target

    def brk(self, addr: int) -> int:
        """brk: the end of the heap, moved to *addr* if that is possible."""
        with self.lock:
            if addr < self.brk_start or addr > self.limit:
                return self.brk_end
            old, new = page_up(self.brk_end), page_up(addr)
            if new > old:
                if next(self.overlapping(old, new), None):
                    return self.brk_end
                prot = self._guest_prot(PROT_READ | PROT_WRITE)
                if self._place(old, new - old, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, b"[heap]") < 0:
                    return self.brk_end
            elif new < old:
                self._release(new, old - new)
            self.brk_end = addr
            return addr

    def attach(self, area: Area) -> None:
        """Record a mapping that the host already made (shmat)."""
        with self.lock:
            if area.prot & PROT_WRITE:
                self.before_shared_stores()
            self.cut(area.start, area.end)
            self.insert(area)
            self.memory.set_flags(area.start, area.end - area.start, self.page_flags(area.prot), self._frame(area))

    def maps(self, guest_path: Callable[[bytes], bytes]) -> bytes:
        """The text of /proc/self/maps, with the guest's names of files."""
        lines = []
        with self.lock:
            for a in self.areas:
                prot = "".join(c if a.prot & bit else "-" for c, bit in (("r", 1), ("w", 2), ("x", 4))) + ("s" if a.shared else "p")
                line = f"{a.start:08x}-{a.end:08x} {prot} {a.file_offset:08x} {a.device >> 8 & 0xFFF:02x}:{a.device & 0xFF:02x} {a.inode}"
                lines.append(line.encode() + (b" " * max(1, 73 - len(line)) + guest_path(a.name) if a.name else b"") + b"\n")
        return b"".join(lines)
