"""siginfo: the host's 64-bit layout, and the guest's of 32 or 64 bits (include/uapi/asm-generic/siginfo.h). 128 bytes.

The guest's records begin with signal, errno and code; what follows is aligned to *word*, the guest's bytes of a pointer.
"""

from __future__ import annotations

import os
from struct import Struct

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.abi import Fault

SIGINFO_BYTES = 128
_SIGCHLD = 17
_SYNCHRONOUS = (4, 5, 7, 8, 11)  # SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV
_POLL_CODES = range(1, 7)
_CHILD_CODES = range(1, 0x80)
_INFO = Struct("<iiI")
_BODY = 16  # where the host's and a 64-bit guest's fields begin


def guest_siginfo(word: int, record: bytes) -> bytes:
    """The host's siginfo (at least the 64 bytes that carry data) as the guest's."""
    if word == 8:
        return record[:SIGINFO_BYTES].ljust(SIGINFO_BYTES, b"\0")
    signo, error, code = _INFO.unpack_from(record)
    body = record[_BODY:]
    if signo == _SIGCHLD and code in _CHILD_CODES:
        ticks = tuple(int.from_bytes(body[i : i + 8], "little") & 0xFFFFFFFF for i in (16, 24))
        fields = body[:12] + ticks[0].to_bytes(4, "little") + ticks[1].to_bytes(4, "little")  # pid, uid, status, utime, stime
    elif code in _POLL_CODES and signo not in _SYNCHRONOUS:  # POLL_*: band, fd
        fields = body[:4] + body[8:12]
    else:  # kill: pid, uid; queued: pid, uid, value; timer: id, overrun, value
        fields = body[:12]
    return _record(word, signo, error, code, fields)


def host_siginfo(word: int, data: bytes) -> bytes:
    """A guest's queued siginfo (pid, uid, value) as the host's."""
    if word == 8:
        return data
    return (data[:12] + bytes(4) + data[12:24]).ljust(SIGINFO_BYTES, b"\0")


def fault_siginfo(word: int, fault: Fault) -> bytes:
    """Of a synchronous signal."""
    return _record(word, fault.signo, 0, fault.code, fault.address.to_bytes(word, "little"))


def sent_siginfo(word: int, signo: int, code: int) -> bytes:
    """Of a signal that the guest sends itself."""
    return _record(word, signo, 0, code, os.getpid().to_bytes(4, "little") + os.getuid().to_bytes(4, "little"))


def _record(word: int, signo: int, error: int, code: int, fields: bytes) -> bytes:
    head = _INFO.pack(signo, error, code)
    return (head.ljust(_BODY if word == 8 else len(head), b"\0") + fields).ljust(SIGINFO_BYTES, b"\0")
