"""Process, thread and resource syscalls."""

from __future__ import annotations

import errno
import os
from struct import pack, unpack

from runtime.linux.hostnr import NR
from runtime.linux.siginfo import guest_siginfo
from runtime.linux.syscalls.common import AT_EMPTY_PATH, AT_FDCWD, guest_path, optional, place, put_words, signed, words, wrote
from runtime.linux.threads import CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID, CLONE_PARENT_SETTID, CLONE_THREAD, CLONE_VFORK, CLONE_VM

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.threads import Thread

_CLONE_PIDFD = 0x1000
_CLONE_UNSUPPORTED = 0x7E028000  # new namespaces, CLONE_PARENT
_RUSAGE_WORDS = 18  # user and system time, then 14 longs
_INFINITY64 = (1 << 64) - 1
_UTS_FIELD = 65
_ROBUST_HEAD_WORDS = 3
_KNOWN_PERSONAS = (0, 0xFFFFFFFF, 0x0008, 0x0040000)


def exit(t: Thread, status: int) -> int:  # noqa: A001
    t.process.exit_thread(t, status & 0xFF)


def exit_group(t: Thread, status: int) -> int:
    t.process.exit(t, status & 0xFF)


def fork(t: Thread) -> int:
    return t.process.fork(t)


def vfork(t: Thread) -> int:
    return t.process.fork(t, wait_for_exec=True, shares_memory=True)


def clone(t: Thread, flags: int, stack: int, parent_tid: int, fourth: int, fifth: int) -> int:
    parent_tid, tls, child_tid = t.abi.clone_arguments(parent_tid, fourth, fifth)
    if flags & CLONE_THREAD:
        return t.clone(flags, stack, parent_tid, tls, child_tid) if flags & CLONE_VM else -errno.EINVAL
    if flags & _CLONE_UNSUPPORTED or flags & CLONE_VM and not flags & CLONE_VFORK:
        return -errno.EINVAL
    pid = t.process.fork(t, wait_for_exec=bool(flags & CLONE_VFORK), shares_memory=bool(flags & CLONE_VM))
    if pid < 0:
        return pid
    if pid:
        if flags & CLONE_PARENT_SETTID:
            t.memory.put_u32(parent_tid, pid)
        if flags & _CLONE_PIDFD:
            t.memory.put_u32(parent_tid, t.host.quick(NR["pidfd_open"], pid))
        return pid
    t.become_clone(t, flags, stack, tls)
    t.clear_tid = child_tid if flags & CLONE_CHILD_CLEARTID else 0
    t.robust_list = 0
    if flags & CLONE_CHILD_SETTID:
        t.memory.put_u32(child_tid, t.tid)
    return 0


def set_tid_address(t: Thread, addr: int) -> int:
    t.clear_tid = addr
    return t.tid


def set_robust_list(t: Thread, head: int, size: int) -> int:
    if size != _ROBUST_HEAD_WORDS * t.abi.word:
        return -errno.EINVAL
    t.robust_list = head
    return 0


def get_robust_list(t: Thread, tid: int, head: int, size: int) -> int:
    thread = t.process.threads.get(tid) if tid else t
    if thread is None:
        return -errno.ESRCH
    put_words(t, head, thread.robust_list)
    put_words(t, size, _ROBUST_HEAD_WORDS * t.abi.word)
    return 0


def _strings(t: Thread, addr: int) -> list[bytes]:
    """A NULL-terminated array of strings."""
    found: list[bytes] = []
    while addr:
        (at,) = words(t, addr, 1)
        if not at:
            break
        found.append(t.memory.read_cstr(at, 1 << 17))
        addr += t.abi.word
    return found


def execve(t: Thread, path: int, argv: int, envp: int) -> int:
    name = guest_path(t, path)
    if not name:
        return -errno.ENOENT
    arguments = _strings(t, argv)
    return t.process.execve(t, name, arguments or [b""], _strings(t, envp))


def execveat(t: Thread, directory: int, path: int, argv: int, envp: int, flags: int) -> int:
    name = guest_path(t, path)
    if flags & AT_EMPTY_PATH and not name:
        name = b"/proc/self/fd/%d" % directory
    elif directory != AT_FDCWD and not name.startswith(b"/"):
        name = b"/proc/self/fd/%d/%s" % (directory, name)
    return t.process.execve(t, name, _strings(t, argv) or [b""], _strings(t, envp))


def _give_rusage(t: Thread, addr: int, at: int) -> None:
    if addr:
        put_words(t, addr, *unpack(f"<{_RUSAGE_WORDS}q", t.scratch[at : at + 8 * _RUSAGE_WORDS]))


def wait4(t: Thread, pid: int, status: int, options: int, rusage: int) -> int:
    got = t.call(NR["wait4"], signed(pid), t.scratch_at, options, t.scratch_at + 8 if rusage else 0)
    if got > 0:
        if status:
            t.memory.write(status, bytes(t.scratch[:4]))
        _give_rusage(t, rusage, 8)
    return got


def waitpid(t: Thread, pid: int, status: int, options: int) -> int:
    return wait4(t, pid, status, options, 0)


def waitid(t: Thread, kind: int, number: int, info: int, options: int, rusage: int) -> int:
    t.scratch[:128] = bytes(128)
    got = t.call(NR["waitid"], kind, number, t.scratch_at, options, t.scratch_at + 128 if rusage else 0)
    if got == 0:
        if info:
            t.memory.write(info, guest_siginfo(t.abi.word, bytes(t.scratch[:64])))
        _give_rusage(t, rusage, 128)
    return got


def getrusage(t: Thread, who: int, addr: int) -> int:
    got = t.host.quick(NR["getrusage"], signed(who), t.scratch_at)
    if got == 0:
        _give_rusage(t, addr, 0)
    return got


def getrlimit(t: Thread, resource: int, addr: int) -> int:
    got = t.host.quick(NR["prlimit64"], 0, resource, 0, t.scratch_at)
    if got == 0:
        put_words(t, addr, *(min(n, _infinity(t)) for n in unpack("<QQ", t.scratch[:16])))
    return got


def old_getrlimit(t: Thread, resource: int, addr: int) -> int:
    """getrlimit of the first i386 kernels: no limit is 2^31 - 1."""
    got = t.host.quick(NR["prlimit64"], 0, resource, 0, t.scratch_at)
    if got == 0:
        put_words(t, addr, *(min(n, 0x7FFFFFFF) for n in unpack("<QQ", t.scratch[:16])))
    return got


def _infinity(t: Thread) -> int:
    """RLIM_INFINITY of a long."""
    return (1 << 8 * t.abi.word) - 1


def setrlimit(t: Thread, resource: int, addr: int) -> int:
    return _set_limit(t, 0, resource, tuple(_INFINITY64 if n == _infinity(t) else n for n in words(t, addr, 2)))


def _set_limit(t: Thread, pid: int, resource: int, limits: tuple[int, ...]) -> int:
    """Limits on address space, data and stack are the guest's, not the translator's: accepted without effect."""
    if resource in (2, 3, 9) and pid in (0, os.getpid()):
        return 0
    t.scratch[:16] = pack("<QQ", *limits)
    return t.host.quick(NR["prlimit64"], pid, resource, t.scratch_at, 0)


def prlimit64(t: Thread, pid: int, resource: int, new: int, old: int) -> int:
    if old:
        got = t.host.quick(NR["prlimit64"], pid, resource, 0, t.scratch_at)
        if got < 0:
            return got
        before = bytes(t.scratch[:16])
    if new:
        got = _set_limit(t, pid, resource, unpack("<QQ", t.memory.read(new, 16)))
        if got < 0:
            return got
    if old:
        t.memory.write(old, before)
    return 0


def nice(t: Thread, increment: int) -> int:
    try:
        os.nice(signed(increment))
    except OSError as e:
        return -(e.errno or errno.EPERM)
    return 0


def sysinfo(t: Thread, addr: int) -> int:
    """struct sysinfo with 32-bit counters: the unit grows until they fit."""
    got = t.host.quick(NR["sysinfo"], t.scratch_at)
    if got < 0:
        return got
    uptime, l1, l5, l15, *sizes, procs, high, high_free, unit = unpack("<q3Q6QH6xQQI", t.scratch[:108])
    shift = 0
    while (max(sizes[0], sizes[4]) * unit >> shift) > 0xFFFFFFFF:
        shift += 12 if shift == 0 else 1
    scaled = [n * unit >> shift for n in (*sizes, high, high_free)]
    t.memory.write(addr, pack("<i3I6IHH2II8x", uptime, l1, l5, l15, *scaled[:6], procs, 0, scaled[6], scaled[7], 1 << shift))
    return 0


def uname(t: Thread, addr: int) -> int:
    host = os.uname()
    try:
        with open("/proc/sys/kernel/domainname", "rb") as file:
            domain = file.read().strip()
    except OSError:
        domain = b"(none)"
    fields = [os.fsencode(s) for s in (host.sysname, host.nodename, host.release, host.version, t.abi.machine)]
    t.memory.write(addr, b"".join(f[: _UTS_FIELD - 1].ljust(_UTS_FIELD, b"\0") for f in (*fields, domain)))
    return 0


def personality(t: Thread, persona: int) -> int:
    """The guest runs as PER_LINUX; other execution domains cannot be given."""
    return 0 if persona in _KNOWN_PERSONAS else -errno.EINVAL


def prctl(t: Thread, option: int, a: int, b: int, c: int, d: int) -> int:
    set_name, get_name, get_pdeathsig = 15, 16, 2
    if option in (set_name, get_name):
        got = t.host.quick(NR["prctl"], option, place(t, a))
        wrote(t, a, 16 if option == get_name and got == 0 else 0)
        return got
    if option == get_pdeathsig:
        got = t.host.quick(NR["prctl"], option, place(t, a))
        wrote(t, a, 4 if got == 0 else 0)
        return got
    # set_pdeathsig, get/set_dumpable, get/set_keepcaps, capbset_read, get/set_securebits, timerslack, child_subreaper, no_new_privs, thp
    if option in (1, 3, 4, 7, 8, 23, 24, 27, 28, 29, 30, 36, 38, 39, 41, 42, 47):
        return t.host.quick(NR["prctl"], option, a, b, c, d)
    return -errno.EINVAL


def capget(t: Thread, head: int, data: int) -> int:
    got = t.host.quick(NR["capget"], optional(t, head), optional(t, data))
    wrote(t, head, 8)
    wrote(t, data, 24 if got == 0 else 0)
    return got


def getcpu(t: Thread, cpu: int, node: int, _: int) -> int:
    got = t.host.quick(NR["getcpu"], optional(t, cpu), optional(t, node), 0)
    wrote(t, cpu, 4)
    wrote(t, node, 4)
    return got


def membarrier(t: Thread, command: int, flags: int, cpu: int) -> int:
    """Forwarded: a host barrier on all threads is a guest barrier on all threads."""
    return t.host.quick(NR["membarrier"], command, flags, cpu)


def set_tls(t: Thread, value: int) -> int:
    t.vcpu.put("tpidruro", value)
    return 0


def get_tls(t: Thread) -> int:
    return t.vcpu.get("tpidruro")


def breakpoint(t: Thread) -> None:  # noqa: A001
    """ARM's: by a system call."""
    t.signals.raise_fault(t.abi.exception(t, "breakpoint", 0))
