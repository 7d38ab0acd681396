"""What all syscall groups share: numbers, guest pointers, paths."""

from __future__ import annotations

import errno
from struct import Struct, pack, unpack

from runtime.memory import GuestFault

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.threads import Thread

AT_FDCWD = -100 & 0xFFFFFFFF
AT_SYMLINK_NOFOLLOW, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH = 0x100, 0x400, 0x1000
PATH_MAX = 4096
_PATH_SLOTS = (32768, 40960)  # offsets into the thread's scratch memory, below are structures
TIMESPEC32, TIMESPEC64 = Struct("<ii"), Struct("<qq")


def signed(value: int) -> int:
    """The low 32 bits of a register as a signed number."""
    return (value & 0x7FFFFFFF) - (value & 0x80000000)


def pair(low: int, high: int) -> int:
    """A signed 64-bit argument from a register pair."""
    value = low | high << 32
    return value - (1 << 64) if value >> 63 else value


def signed_word(t: Thread, value: int) -> int:
    """A register as a signed long."""
    return value - (1 << 8 * t.abi.word) if value >> 8 * t.abi.word - 1 else value


def words(t: Thread, addr: int, count: int) -> tuple[int, ...]:
    """*count* unsigned longs of the guest."""
    return unpack(f"<{count}{t.abi.word_code}", t.memory.read(addr, count * t.abi.word))


def signed_words(t: Thread, addr: int, count: int) -> tuple[int, ...]:
    return unpack(f"<{count}{t.abi.word_code.lower()}", t.memory.read(addr, count * t.abi.word))


def put_words(t: Thread, addr: int, *values: int) -> None:
    """Store longs, cut to the guest's size."""
    mask = (1 << 8 * t.abi.word) - 1
    t.memory.write(addr, pack(f"<{len(values)}{t.abi.word_code}", *[value & mask for value in values]))


def buffer(t: Thread, addr: int, length: int) -> int:
    """Host address of a guest buffer. The host kernel checks its pages; we check that it stays inside the guest."""
    if addr + length > t.limit:
        raise GuestFault(addr)
    return t.base + addr


def place(t: Thread, addr: int) -> int:
    """Host address of a small structure or string, which the guest's guard page follows."""
    if addr >= t.limit:
        raise GuestFault(addr)
    return t.base + addr


def optional(t: Thread, addr: int) -> int:
    """The same, 0 for NULL."""
    return place(t, addr) if addr else 0


def wrote(t: Thread, addr: int, length: int) -> None:
    """The host kernel wrote *length* bytes at *addr*: reservations and translated code there fall."""
    if addr and length > 0:
        t.memory.wrote(addr, length)


def guest_path(t: Thread, addr: int) -> bytes:
    """The string at *addr*; OSError ENAMETOOLONG if it is too long."""
    path = t.memory.read_cstr(addr)
    if len(path) >= PATH_MAX:
        raise OSError(errno.ENAMETOOLONG, "path too long")
    return path


def host_path(t: Thread, addr: int, follow: bool = True, slot: int = 0) -> int:
    """Host address of the host's path for the guest path at *addr*. *slot*: 0 or 1, for syscalls with two paths."""
    path = guest_path(t, addr)
    process = t.process
    if path.startswith(b"/proc/"):
        from runtime.linux.procfs import host_target

        found = host_target(process, path) if follow else path
    else:
        found = process.sysroot.host_path(path, follow)
    if found == path:
        return place(t, addr)
    at = _PATH_SLOTS[slot]
    t.scratch[at : at + len(found) + 1] = found + b"\0"
    return t.scratch_at + at


def read_timespec(t: Thread, addr: int, wide: bool) -> tuple[int, int]:
    """(seconds, nanoseconds) of a 32-bit or 64-bit guest timespec."""
    layout = TIMESPEC64 if wide else TIMESPEC32
    sec, nsec = layout.unpack(t.memory.read(addr, layout.size))
    return sec, signed(nsec & 0xFFFFFFFF) if wide else nsec


def write_timespec(t: Thread, addr: int, sec: int, nsec: int, wide: bool) -> None:
    if wide:
        t.memory.write(addr, TIMESPEC64.pack(sec, nsec))
    else:
        t.memory.write(addr, TIMESPEC32.pack(signed(sec & 0xFFFFFFFF), nsec))


def give_timespec(t: Thread, addr: int, at: int, wide: bool) -> None:
    """Write the host's timespec at offset *at* of the scratch memory as the guest's."""
    sec, nsec = TIMESPEC64.unpack_from(t.scratch, at)
    write_timespec(t, addr, sec, nsec, wide)


def host_timespec(t: Thread, addr: int, wide: bool, at: int = 0) -> int:
    """Host address of a host timespec (in scratch memory at offset *at*) with the guest's value, 0 for NULL."""
    if not addr:
        return 0
    TIMESPEC64.pack_into(t.scratch, at, *read_timespec(t, addr, wide))
    return t.scratch_at + at
