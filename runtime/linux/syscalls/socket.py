"""Sockets. Addresses are the same on all machines; msghdr, control messages and a few options differ in word size."""

from __future__ import annotations

import errno
from struct import Struct, pack, unpack

from runtime.linux.hostnr import NR
from runtime.linux.syscalls.common import buffer, optional, place, put_words, signed, signed_words, words, wrote
from runtime.linux.syscalls.io import iovec, scattered

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.linux.threads import Thread

_HOST_MSGHDR = Struct("<QI4xQQQQI4x")  # name, namelen, iov, iovlen, control, controllen, flags
_MSGHDR = {4: Struct("<7I"), 8: _HOST_MSGHDR}  # by the guest's word
_MMSGHDR_BYTES = {4: 32, 8: 64}  # msghdr, then an int
_HEADER_AT, _IOVEC_AT, _CONTROL_AT, _CONTROL_ROOM = 24576, 0, 16896, 7680  # scratch offsets
_HOST_CMSG = Struct("<Qii")
_CMSG = {4: Struct("<Iii"), 8: _HOST_CMSG}
_SOL_SOCKET = 1
_SCM_TIMESTAMP, _SCM_TIMESTAMPNS = 29, 35
_SO_RCVTIMEO, _SO_SNDTIMEO = 20, 21
_SO_ATTACH_FILTER = 26
_MSG_DONTWAIT, _MSG_WAITFORONE = 0x40, 0x10000
_AF_UNIX = 1


def _address(t: Thread, addr: int, length: int) -> tuple[int, int]:
    """Host (address, length) of a socket address; the path of a Unix socket is looked up under the sysroot."""
    if not addr or not t.process.sysroot.root or length < 4:
        return optional(t, addr), length
    data = t.memory.read(addr, min(length, 128))
    if int.from_bytes(data[:2], "little") != _AF_UNIX or data[2:3] != b"/":
        return place(t, addr), length
    name = data[2:].split(b"\0", 1)[0]
    found = t.process.sysroot.host_path(name)
    if found == name or len(found) > 107:
        return place(t, addr), length
    at = 28672
    t.scratch[at : at + 3 + len(found)] = data[:2] + found + b"\0"
    return t.scratch_at + at, len(found) + 3


def bind(t: Thread, fd: int, addr: int, length: int) -> int:
    return t.call(NR["bind"], fd, *_address(t, addr, length))


def connect(t: Thread, fd: int, addr: int, length: int) -> int:
    return t.call(NR["connect"], fd, *_address(t, addr, length))


def _named(name: str, t: Thread, fd: int, addr: int, length: int, *rest: int) -> int:
    """Calls that give an address: the length word holds its room before, its size after."""
    room = signed(t.memory.u32(length)) if length else 0
    got = t.call(NR[name], fd, optional(t, addr), optional(t, length), *rest)
    if got >= 0 and length:
        wrote(t, length, 4)
        wrote(t, addr, room)
    return got


def accept(t: Thread, fd: int, addr: int, length: int) -> int:
    return _named("accept", t, fd, addr, length)


def accept4(t: Thread, fd: int, addr: int, length: int, flags: int) -> int:
    return _named("accept4", t, fd, addr, length, flags)


def getsockname(t: Thread, fd: int, addr: int, length: int) -> int:
    return _named("getsockname", t, fd, addr, length)


def getpeername(t: Thread, fd: int, addr: int, length: int) -> int:
    return _named("getpeername", t, fd, addr, length)


def socketpair(t: Thread, family: int, kind: int, protocol: int, addr: int) -> int:
    got = t.call(NR["socketpair"], family, kind, protocol, t.scratch_at)
    if got == 0:
        t.memory.write(addr, bytes(t.scratch[:8]))
    return got


def sendto(t: Thread, fd: int, data: int, size: int, flags: int, addr: int, length: int) -> int:
    return t.call(NR["sendto"], fd, buffer(t, data, size), size, flags, *_address(t, addr, length))


def send(t: Thread, fd: int, data: int, size: int, flags: int) -> int:
    return sendto(t, fd, data, size, flags, 0, 0)


def recvfrom(t: Thread, fd: int, data: int, size: int, flags: int, addr: int, length: int) -> int:
    room = t.memory.u32(length) if addr and length else 0
    got = t.call(NR["recvfrom"], fd, buffer(t, data, size), size, flags, optional(t, addr), optional(t, length))
    if got >= 0:
        wrote(t, data, min(got, size))
        wrote(t, addr, room)
        wrote(t, length, 4)
    return got


def recv(t: Thread, fd: int, data: int, size: int, flags: int) -> int:
    return recvfrom(t, fd, data, size, flags, 0, 0)


def setsockopt(t: Thread, fd: int, level: int, option: int, addr: int, size: int) -> int:
    call = t.call
    if level == _SOL_SOCKET:
        if option in (_SO_RCVTIMEO, _SO_SNDTIMEO) and size >= 2 * t.abi.word:
            t.scratch[:16] = pack("<qq", *signed_words(t, addr, 2))
            return call(NR["setsockopt"], fd, level, option, t.scratch_at, 16)
        if option == _SO_ATTACH_FILTER:
            count, filters = words(t, addr, 2)
            count &= 0xFFFF
            t.scratch[:16] = pack("<H6xQ", count, buffer(t, filters, 8 * count))
            return call(NR["setsockopt"], fd, level, option, t.scratch_at, 16)
    return call(NR["setsockopt"], fd, level, option, buffer(t, addr, size) if addr else 0, size)


def getsockopt(t: Thread, fd: int, level: int, option: int, addr: int, length: int) -> int:
    room = t.memory.u32(length)
    if level == _SOL_SOCKET and option in (_SO_RCVTIMEO, _SO_SNDTIMEO) and room >= 2 * t.abi.word:
        t.scratch[16:20] = pack("<I", 16)
        got = t.call(NR["getsockopt"], fd, level, option, t.scratch_at, t.scratch_at + 16)
        if got == 0:
            put_words(t, addr, *unpack("<QQ", t.scratch[:16]))
            t.memory.put_u32(length, 2 * t.abi.word)
        return got
    got = t.call(NR["getsockopt"], fd, level, option, buffer(t, addr, room), place(t, length))
    if got == 0:
        wrote(t, addr, room)
        wrote(t, length, 4)
    return got


# Messages


def _control_to_host(t: Thread, addr: int, length: int) -> int:
    """Widen the control messages at *addr* into scratch memory; returns their length there. OSError EINVAL if they are malformed."""
    data = t.memory.read(addr, length)
    at, out, head, word = 0, _CONTROL_AT, _CMSG[t.abi.word], t.abi.word
    while at + head.size <= length:
        size, level, kind = head.unpack_from(data, at)
        if size < head.size or at + size > length:
            raise OSError(errno.EINVAL, "control message")
        body = data[at + head.size : at + size]
        end = out + _HOST_CMSG.size + len(body)
        if end + 8 > _CONTROL_AT + _CONTROL_ROOM:
            raise OSError(errno.ENOBUFS, "control messages")
        _HOST_CMSG.pack_into(t.scratch, out, _HOST_CMSG.size + len(body), level, kind)
        t.scratch[out + _HOST_CMSG.size : end] = body
        out = end + 7 & ~7
        at += size + word - 1 & -word
    return out - _CONTROL_AT


def _control_to_guest(t: Thread, length: int, room: int) -> tuple[bytes, bool]:
    """The host's control messages in the guest's form, at most *room* bytes, and whether any was cut."""
    out, at, cut, head = bytearray(), _CONTROL_AT, False, _CMSG[t.abi.word]
    while at + _HOST_CMSG.size <= _CONTROL_AT + length:
        size, level, kind = _HOST_CMSG.unpack_from(t.scratch, at)
        if size < _HOST_CMSG.size:
            break
        body = bytes(t.scratch[at + _HOST_CMSG.size : at + size])
        if t.abi.word == 4 and level == _SOL_SOCKET and kind in (_SCM_TIMESTAMP, _SCM_TIMESTAMPNS) and len(body) == 16:
            body = pack("<II", *(n & 0xFFFFFFFF for n in unpack("<QQ", body)))
        out += bytes(-len(out) % t.abi.word)
        left = room - len(out) - head.size
        if left < len(body):
            cut = True
            if left <= 0:
                break
            body = body[:left]
        out += head.pack(head.size + len(body), level, kind) + body
        at += size + 7 & ~7
    return bytes(out), cut


def _read_header(t: Thread, message: int) -> tuple[int, ...]:
    layout = _MSGHDR[t.abi.word]
    return layout.unpack(t.memory.read(message, layout.size))


def sendmsg(t: Thread, fd: int, message: int, flags: int) -> int:
    name, name_size, iov, count, control, control_size, _ = _read_header(t, message)
    iovec(t, iov, signed(count), _IOVEC_AT)
    control_size = _control_to_host(t, control, control_size) if control and control_size else 0
    host_name, name_size = _address(t, name, name_size)
    fields = (host_name, name_size, t.scratch_at + _IOVEC_AT, count, t.scratch_at + _CONTROL_AT if control_size else 0, control_size, 0)
    _HOST_MSGHDR.pack_into(t.scratch, _HEADER_AT, *fields)
    return t.call(NR["sendmsg"], fd, t.scratch_at + _HEADER_AT, flags)


def recvmsg(t: Thread, fd: int, message: int, flags: int) -> int:
    name, name_size, iov, count, control, control_size, _ = _read_header(t, message)
    pairs = iovec(t, iov, signed(count), _IOVEC_AT)
    host_name = buffer(t, name, name_size) if name else 0
    room = min(2 * control_size + 16, _CONTROL_ROOM) if control and control_size else 0
    fields = (host_name, name_size, t.scratch_at + _IOVEC_AT, count, t.scratch_at + _CONTROL_AT if room else 0, room, 0)
    _HOST_MSGHDR.pack_into(t.scratch, _HEADER_AT, *fields)
    got = t.call(NR["recvmsg"], fd, t.scratch_at + _HEADER_AT, flags)
    if got < 0:
        return got
    _, new_size, _, _, _, length, result_flags = _HOST_MSGHDR.unpack_from(t.scratch, _HEADER_AT)
    scattered(t, pairs, got)
    if name:
        wrote(t, name, min(name_size, new_size))
    given = b""
    if room:
        given, cut = _control_to_guest(t, length, control_size)
        t.memory.write(control, given)
        result_flags |= 8 if cut else 0  # MSG_CTRUNC
    word = t.abi.word
    t.memory.put_u32(message + word, new_size)
    put_words(t, message + 5 * word, len(given))
    t.memory.put_u32(message + 6 * word, result_flags)
    return got


def sendmmsg(t: Thread, fd: int, messages: int, count: int, flags: int) -> int:
    """One by one; the first error counts only if nothing was sent."""
    for i in range(min(count, 1024)):
        at = messages + i * _MMSGHDR_BYTES[t.abi.word]
        got = sendmsg(t, fd, at, flags)
        if got < 0:
            return i or got
        t.memory.put_u32(at + _MSGHDR[t.abi.word].size, got)
    return min(count, 1024)


def recvmmsg(t: Thread, fd: int, messages: int, count: int, flags: int, timeout: int) -> int:
    """One by one. As in the kernel, the timeout is looked at after each message only, so a short one is rarely noticed: it is ignored."""
    for i in range(min(count, 1024)):
        at = messages + i * _MMSGHDR_BYTES[t.abi.word]
        got = recvmsg(t, fd, at, flags & ~_MSG_WAITFORONE)
        if got < 0:
            return i or got
        t.memory.put_u32(at + _MSGHDR[t.abi.word].size, got)
        if flags & _MSG_WAITFORONE:
            flags |= _MSG_DONTWAIT
    return min(count, 1024)


recvmmsg_time64 = recvmmsg

# SYS_* of linux/net.h -> handler and number of arguments; without a handler, the host's own call.
_SOCKETCALLS: tuple[tuple[str, Callable[..., int] | None, int], ...] = (
    ("socket", None, 3), ("bind", bind, 3), ("connect", connect, 3), ("listen", None, 2), ("accept", accept, 3), ("getsockname", getsockname, 3),
    ("getpeername", getpeername, 3), ("socketpair", socketpair, 4), ("send", send, 4), ("recv", recv, 4), ("sendto", sendto, 6), ("recvfrom", recvfrom, 6),
    ("shutdown", None, 2), ("setsockopt", setsockopt, 5), ("getsockopt", getsockopt, 5), ("sendmsg", sendmsg, 3), ("recvmsg", recvmsg, 3),
    ("accept4", accept4, 4), ("recvmmsg", recvmmsg, 5), ("sendmmsg", sendmmsg, 4),
)  # fmt: skip


def socketcall(t: Thread, call: int, arguments: int) -> int:
    """i386's one door to all of them: the arguments are in memory."""
    if not 1 <= call <= len(_SOCKETCALLS):
        return -errno.EINVAL
    name, handler, count = _SOCKETCALLS[call - 1]
    values = words(t, arguments, count)
    return handler(t, *values) if handler is not None else t.call(NR[name], *values)
