"""fcntl."""

from __future__ import annotations

from struct import Struct

from runtime.linux.hostnr import NR
from runtime.linux.syscalls.common import buffer, signed

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.threads import Thread

_FCNTL = NR["fcntl"]
_F_GETFL, _F_SETFL, _F_GETLK, _F_SETLK, _F_SETLKW, _F_SETOWN = 3, 4, 5, 6, 7, 8
_F_GETLK64, _F_SETLKW64 = 12, 14
_F_SETOWN_EX, _F_GETOWN_EX = 15, 16
_F_OFD_GETLK, _F_OFD_SETLKW = 36, 38
_F_GET_RW_HINT, _F_SET_FILE_RW_HINT = 1035, 1038
_HOST_FLOCK = Struct("<hh4xqqi4x")


def fcntl(t: Thread, fd: int, command: int, argument: int) -> int:
    if command == _F_GETFL:
        got = t.call(_FCNTL, fd, command)
        return t.abi.open_flags.to_guest(got) if got >= 0 else got
    if command == _F_SETFL:
        return t.call(_FCNTL, fd, command, t.abi.open_flags.to_host(argument))
    if _F_GETLK <= command <= _F_SETLKW:
        return _lock(t, fd, command, argument, t.abi.flock, command == _F_GETLK)
    if _F_GETLK64 <= command <= _F_SETLKW64:
        return _lock(t, fd, command - _F_GETLK64 + _F_GETLK, argument, t.abi.flock64, command == _F_GETLK64)
    if _F_OFD_GETLK <= command <= _F_OFD_SETLKW:
        return _lock(t, fd, command, argument, t.abi.flock64, command == _F_OFD_GETLK)
    if command in (_F_SETOWN_EX, _F_GETOWN_EX) or _F_GET_RW_HINT <= command <= _F_SET_FILE_RW_HINT:
        return t.call(_FCNTL, fd, command, buffer(t, argument, 8))
    if command == _F_SETOWN:
        return t.call(_FCNTL, fd, command, signed(argument))
    return t.call(_FCNTL, fd, command, argument)


def _lock(t: Thread, fd: int, command: int, addr: int, layout: Struct, get: bool) -> int:
    _HOST_FLOCK.pack_into(t.scratch, 0, *layout.unpack(t.memory.read(addr, layout.size)))
    got = t.call(_FCNTL, fd, command, t.scratch_at)
    if got == 0 and get:
        t.memory.write(addr, layout.pack(*_HOST_FLOCK.unpack_from(t.scratch)))
    return got
