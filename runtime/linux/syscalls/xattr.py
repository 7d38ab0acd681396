"""Extended attributes."""

from __future__ import annotations

from runtime.linux.hostnr import NR
from runtime.linux.syscalls.common import buffer, host_path, place, wrote

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.linux.threads import Thread


def _at(t: Thread, path: int) -> int:
    return host_path(t, path)


def _link(t: Thread, path: int) -> int:
    return host_path(t, path, False)


def _descriptor(t: Thread, fd: int) -> int:
    return fd


def _set(name: str, where: Callable[[Thread, int], int]) -> Callable[..., int]:
    nr = NR[name]

    def handler(t: Thread, target: int, key: int, addr: int, size: int, flags: int) -> int:
        return t.call(nr, where(t, target), place(t, key), buffer(t, addr, size), size, flags)

    return handler


def _get(name: str, where: Callable[[Thread, int], int]) -> Callable[..., int]:
    nr = NR[name]

    def handler(t: Thread, target: int, key: int, addr: int, size: int) -> int:
        got = t.call(nr, where(t, target), place(t, key), buffer(t, addr, size) if size else 0, size)
        wrote(t, addr, min(got, size))
        return got

    return handler


def _list(name: str, where: Callable[[Thread, int], int]) -> Callable[..., int]:
    nr = NR[name]

    def handler(t: Thread, target: int, addr: int, size: int) -> int:
        got = t.call(nr, where(t, target), buffer(t, addr, size) if size else 0, size)
        wrote(t, addr, min(got, size))
        return got

    return handler


def _remove(name: str, where: Callable[[Thread, int], int]) -> Callable[..., int]:
    nr = NR[name]

    def handler(t: Thread, target: int, key: int) -> int:
        return t.call(nr, where(t, target), place(t, key))

    return handler


setxattr, lsetxattr, fsetxattr = _set("setxattr", _at), _set("lsetxattr", _link), _set("fsetxattr", _descriptor)
getxattr, lgetxattr, fgetxattr = _get("getxattr", _at), _get("lgetxattr", _link), _get("fgetxattr", _descriptor)
listxattr, llistxattr, flistxattr = _list("listxattr", _at), _list("llistxattr", _link), _list("flistxattr", _descriptor)
removexattr, lremovexattr, fremovexattr = _remove("removexattr", _at), _remove("lremovexattr", _link), _remove("fremovexattr", _descriptor)
