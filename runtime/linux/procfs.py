"""Files of /proc/self that would show the translator in place of the guest."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.process import Process

_HIDDEN = (b"exe", b"maps", b"cmdline", b"auxv", b"environ", b"smaps")


def _entry(process: Process, path: bytes) -> bytes | None:
    """``maps`` for any spelling of /proc/self/maps that means this process."""
    if not path.startswith(b"/proc/"):
        return None
    parts = path[6:].split(b"/")
    if parts and parts[0] == b"self" and len(parts) >= 4 and parts[1] == b"task":
        parts = [b"self", *parts[3:]]
    if len(parts) == 2 and parts[1] in _HIDDEN and (parts[0] in (b"self", b"thread-self") or parts[0] == b"%d" % os.getpid()):
        return parts[1]
    return None


def contents(process: Process, path: bytes) -> bytes | None:
    """What the guest reads from *path*, or None for any other file."""
    entry = _entry(process, path)
    if entry is None:
        return process.abi.cpuinfo(len(os.sched_getaffinity(0))).encode() if path == b"/proc/cpuinfo" else None
    if entry in (b"maps", b"smaps"):
        return process.space.maps(process.sysroot.guest_path)
    if entry == b"cmdline":
        return b"".join(arg + b"\0" for arg in process.argv)
    if entry == b"environ":
        return b"".join(item + b"\0" for item in process.envp)
    if entry == b"auxv":
        return process.auxv
    return None


def open_file(process: Process, path: bytes) -> int | None:
    """A descriptor (close-on-exec) with the contents of an emulated file, or None if *path* is none."""
    text = contents(process, path)
    if text is None:
        return None
    fd = os.memfd_create(path.rpartition(b"/")[2].decode())
    os.write(fd, text)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def link_target(process: Process, path: bytes) -> bytes | None:
    """The target of /proc/self/exe as the guest sees it, or None for any other path."""
    return process.exe if _entry(process, path) == b"exe" else None


def host_target(process: Process, path: bytes) -> bytes:
    """The file behind *path* on the host, /proc/self/exe included."""
    return process.exe_host if _entry(process, path) == b"exe" else path
