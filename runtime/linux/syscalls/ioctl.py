"""ioctl: requests whose structures are the same on guest and host go through; the few others are converted or refused."""

from __future__ import annotations

import errno

from runtime.linux.hostnr import NR
from runtime.linux.syscalls.common import buffer, wrote

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.threads import Thread

_IOCTL = NR["ioctl"]
# request -> bytes of its structure; negative: an integer argument; the kernel may write all of it.
_PLAIN: dict[int, int] = {
    0x5401: 36, 0x5402: 36, 0x5403: 36, 0x5404: 36,  # TCGETS, TCSETS, TCSETSW, TCSETSF (struct termios of the kernel)
    0x5405: 18, 0x5406: 18, 0x5407: 18, 0x5408: 18,  # TCGETA, TCSETA...
    0x5409: -1, 0x540A: -1, 0x540B: -1, 0x540C: -1, 0x540D: -1, 0x540E: -1,  # TCSBRK, TCXONC, TCFLSH, TIOCEXCL, TIOCNXCL, TIOCSCTTY
    0x540F: 4, 0x5410: 4, 0x5411: 4, 0x5412: 1, 0x5413: 8, 0x5414: 8,  # TIOCGPGRP, TIOCSPGRP, TIOCOUTQ, TIOCSTI, TIOCGWINSZ, TIOCSWINSZ
    0x5415: 4, 0x5416: 4, 0x5417: 4, 0x5418: 4, 0x5419: 4, 0x541A: 4,  # TIOCMGET..., TIOCGSOFTCAR, TIOCSSOFTCAR
    0x541B: 4, 0x5420: 4, 0x5421: 4, 0x5422: -1, 0x5423: 4, 0x5424: 4, 0x5425: -1,  # FIONREAD, TIOCPKT, FIONBIO, TIOCNOTTY, TIOCSETD, TIOCGETD, TCSBRKP
    0x5427: -1, 0x5428: -1, 0x5429: 4, 0x5450: -1, 0x5451: -1, 0x5452: 4, 0x5460: 8,  # TIOCSBRK, TIOCCBRK, TIOCGSID, FIONCLEX, FIOCLEX, FIOASYNC, FIOQSIZE
    0x8901: 4, 0x8902: 4, 0x8903: 4, 0x8904: 4, 0x8905: 4,  # FIOSETOWN, SIOCSPGRP, FIOGETOWN, SIOCGPGRP, SIOCATMARK
}  # fmt: skip
_IFREQ, _IFREQ_HOST = {4: 32, 8: 40}, 40  # struct ifreq: the union ends with pointers
_IFREQ_FIRST, _IFREQ_LAST = 0x8910, 0x8948
_SIOCGIFCONF = 0x8912
_SIZE_SHIFT, _SIZE_MASK = 16, 0x3FFF
_FS_IOC_FLAGS32 = {0x80046601: 0x80086601, 0x40046602: 0x40086602, 0x80047601: 0x80087601, 0x40047602: 0x40087602}  # *FLAGS, *VERSION take a long
_FICLONE = 0x40049409
# Types (bits 8-15) whose encoded structures hold no pointers and no longs: terminals, file systems' FIEMAP and trim, block sizes, loop, RNG, input.
_SAFE_TYPES = frozenset(b"TfXRE")


def ioctl(t: Thread, fd: int, request: int, argument: int) -> int:
    size = _PLAIN.get(request)
    if size is not None:
        if size < 0:
            return t.call(_IOCTL, fd, request, argument)
        got = t.call(_IOCTL, fd, request, buffer(t, argument, size))
        if got >= 0:
            wrote(t, argument, size)
        return got
    if request in _FS_IOC_FLAGS32:
        return _flags(t, fd, _FS_IOC_FLAGS32[request], argument)
    if request == _FICLONE:
        return t.call(_IOCTL, fd, request, argument)
    if _IFREQ_FIRST <= request <= _IFREQ_LAST and request != _SIOCGIFCONF:
        size = _IFREQ[t.abi.word]
        t.scratch[:_IFREQ_HOST] = t.memory.read(argument, size).ljust(_IFREQ_HOST, b"\0")
        got = t.call(_IOCTL, fd, request, t.scratch_at)
        if got >= 0:
            t.memory.write(argument, bytes(t.scratch[:size]))
        return got
    encoded = request >> _SIZE_SHIFT & _SIZE_MASK
    if request >> 8 & 0xFF in _SAFE_TYPES and request >> 30:
        got = t.call(_IOCTL, fd, request, buffer(t, argument, encoded))
        if got >= 0 and request >> 31:
            wrote(t, argument, encoded)
        return got
    return -errno.ENOTTY


def _flags(t: Thread, fd: int, request: int, addr: int) -> int:
    t.scratch[:8] = t.memory.read(addr, 4) + bytes(4)
    got = t.call(_IOCTL, fd, request, t.scratch_at)
    if got >= 0 and request >> 31:
        t.memory.write(addr, bytes(t.scratch[:4]))
    return got
