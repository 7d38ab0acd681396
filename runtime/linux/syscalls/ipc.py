"""System V IPC and POSIX message queues."""

from __future__ import annotations

import errno
from struct import pack, unpack

from runtime.linux.areas import LOWEST, Area, page_up
from runtime.linux.hostnr import NR
from runtime.linux.mm import PROT_EXEC, PROT_READ, PROT_WRITE
from runtime.linux.syscalls.common import buffer, host_timespec, optional, place, put_words, signed_word, signed_words, words, wrote

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.linux.threads import Thread

_IPC_64 = 0x100
_IPC_RMID, _IPC_SET, _IPC_STAT = 0, 1, 2
_GETPID, _GETVAL, _GETALL, _GETNCNT, _GETZCNT, _SETVAL, _SETALL = 11, 12, 13, 14, 15, 16, 17
_SHM_LOCK, _SHM_UNLOCK = 11, 12
_SHM_RDONLY, _SHM_RND, _SHM_REMAP, _SHM_EXEC = 0o10000, 0o20000, 0o40000, 0o100000
_GUEST_PERM_BYTES = 36
_SEMID_BYTES, _MSQID_BYTES, _SHMID_BYTES = 104, 120, 112  # the structures of 64-bit machines
_MESSAGE_ROOM = 16384


def _guest_perm(data: bytes) -> bytes:
    """ipc64_perm in the guest's form: key, uid, gid, cuid, cgid, mode, pad, seq, pad, 2 words."""
    key, uid, gid, cuid, cgid = unpack("<iIIII", data[:20])
    mode = int.from_bytes(data[20:24], "little")
    seq = int.from_bytes(data[24:26], "little")
    return pack("<iIIIIHHHHII", key, uid, gid, cuid, cgid, mode & 0xFFFF, 0, seq, 0, 0, 0)


def _own_layout(t: Thread, command: int, addr: int, size: int, call: Callable[[int], int]) -> int:
    """IPC_STAT and IPC_SET of a 64-bit guest, whose structures are the host's: *call* gets the host address."""
    got = call(buffer(t, addr, size))
    wrote(t, addr, size if command == _IPC_STAT and got >= 0 else 0)
    return got


def semop(t: Thread, number: int, operations: int, count: int) -> int:
    return t.call(NR["semop"], number, buffer(t, operations, 6 * count), count)


def _semtimedop(t: Thread, number: int, operations: int, count: int, timeout: int, wide: bool) -> int:
    return t.call(NR["semtimedop"], number, buffer(t, operations, 6 * count), count, host_timespec(t, timeout, wide))


def semtimedop(t: Thread, number: int, operations: int, count: int, timeout: int) -> int:
    return _semtimedop(t, number, operations, count, timeout, False)


def semtimedop_time64(t: Thread, number: int, operations: int, count: int, timeout: int) -> int:
    return _semtimedop(t, number, operations, count, timeout, True)


def _semaphores(t: Thread, number: int) -> int:
    """How many semaphores the set has, or -errno."""
    got = t.host.quick(NR["semctl"], number, 0, _IPC_STAT, t.scratch_at)
    return got if got < 0 else int.from_bytes(t.scratch[80:88], "little")


def semctl(t: Thread, number: int, index: int, command: int, argument: int) -> int:
    command &= ~_IPC_64
    call = t.host.quick
    if command in (_GETALL, _SETALL):
        count = _semaphores(t, number)
        if count < 0:
            return count
        got = call(NR["semctl"], number, index, command, buffer(t, argument, 2 * count))
        wrote(t, argument, 2 * count if command == _GETALL and got >= 0 else 0)
        return got
    if command in (_IPC_STAT, _IPC_SET) and t.abi.word == 8:
        return _own_layout(t, command, argument, _SEMID_BYTES, lambda at: call(NR["semctl"], number, index, command, at))
    if command == _IPC_STAT:
        got = call(NR["semctl"], number, index, command, t.scratch_at)
        if got >= 0:
            otime, _, ctime, _, count = unpack("<5q", t.scratch[48:88])
            t.memory.write(argument, _guest_perm(bytes(t.scratch[:48])) + pack("<7I", otime, 0, ctime, 0, count, 0, 0))
        return got
    if command == _IPC_SET:
        call(NR["semctl"], number, index, _IPC_STAT, t.scratch_at)
        _set_perm(t, argument)
        return call(NR["semctl"], number, index, command, t.scratch_at)
    if command in (_IPC_RMID, _GETPID, _GETVAL, _GETNCNT, _GETZCNT, _SETVAL):
        return call(NR["semctl"], number, index, command, argument)
    return -errno.EINVAL


def _set_perm(t: Thread, addr: int) -> None:
    """Owner, group and mode from the guest's structure, over the host's in scratch memory."""
    data = t.memory.read(addr, _GUEST_PERM_BYTES)
    t.scratch[4:12] = data[4:12]
    t.scratch[20:24] = data[20:22] + b"\0\0"


def msgsnd(t: Thread, number: int, message: int, size: int, flags: int) -> int:
    if size > _MESSAGE_ROOM:
        return -errno.EINVAL
    word = t.abi.word
    data = t.memory.read(message, word + size)
    t.scratch[: 8 + size] = int.from_bytes(data[:word], "little", signed=True).to_bytes(8, "little", signed=True) + data[word:]
    return t.call(NR["msgsnd"], number, t.scratch_at, size, flags)


def msgrcv(t: Thread, number: int, message: int, size: int, kind: int, flags: int) -> int:
    got = t.call(NR["msgrcv"], number, t.scratch_at, min(size, _MESSAGE_ROOM), signed_word(t, kind), flags)
    if got >= 0:
        t.memory.write(message, bytes(t.scratch[: t.abi.word]) + bytes(t.scratch[8 : 8 + got]))
    return got


def msgctl(t: Thread, number: int, command: int, addr: int) -> int:
    command &= ~_IPC_64
    call = t.host.quick
    if command in (_IPC_STAT, _IPC_SET) and t.abi.word == 8:
        return _own_layout(t, command, addr, _MSQID_BYTES, lambda at: call(NR["msgctl"], number, command, at))
    if command == _IPC_STAT:
        got = call(NR["msgctl"], number, command, t.scratch_at)
        if got >= 0:
            stime, rtime, ctime, in_bytes, count, room, sender, receiver = unpack("<qqqQQQii", t.scratch[48:104])
            words = (stime, 0, rtime, 0, ctime, 0, in_bytes, count, room, sender, receiver, 0, 0)
            t.memory.write(addr, _guest_perm(bytes(t.scratch[:48])) + pack("<13I", *words))
        return got
    if command == _IPC_SET:
        call(NR["msgctl"], number, _IPC_STAT, t.scratch_at)
        _set_perm(t, addr)
        t.scratch[88:96] = int.from_bytes(t.memory.read(addr + _GUEST_PERM_BYTES + 32, 4), "little").to_bytes(8, "little")
        return call(NR["msgctl"], number, command, t.scratch_at)
    return call(NR["msgctl"], number, command, 0) if command == _IPC_RMID else -errno.EINVAL


# Shared memory


def shmat(t: Thread, number: int, addr: int, flags: int) -> int:
    space, align = t.process.space, t.abi.shm_align
    got = t.host.quick(NR["shmctl"], number, _IPC_STAT, t.scratch_at)
    if got < 0:
        return got
    length = page_up(int.from_bytes(t.scratch[48:56], "little"))
    if addr & align - 1:
        if not flags & _SHM_RND:
            return -errno.EINVAL
        addr &= -align
    with space.lock:
        if not addr:
            addr = space.gap(length + align)
            if not addr:
                return -errno.ENOMEM
            addr = addr + align - 1 & -align
        elif addr < LOWEST or addr + length > space.limit or not flags & _SHM_REMAP and next(space.overlapping(addr, addr + length), None):
            return -errno.EINVAL
        got = t.host.quick(NR["shmat"], number, t.base + addr, flags & _SHM_RDONLY | _SHM_REMAP)
        if -4096 < got < 0:
            return got
        prot = PROT_READ | (0 if flags & _SHM_RDONLY else PROT_WRITE) | (PROT_EXEC if flags & _SHM_EXEC else 0)
        space.attach(Area(addr, addr + length, prot, True, b"/SYSV%08x" % (number & 0xFFFFFFFF), 0, 1, number))
    return addr


def shmdt(t: Thread, addr: int) -> int:
    space = t.process.space
    with space.lock:
        area = space.find(addr)
        if area is None or area.start != addr or not area.name.startswith(b"/SYSV"):
            return -errno.EINVAL
        return space.unmap(addr, area.end - area.start)


def shmctl(t: Thread, number: int, command: int, addr: int) -> int:
    command &= ~_IPC_64
    call = t.host.quick
    if command in (_IPC_STAT, _IPC_SET) and t.abi.word == 8:
        return _own_layout(t, command, addr, _SHMID_BYTES, lambda at: call(NR["shmctl"], number, command, at))
    if command == _IPC_STAT:
        got = call(NR["shmctl"], number, command, t.scratch_at)
        if got >= 0:
            size, atime, dtime, ctime, creator, last, attached = unpack("<QqqqiiQ", t.scratch[48:96])
            words = (size, atime, 0, dtime, 0, ctime, 0, creator, last, attached, 0, 0)
            t.memory.write(addr, _guest_perm(bytes(t.scratch[:48])) + pack("<12I", *words))
        return got
    if command == _IPC_SET:
        call(NR["shmctl"], number, _IPC_STAT, t.scratch_at)
        _set_perm(t, addr)
        return call(NR["shmctl"], number, command, t.scratch_at)
    return call(NR["shmctl"], number, command, 0) if command in (_IPC_RMID, _SHM_LOCK, _SHM_UNLOCK) else -errno.EINVAL


# i386's one door to all of them (ipc/syscall.c): the call in the low 16 bits, the version of its form above
_SEMOP, _SEMGET, _SEMCTL, _SEMTIMEDOP, _MSGSND, _MSGRCV, _MSGGET, _MSGCTL, _SHMAT, _SHMDT, _SHMGET, _SHMCTL = 1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24


def ipc(t: Thread, call: int, first: int, second: int, third: int, pointer: int, fifth: int) -> int:
    version, call = call >> 16, call & 0xFFFF
    if call in (_SEMOP, _SEMTIMEDOP):
        return semtimedop(t, first, pointer, second, fifth if call == _SEMTIMEDOP else 0)
    if call == _SEMCTL:
        return semctl(t, first, second, third, words(t, pointer, 1)[0])
    if call == _MSGSND:
        return msgsnd(t, first, pointer, second, third)
    if call == _MSGRCV:
        if version == 0:
            pointer, fifth = words(t, pointer, 2)
        return msgrcv(t, first, pointer, second, fifth, third)
    if call == _MSGCTL:
        return msgctl(t, first, second, pointer)
    if call == _SHMAT:
        got = shmat(t, first, pointer, second)
        if -4096 < got < 0:
            return got
        put_words(t, third, got)
        return 0
    if call == _SHMDT:
        return shmdt(t, pointer)
    if call == _SHMCTL:
        return shmctl(t, first, second, pointer)
    if call == _SEMGET:
        return t.call(NR["semget"], first, second, third)
    if call == _MSGGET:
        return t.call(NR["msgget"], first, second)
    if call == _SHMGET:
        return t.call(NR["shmget"], first, second, third)
    return -errno.ENOSYS


# POSIX message queues


def mq_open(t: Thread, name: int, flags: int, mode: int, attributes: int) -> int:
    at = 0
    if attributes:
        t.scratch[:64] = pack("<8q", *signed_words(t, attributes, 8))
        at = t.scratch_at
    return t.call(NR["mq_open"], place(t, name), t.abi.open_flags.to_host(flags), mode, at)


def mq_unlink(t: Thread, name: int) -> int:
    return t.call(NR["mq_unlink"], place(t, name))


def _send(t: Thread, queue: int, data: int, size: int, priority: int, timeout: int, wide: bool) -> int:
    return t.call(NR["mq_timedsend"], queue, buffer(t, data, size), size, priority, host_timespec(t, timeout, wide))


def _receive(t: Thread, queue: int, data: int, size: int, priority: int, timeout: int, wide: bool) -> int:
    got = t.call(NR["mq_timedreceive"], queue, buffer(t, data, size), size, optional(t, priority), host_timespec(t, timeout, wide))
    if got >= 0:
        wrote(t, data, got)
        wrote(t, priority, 4)
    return got


def mq_timedsend(t: Thread, queue: int, data: int, size: int, priority: int, timeout: int) -> int:
    return _send(t, queue, data, size, priority, timeout, False)


def mq_timedsend_time64(t: Thread, queue: int, data: int, size: int, priority: int, timeout: int) -> int:
    return _send(t, queue, data, size, priority, timeout, True)


def mq_timedreceive(t: Thread, queue: int, data: int, size: int, priority: int, timeout: int) -> int:
    return _receive(t, queue, data, size, priority, timeout, False)


def mq_timedreceive_time64(t: Thread, queue: int, data: int, size: int, priority: int, timeout: int) -> int:
    return _receive(t, queue, data, size, priority, timeout, True)


def mq_getsetattr(t: Thread, queue: int, new: int, old: int) -> int:
    if new:
        t.scratch[:64] = pack("<8q", *signed_words(t, new, 8))
    got = t.call(NR["mq_getsetattr"], queue, t.scratch_at if new else 0, t.scratch_at + 64)
    if got == 0 and old:
        put_words(t, old, *unpack("<8q", t.scratch[64:128]))
    return got
