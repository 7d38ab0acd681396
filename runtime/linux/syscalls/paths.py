"""Syscalls that take paths."""

from __future__ import annotations

import ctypes
import errno
import os

from runtime.linux import procfs
from runtime.linux.hostnr import NR
from runtime.linux.syscalls.common import (
    AT_FDCWD,
    AT_SYMLINK_FOLLOW,
    AT_SYMLINK_NOFOLLOW,
    buffer,
    guest_path,
    host_path,
    pair,
    place,
    signed,
    signed_word,
    wrote,
)
from runtime.linux.syscalls.io import resized

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.threads import Thread

_OPENAT = NR["openat"]
_AT_REMOVEDIR = 0x200
_O_EXCL = 0o200
_O_CLOEXEC = 0o2000000


def openat(t: Thread, directory: int, path: int, flags: int, mode: int) -> int:
    name = guest_path(t, path)
    if name.startswith(b"/proc/"):
        fd = procfs.open_file(t.process, name)
        if fd is not None:
            if not flags & _O_CLOEXEC:
                os.set_inheritable(fd, True)
            return fd
    flags = t.abi.open_flags.to_host(flags)
    fd = t.call(_OPENAT, directory, host_path(t, path, not flags & (os.O_NOFOLLOW | _O_EXCL)), flags, mode)
    if flags & os.O_TRUNC and fd >= 0:
        status = os.fstat(fd)
        t.process.space.file_resized(status.st_dev, status.st_ino, status.st_size)
    return fd


def open(t: Thread, path: int, flags: int, mode: int) -> int:  # noqa: A001
    return openat(t, AT_FDCWD, path, flags, mode)


def creat(t: Thread, path: int, mode: int) -> int:
    return openat(t, AT_FDCWD, path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)


def openat2(t: Thread, directory: int, path: int, how: int, size: int) -> int:
    if size < 24:
        return -errno.EINVAL
    data = t.memory.read(how, size)
    if any(data[24:]):
        return -errno.E2BIG
    flags = t.abi.open_flags.to_host(int.from_bytes(data[:8], "little"))
    t.scratch[:24] = flags.to_bytes(8, "little") + data[8:24]
    return t.call(NR["openat2"], directory, host_path(t, path, not flags & os.O_NOFOLLOW), t.scratch_at, 24)


def linkat(t: Thread, old_directory: int, old: int, new_directory: int, new: int, flags: int) -> int:
    return t.call(NR["linkat"], old_directory, host_path(t, old, bool(flags & AT_SYMLINK_FOLLOW)), new_directory, host_path(t, new, False, 1), flags)


def link(t: Thread, old: int, new: int) -> int:
    return linkat(t, AT_FDCWD, old, AT_FDCWD, new, 0)


def unlinkat(t: Thread, directory: int, path: int, flags: int) -> int:
    return t.call(NR["unlinkat"], directory, host_path(t, path, False), flags)


def unlink(t: Thread, path: int) -> int:
    return unlinkat(t, AT_FDCWD, path, 0)


def rmdir(t: Thread, path: int) -> int:
    return unlinkat(t, AT_FDCWD, path, _AT_REMOVEDIR)


def chdir(t: Thread, path: int) -> int:
    return t.call(NR["chdir"], host_path(t, path))


def mknodat(t: Thread, directory: int, path: int, mode: int, device: int) -> int:
    return t.call(NR["mknodat"], directory, host_path(t, path, False), mode, device)


def mknod(t: Thread, path: int, mode: int, device: int) -> int:
    return mknodat(t, AT_FDCWD, path, mode, device)


def fchmodat(t: Thread, directory: int, path: int, mode: int) -> int:
    return t.call(NR["fchmodat"], directory, host_path(t, path), mode)


def chmod(t: Thread, path: int, mode: int) -> int:
    return fchmodat(t, AT_FDCWD, path, mode)


def fchownat(t: Thread, directory: int, path: int, owner: int, group: int, flags: int) -> int:
    return t.call(NR["fchownat"], directory, host_path(t, path, not flags & AT_SYMLINK_NOFOLLOW), owner, group, flags)


def chown(t: Thread, path: int, owner: int, group: int) -> int:
    return fchownat(t, AT_FDCWD, path, owner, group, 0)


def lchown(t: Thread, path: int, owner: int, group: int) -> int:
    return fchownat(t, AT_FDCWD, path, owner, group, AT_SYMLINK_NOFOLLOW)


def _wide_id(number: int) -> int:
    """A 16-bit id as a 32-bit one: all ones stays "unchanged"."""
    return 0xFFFFFFFF if number & 0xFFFF == 0xFFFF else number & 0xFFFF


def chown16(t: Thread, path: int, owner: int, group: int) -> int:
    return chown(t, path, _wide_id(owner), _wide_id(group))


def lchown16(t: Thread, path: int, owner: int, group: int) -> int:
    return lchown(t, path, _wide_id(owner), _wide_id(group))


def faccessat(t: Thread, directory: int, path: int, mode: int) -> int:
    return t.call(NR["faccessat"], directory, host_path(t, path), mode)


def faccessat2(t: Thread, directory: int, path: int, mode: int, flags: int) -> int:
    return t.call(NR["faccessat2"], directory, host_path(t, path, not flags & AT_SYMLINK_NOFOLLOW), mode, flags)


def access(t: Thread, path: int, mode: int) -> int:
    return faccessat(t, AT_FDCWD, path, mode)


def renameat2(t: Thread, old_directory: int, old: int, new_directory: int, new: int, flags: int) -> int:
    return t.call(NR["renameat2"], old_directory, host_path(t, old, False), new_directory, host_path(t, new, False, 1), flags)


def renameat(t: Thread, old_directory: int, old: int, new_directory: int, new: int) -> int:
    return renameat2(t, old_directory, old, new_directory, new, 0)


def rename(t: Thread, old: int, new: int) -> int:
    return renameat2(t, AT_FDCWD, old, AT_FDCWD, new, 0)


def mkdirat(t: Thread, directory: int, path: int, mode: int) -> int:
    return t.call(NR["mkdirat"], directory, host_path(t, path, False), mode)


def mkdir(t: Thread, path: int, mode: int) -> int:
    return mkdirat(t, AT_FDCWD, path, mode)


def symlinkat(t: Thread, target: int, directory: int, path: int) -> int:
    return t.call(NR["symlinkat"], place(t, target), directory, host_path(t, path, False))


def symlink(t: Thread, target: int, path: int) -> int:
    return symlinkat(t, target, AT_FDCWD, path)


def readlinkat(t: Thread, directory: int, path: int, addr: int, size: int) -> int:
    if signed(size) <= 0:
        return -errno.EINVAL
    name = guest_path(t, path)
    target = procfs.link_target(t.process, name) if name.startswith(b"/proc/") else None
    if target is not None:
        t.memory.write(addr, target[:size])
        return min(len(target), size)
    got = t.call(NR["readlinkat"], directory, host_path(t, path, False), buffer(t, addr, size), size)
    wrote(t, addr, got)
    return got


def readlink(t: Thread, path: int, addr: int, size: int) -> int:
    return readlinkat(t, AT_FDCWD, path, addr, size)


def _truncate(t: Thread, path: int, length: int) -> int:
    at = host_path(t, path)
    return resized(t, ctypes.string_at(at), length, lambda: t.call(NR["truncate"], at, length))


def truncate(t: Thread, path: int, length: int) -> int:
    return _truncate(t, path, signed_word(t, length))


def truncate64(t: Thread, path: int, low: int, high: int) -> int:
    return _truncate(t, path, pair(low, high))


def getcwd(t: Thread, addr: int, size: int) -> int:
    got = t.host.quick(NR["getcwd"], t.scratch_at, 4096)
    if got < 0:
        return got
    path = t.process.sysroot.guest_path(bytes(t.scratch[: got - 1])) + b"\0"
    if len(path) > size:
        return -errno.ERANGE
    t.memory.write(addr, path)
    return len(path)


def inotify_add_watch(t: Thread, fd: int, path: int, mask: int) -> int:
    return t.call(NR["inotify_add_watch"], fd, host_path(t, path), mask)


def memfd_create(t: Thread, name: int, flags: int) -> int:
    return t.call(NR["memfd_create"], place(t, name), flags)
