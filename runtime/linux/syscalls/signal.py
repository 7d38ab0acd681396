"""Signal syscalls. Masks are 64-bit little-endian words; the old calls have their first half."""

from __future__ import annotations

import errno
import os
from struct import Struct, pack, unpack

from dbt.abi.exits import REQUEST_SIGNAL
from runtime.linux.hostnr import NR
from runtime.linux.siginfo import SIGINFO_BYTES, guest_siginfo, host_siginfo, sent_siginfo
from runtime.linux.signals import (
    ALL,
    NSIG,
    SI_TKILL,
    SI_USER,
    SIG_BLOCK,
    SIG_SETMASK,
    SIG_UNBLOCK,
    SIGKILL,
    SIGSTOP,
    SS_DISABLE,
    SS_ONSTACK,
    SYNCHRONOUS,
    UNBLOCKABLE,
    Action,
)
from runtime.linux.syscalls.common import host_timespec, place, put_words, signed, words

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.threads import Thread

_MASK_BYTES = 8
_MIN_STACK = 2048
_STACK = {4: Struct("<III"), 8: Struct("<QI4xQ")}  # ss_sp, ss_flags, ss_size by the guest's word
_LOW = 0xFFFFFFFF


def _action(t: Thread, signo: int, new: Action | None) -> Action | int:
    if not 0 < signo <= NSIG or new is not None and signo in (SIGKILL, SIGSTOP):
        return -errno.EINVAL
    old = t.process.signals.get(signo)
    if new is not None:
        t.process.signals.set(signo, new)
    return old


def rt_sigaction(t: Thread, signo: int, new: int, old: int, size: int) -> int:
    if size != _MASK_BYTES:
        return -errno.EINVAL
    action = None
    if new:
        handler, flags, restorer = words(t, new, 3)
        mask = int.from_bytes(t.memory.read(new + 3 * t.abi.word, _MASK_BYTES), "little")
        action = Action(handler, flags, restorer, mask & ~UNBLOCKABLE)
    before = _action(t, signo, action)
    if isinstance(before, int):
        return before
    if old:
        put_words(t, old, before.handler, before.flags, before.restorer)
        t.memory.write(old + 3 * t.abi.word, before.mask.to_bytes(_MASK_BYTES, "little"))
    return 0


def sigaction(t: Thread, signo: int, new: int, old: int) -> int:
    action = None
    if new:
        handler, mask, flags, restorer = unpack("<IIII", t.memory.read(new, 16))
        action = Action(handler, flags, restorer, mask & ~UNBLOCKABLE)
    before = _action(t, signo, action)
    if isinstance(before, int):
        return before
    if old:
        t.memory.write(old, pack("<IIII", before.handler, before.mask & _LOW, before.flags, before.restorer))
    return 0


def _change_mask(t: Thread, how: int, bits: int) -> bool:
    signals = t.signals
    if how == SIG_BLOCK:
        mask = signals.mask | bits
    elif how == SIG_UNBLOCK:
        mask = signals.mask & ~bits
    elif how == SIG_SETMASK:
        mask = bits
    else:
        return False
    signals.set_mask(mask)
    return True


def rt_sigprocmask(t: Thread, how: int, new: int, old: int, size: int) -> int:
    if size != _MASK_BYTES:
        return -errno.EINVAL
    before = t.signals.mask
    if new and not _change_mask(t, how, int.from_bytes(t.memory.read(new, _MASK_BYTES), "little")):
        return -errno.EINVAL
    if old:
        t.memory.write(old, before.to_bytes(_MASK_BYTES, "little"))
    return 0


def sigprocmask(t: Thread, how: int, new: int, old: int) -> int:
    before = t.signals.mask
    if new:
        bits = t.memory.u32(new)
        if not _change_mask(t, how, bits | before & ~_LOW if how == SIG_SETMASK else bits):
            return -errno.EINVAL
    if old:
        t.memory.put_u32(old, before)
    return 0


def _pending(t: Thread) -> int:
    t.host.quick(NR["rt_sigpending"], t.scratch_at, _MASK_BYTES)
    return int.from_bytes(t.scratch[:8], "little") | t.signals.pending & t.signals.mask


def rt_sigpending(t: Thread, addr: int, size: int) -> int:
    if size > _MASK_BYTES:
        return -errno.EINVAL
    t.memory.write(addr, _pending(t).to_bytes(_MASK_BYTES, "little")[:size])
    return 0


def sigpending(t: Thread, addr: int) -> int:
    t.memory.put_u32(addr, _pending(t))
    return 0


def _suspend(t: Thread, mask: int) -> int:
    signals = t.signals
    signals.saved_mask = signals.mask
    signals.mask = mask & ~UNBLOCKABLE
    if signals.pending & ~signals.mask & ALL:
        return -errno.EINTR
    t.scratch[:8] = signals.mask.to_bytes(8, "little")
    return t.call(NR["rt_sigsuspend"], t.scratch_at, _MASK_BYTES)


def rt_sigsuspend(t: Thread, addr: int, size: int) -> int:
    if size != _MASK_BYTES:
        return -errno.EINVAL
    return _suspend(t, int.from_bytes(t.memory.read(addr, _MASK_BYTES), "little"))


def sigsuspend(t: Thread, _: int, __: int, mask: int) -> int:
    return _suspend(t, mask | t.signals.mask & ~_LOW)


def _timedwait(t: Thread, addr: int, info: int, timeout: int, size: int, wide: bool) -> int:
    if size != _MASK_BYTES:
        return -errno.EINVAL
    wanted = int.from_bytes(t.memory.read(addr, _MASK_BYTES), "little")
    t.signals.collect()
    found = t.signals.take(wanted)
    if found is not None:
        signo, siginfo = found
    else:
        t.scratch[:8] = wanted.to_bytes(8, "little")
        signo = t.call(NR["rt_sigtimedwait"], t.scratch_at, t.scratch_at + 64, host_timespec(t, timeout, wide, 16), _MASK_BYTES)
        if signo < 0:
            return signo
        siginfo = guest_siginfo(t.abi.word, bytes(t.scratch[64:128]))
    if info:
        t.memory.write(info, siginfo)
    return signo


def rt_sigtimedwait(t: Thread, addr: int, info: int, timeout: int, size: int) -> int:
    return _timedwait(t, addr, info, timeout, size, False)


def rt_sigtimedwait_time64(t: Thread, addr: int, info: int, timeout: int, size: int) -> int:
    return _timedwait(t, addr, info, timeout, size, True)


def sigreturn(t: Thread) -> None:
    t.signals.sigreturn(False)


def rt_sigreturn(t: Thread) -> None:
    t.signals.sigreturn(True)


def sigaltstack(t: Thread, new: int, old: int) -> int:
    signals, layout = t.signals, _STACK[t.abi.word]
    sp = t.regs[t.abi.sp]
    before = layout.pack(*signals.shown_altstack(sp))
    if new:
        base, flags, size = layout.unpack(t.memory.read(new, layout.size))
        if signals.on_altstack(sp):
            return -errno.EPERM
        if flags & ~(SS_ONSTACK | SS_DISABLE | 1 << 31):
            return -errno.EINVAL
        if flags & SS_DISABLE:
            base = size = 0
        elif size < _MIN_STACK:
            return -errno.ENOMEM
        signals.altstack = (base, flags & SS_DISABLE, size)
    if old:
        t.memory.write(old, before)
    return 0


def _to_self(t: Thread, signo: int, code: int) -> bool:
    """Synchronous signals have no host handler: one that the guest sends itself and handles is queued here."""
    if signo not in SYNCHRONOUS or t.process.signals.get(signo).handler <= 1:
        return False
    t.signals.queue(signo, sent_siginfo(t.abi.word, signo, code))
    t.vcpu.request(REQUEST_SIGNAL)
    return True


def kill(t: Thread, pid: int, signo: int) -> int:
    if pid == os.getpid() and _to_self(t, signo, SI_USER):
        return 0
    return t.host.quick(NR["kill"], signed(pid), signo)


def _send(t: Thread, tid: int, signo: int) -> bool:
    target = t.process.threads.get(tid)
    return target is not None and _to_self(target, signo, SI_TKILL)


def tkill(t: Thread, tid: int, signo: int) -> int:
    return 0 if _send(t, tid, signo) else t.host.quick(NR["tkill"], tid, signo)


def tgkill(t: Thread, pid: int, tid: int, signo: int) -> int:
    return 0 if pid == os.getpid() and _send(t, tid, signo) else t.host.quick(NR["tgkill"], pid, tid, signo)


def _host_siginfo(t: Thread, addr: int) -> int:
    """Host address of the host's form of a queued siginfo."""
    t.scratch[:SIGINFO_BYTES] = host_siginfo(t.abi.word, t.memory.read(addr, SIGINFO_BYTES))
    return t.scratch_at


def rt_sigqueueinfo(t: Thread, pid: int, signo: int, info: int) -> int:
    return t.host.quick(NR["rt_sigqueueinfo"], pid, signo, _host_siginfo(t, info))


def rt_tgsigqueueinfo(t: Thread, pid: int, tid: int, signo: int, info: int) -> int:
    return t.host.quick(NR["rt_tgsigqueueinfo"], pid, tid, signo, _host_siginfo(t, info))


def pidfd_send_signal(t: Thread, fd: int, signo: int, info: int, flags: int) -> int:
    return t.host.quick(NR["pidfd_send_signal"], fd, signo, _host_siginfo(t, info) if info else 0, flags)


def signalfd4(t: Thread, fd: int, addr: int, size: int, flags: int) -> int:
    if size != _MASK_BYTES:
        return -errno.EINVAL
    return t.host.quick(NR["signalfd4"], fd, place(t, addr), size, flags)


def signalfd(t: Thread, fd: int, addr: int, size: int) -> int:
    return signalfd4(t, fd, addr, size, 0)
