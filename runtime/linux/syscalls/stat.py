"""stat64 and its kin, by way of the host's statx, whose layout is the same on all machines."""

from __future__ import annotations

from struct import Struct

from runtime.linux.hostnr import NR
from runtime.linux.syscalls.common import AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, host_path, place, wrote

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.threads import Thread

_STATX = NR["statx"]
_BASIC_STATS = 0x7FF
STATX_BYTES = 256
# mask blksize attributes nlink uid gid mode ino size blocks attributes_mask, 4 times (sec nsec), rdev, dev
_STATX_LAYOUT = Struct("<IIQIIIH2xQQQQ qI4x qI4x qI4x qI4x IIII")
_EMPTY_AT = 20480  # scratch offset of an empty string


def _device(major: int, minor: int) -> int:
    """The kernel's 64-bit form of a device number (huge_encode_dev)."""
    return (minor & 0xFF) | major << 8 | (minor & ~0xFF) << 12


def _stat(t: Thread, directory: int, path: int, flags: int, addr: int) -> int:
    """statx on a host path, stored as the guest's stat64."""
    got = t.host.quick(_STATX, directory, path, flags, _BASIC_STATS, t.scratch_at)
    if got < 0:
        return got
    (_, blksize, _, nlink, uid, gid, mode, ino, size, blocks, _, asec, ansec, _, _, csec, cnsec, msec, mnsec, rmajor, rminor, major, minor) = (
        _STATX_LAYOUT.unpack_from(t.scratch)
    )
    times = (asec, ansec, msec, mnsec, csec, cnsec)
    device, rdevice = _device(major, minor), _device(rmajor, rminor)
    t.memory.write(addr, t.abi.pack_stat(device, ino, mode, nlink, uid, gid, rdevice, size, blksize, blocks, times))
    return 0


def stat64(t: Thread, path: int, addr: int) -> int:
    return _stat(t, AT_FDCWD, host_path(t, path), 0, addr)


def lstat64(t: Thread, path: int, addr: int) -> int:
    return _stat(t, AT_FDCWD, host_path(t, path, False), AT_SYMLINK_NOFOLLOW, addr)


def fstat64(t: Thread, fd: int, addr: int) -> int:
    t.scratch[_EMPTY_AT] = 0
    return _stat(t, fd, t.scratch_at + _EMPTY_AT, AT_EMPTY_PATH, addr)


def fstatat64(t: Thread, directory: int, path: int, addr: int, flags: int) -> int:
    return _stat(t, directory, host_path(t, path, not flags & AT_SYMLINK_NOFOLLOW), flags, addr)


def statx(t: Thread, directory: int, path: int, flags: int, mask: int, addr: int) -> int:
    got = t.host.quick(_STATX, directory, host_path(t, path, not flags & AT_SYMLINK_NOFOLLOW), flags, mask, place(t, addr))
    wrote(t, addr, STATX_BYTES if got == 0 else 0)
    return got
