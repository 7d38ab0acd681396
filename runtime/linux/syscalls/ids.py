"""User and group ids: the old calls have 16-bit ids."""

from __future__ import annotations

import errno
from struct import pack, unpack

from runtime.linux.hostnr import NR
from runtime.linux.syscalls.common import buffer, signed, wrote

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.linux.threads import Thread

OVERFLOW_ID = 65534


def _wide(number: int) -> int:
    return 0xFFFFFFFF if number & 0xFFFF == 0xFFFF else number & 0xFFFF


def _narrow(number: int) -> int:
    return number if number < 0x10000 else OVERFLOW_ID


def _set16(name: str) -> Callable[..., int]:
    nr = NR[name]

    def handler(t: Thread, *ids: int) -> int:
        return t.call(nr, *(_wide(number) for number in ids))

    return handler


setuid16, setgid16, setreuid16, setregid16 = _set16("setuid"), _set16("setgid"), _set16("setreuid"), _set16("setregid")
setresuid16, setresgid16, setfsuid16, setfsgid16 = _set16("setresuid"), _set16("setresgid"), _set16("setfsuid"), _set16("setfsgid")


def fchown16(t: Thread, fd: int, owner: int, group: int) -> int:
    return t.call(NR["fchown"], fd, _wide(owner), _wide(group))


def _three(t: Thread, name: str) -> tuple[int, int, int]:
    at = t.scratch_at
    t.host.quick(NR[name], at, at + 4, at + 8)
    real, effective, saved = unpack("<III", t.scratch[:12])
    return real, effective, saved


def _give_three(t: Thread, name: str, addresses: tuple[int, ...], narrow: bool) -> int:
    for number, addr in zip(_three(t, name), addresses, strict=True):
        t.memory.write(addr, pack("<H", _narrow(number)) if narrow else pack("<I", number))
    return 0


def getresuid(t: Thread, real: int, effective: int, saved: int) -> int:
    return _give_three(t, "getresuid", (real, effective, saved), False)


def getresgid(t: Thread, real: int, effective: int, saved: int) -> int:
    return _give_three(t, "getresgid", (real, effective, saved), False)


def getresuid16(t: Thread, real: int, effective: int, saved: int) -> int:
    return _give_three(t, "getresuid", (real, effective, saved), True)


def getresgid16(t: Thread, real: int, effective: int, saved: int) -> int:
    return _give_three(t, "getresgid", (real, effective, saved), True)


def getgroups(t: Thread, count: int, addr: int) -> int:
    if signed(count) < 0:
        return -errno.EINVAL
    got = t.call(NR["getgroups"], count, buffer(t, addr, 4 * count) if count else 0)
    wrote(t, addr, 4 * got if count else 0)
    return got


def getgroups16(t: Thread, count: int, addr: int) -> int:
    if not 0 <= signed(count) <= 4096:
        return -errno.EINVAL
    got = t.call(NR["getgroups"], count, t.scratch_at)
    if got > 0 and count:
        groups = unpack(f"<{got}I", t.scratch[: 4 * got])
        t.memory.write(addr, pack(f"<{got}H", *(_narrow(g) for g in groups)))
    return got


def setgroups(t: Thread, count: int, addr: int) -> int:
    return t.call(NR["setgroups"], count, buffer(t, addr, 4 * min(count, 1 << 20)))
