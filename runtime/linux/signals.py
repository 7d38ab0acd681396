"""Guest signals.

The host kernel keeps what it keeps best: masks, pending sets, dispositions and the choice of the thread. A guest thread's host mask *is* its guest mask;
SIG_DFL and SIG_IGN are the host's; a signal with a guest handler has the native handler of ``hoststub``, which leaves a record in the thread's
signal block. Here the records become frames on the guest's stack. Thread ids are the host's, so kill and tgkill pass through.

Synchronous signals (SIGSEGV...) never have a host handler: the guest's faults come from the softmmu, and a real host fault must end the process. The one
exception is that of ``runtime.faults``.
"""

from __future__ import annotations

import os
from struct import Struct

from dbt.abi.exits import FAULT_UNMAPPED, FAULT_WRITE, REQUEST_SIGNAL
from runtime import faults
from runtime.linux.abi import NO_FAULT, Fault
from runtime.linux.hoststub import BLOCK_HEAD, BLOCK_RING, BLOCK_TAIL, RING_ENTRIES, RING_ENTRY_BYTES
from runtime.linux.siginfo import fault_siginfo, guest_siginfo

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from typing import NoReturn

    from runtime.linux.host import Host
    from runtime.linux.threads import Thread

SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL = 1, 2, 3, 4, 5, 6, 7, 8, 9
SIGSEGV, SIGPIPE, SIGCHLD, SIGCONT, SIGSTOP, SIGURG, SIGXFSZ, SIGWINCH = 11, 13, 17, 18, 19, 23, 25, 28
NSIG = 64
SYNCHRONOUS = frozenset((SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV))
_IGNORED_BY_DEFAULT = frozenset((SIGCHLD, SIGCONT, SIGURG, SIGWINCH))
SIG_DFL, SIG_IGN = 0, 1
SA_SIGINFO, SA_ONSTACK, SA_RESTART, SA_NODEFER, SA_RESETHAND, SA_RESTORER = 4, 0x08000000, 0x10000000, 0x40000000, 0x80000000, 0x04000000
_SA_NOCLDSTOP, _SA_NOCLDWAIT = 1, 2
SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK = 0, 1, 2
SS_ONSTACK, SS_DISABLE = 1, 2
SI_USER, SI_TKILL, SI_KERNEL = 0, -6 & 0xFFFFFFFF, 0x80
UNBLOCKABLE = 1 << SIGKILL - 1 | 1 << SIGSTOP - 1
ALL = (1 << 64) - 1
SEGV_MAPERR, SEGV_ACCERR, BUS_ADRALN, BUS_ADRERR, ILL_ILLOPC, ILL_ILLOPN, TRAP_BRKPT, FPE_INTDIV = 1, 2, 1, 2, 1, 2, 1, 1

_HOST_ACTION = Struct("<QQQQ")  # handler, flags, restorer, mask
_NAMES = (
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP",
    "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
)  # fmt: skip


def signal_name(number: int) -> str:
    return f"SIG{_NAMES[number - 1]}" if 0 < number <= len(_NAMES) else f"SIGRT{number}"


def bit(signo: int) -> int:
    return 1 << signo - 1


class Action:
    """A guest's struct sigaction."""

    __slots__ = ("handler", "flags", "restorer", "mask")

    def __init__(self, handler: int = SIG_DFL, flags: int = 0, restorer: int = 0, mask: int = 0) -> None:
        self.handler, self.flags, self.restorer, self.mask = handler, flags, restorer, mask


class SignalTable:
    """The process's dispositions."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._actions: dict[int, Action] = {}
        import ctypes

        self._buffer = ctypes.create_string_buffer(_HOST_ACTION.size)
        self._buffer_at = ctypes.addressof(self._buffer)
        self._rt_sigaction = host.nr["rt_sigaction"]

    def adopt(self, ignored: frozenset[int] = frozenset()) -> None:
        """Undo what Python did to the inherited dispositions: it ignores SIGPIPE and SIGXFSZ, and handles SIGINT. *ignored*: those that really were ignored."""
        for signo in (SIGPIPE, SIGXFSZ):
            self._to_host(signo, SIG_IGN if signo in ignored else SIG_DFL)
        if self._host_handler(SIGINT) != SIG_IGN:
            self._to_host(SIGINT, SIG_DFL)

    def ignored(self) -> list[int]:
        """Signals of ``adopt`` that are ignored now: a new program image must be told."""
        return [signo for signo in (SIGPIPE, SIGXFSZ) if self.get(signo).handler == SIG_IGN]

    def forget_handlers(self) -> None:
        """execve: handled signals are back to SIG_DFL, ignored ones stay ignored."""
        for signo, action in list(self._actions.items()):
            if action.handler > SIG_IGN:
                self.set(signo, Action())

    def get(self, signo: int) -> Action:
        action = self._actions.get(signo)
        if action is None:
            action = Action(SIG_IGN if self._host_handler(signo) == SIG_IGN else SIG_DFL)
            self._actions[signo] = action
        return action

    def set(self, signo: int, action: Action) -> None:
        self._actions[signo] = action
        if action.handler in (SIG_DFL, SIG_IGN):
            self._to_host(signo, action.handler, action.flags & (_SA_NOCLDSTOP | _SA_NOCLDWAIT))
        elif signo not in SYNCHRONOUS:
            self._to_host(signo, self.host.handler, SA_SIGINFO | SA_RESTORER | action.flags & (_SA_NOCLDSTOP | _SA_NOCLDWAIT))
        else:
            self._to_host(signo, SIG_DFL)

    def _to_host(self, signo: int, handler: int, flags: int = 0) -> None:
        if faults.owns(signo):  # this one is handled for compiled code, and sees to both dispositions
            faults.ignore_sent(handler == SIG_IGN)
            return
        _HOST_ACTION.pack_into(self._buffer, 0, handler, flags | SA_RESTORER, self.host.restorer, ALL)
        self.host.quick(self._rt_sigaction, signo, self._buffer_at, 0, 8)

    def _host_handler(self, signo: int) -> int:
        self.host.quick(self._rt_sigaction, signo, 0, self._buffer_at, 8)
        return int.from_bytes(self._buffer.raw[:8], "little")


class ThreadSignals:
    """The signals of one thread: its mask, the records that wait for delivery, its alternate stack."""

    def __init__(self, thread: Thread, mask: int) -> None:
        self.thread = thread
        self.mask = mask
        self.applied = mask  # the host's mask
        self.saved_mask: int | None = None  # to restore after a handler that interrupted sigsuspend, ppoll...
        self.waiting: list[tuple[int, bytes]] = []  # (signal, guest siginfo), oldest first
        self.altstack = (0, SS_DISABLE, 0)  # ss_sp, ss_flags, ss_size

    # Masks

    def set_mask(self, mask: int) -> None:
        """The thread's new mask, on the host too."""
        self.mask = mask & ~UNBLOCKABLE
        self.apply_mask(self.mask)
        if self.waiting:  # one of them may be deliverable now
            self.thread.vcpu.request(REQUEST_SIGNAL)

    def apply_mask(self, mask: int) -> None:
        """Set the host's mask alone."""
        t = self.thread
        self.applied = mask
        t.scratch[:8] = (mask & ~UNBLOCKABLE).to_bytes(8, "little")
        t.host.quick(t.nr_sigprocmask, SIG_SETMASK, t.scratch_at, 0, 8)

    # Records

    def collect(self) -> None:
        """Move the records of the signal block to ``waiting``; a standard signal waits once. A full ring has all signals blocked on the host."""
        import ctypes

        block = self.thread.block
        head = ctypes.c_uint64.from_address(block + BLOCK_HEAD)
        tail = ctypes.c_uint64.from_address(block + BLOCK_TAIL)
        while tail.value != head.value:
            first = tail.value
            while tail.value != head.value:
                entry = block + BLOCK_RING + tail.value % RING_ENTRIES * RING_ENTRY_BYTES
                record = ctypes.string_at(entry, RING_ENTRY_BYTES)
                tail.value += 1
                self.queue(int.from_bytes(record[:4], "little"), guest_siginfo(self.thread.abi.word, record))
            if tail.value - first >= RING_ENTRIES:  # else the ring was never full meanwhile
                self.apply_mask(self.applied)  # and those that the kernel kept come now

    def queue(self, signo: int, siginfo: bytes) -> None:
        if signo >= 32 or all(signo != waiting for waiting, _ in self.waiting):
            self.waiting.append((signo, siginfo))

    def take(self, signals: int) -> tuple[int, bytes] | None:
        """Remove and return the first waiting signal of the set *signals*."""
        for i, (signo, _) in enumerate(self.waiting):
            if signals & bit(signo):
                return self.waiting.pop(i)
        return None

    @property
    def pending(self) -> int:
        self.collect()
        found = 0
        for signo, _ in self.waiting:
            found |= bit(signo)
        return found

    # Delivery

    def deliver(self) -> bool:
        """Start the handlers of all waiting signals that are not blocked; True if there was one. The handler that is entered last runs first."""
        self.collect()
        entered = False
        while (found := self.take(~self.mask & ALL)) is not None:
            signo, siginfo = found
            action = self.thread.process.signals.get(signo)
            if action.handler == SIG_IGN or action.handler == SIG_DFL and signo in _IGNORED_BY_DEFAULT:
                continue
            if action.handler == SIG_DFL:
                die(self.thread, signo)
            self.enter(signo, siginfo, action, NO_FAULT)
            entered = True
        if self.saved_mask is not None and not entered:
            self.set_mask(self.saved_mask)
            self.saved_mask = None
        return entered

    def raise_fault(self, fault: Fault) -> None:
        """A synchronous signal at the vCPU's present pc. Blocked or ignored, it kills."""
        signo = fault.signo
        action = self.thread.process.signals.get(signo)
        if action.handler in (SIG_DFL, SIG_IGN) or self.mask & bit(signo):
            die(self.thread, signo, fault.where or fault.address)
        self.enter(signo, fault_siginfo(self.thread.abi.word, fault), action, fault)

    def on_altstack(self, sp: int) -> bool:
        base, _, size = self.altstack
        return bool(size) and base <= sp - 1 < base + size

    def shown_altstack(self, sp: int) -> tuple[int, int, int]:
        """The alternate stack as sigaltstack and a frame show it to code whose stack pointer is *sp*."""
        base, _, size = self.altstack
        return base, SS_DISABLE if not size else SS_ONSTACK if self.on_altstack(sp) else 0, size

    def enter(self, signo: int, siginfo: bytes, action: Action, fault: Fault) -> None:
        """Push the frame and let the vCPU start the handler."""
        t = self.thread
        t.settle_restart(action)
        before = sp = t.regs[t.abi.sp]
        base, flags, size = self.altstack
        if action.flags & SA_ONSTACK and not flags & SS_DISABLE and not self.on_altstack(sp):
            sp = base + size
        old = self.mask if self.saved_mask is None else self.saved_mask
        self.saved_mask = None
        pc = t.vcpu.pc
        try:
            t.abi.enter_handler(t, signo, siginfo, action, old, self.shown_altstack(before), fault, sp)
        except t.GuestFault as missing:
            overflow = t.abi.memory_fault(FAULT_WRITE | FAULT_UNMAPPED, missing.address)
            if signo == SIGSEGV or self.mask & bit(SIGSEGV) or t.process.signals.get(SIGSEGV).handler <= SIG_IGN:
                die(t, SIGSEGV, overflow.where)
            self.enter(SIGSEGV, fault_siginfo(t.abi.word, overflow), t.process.signals.get(SIGSEGV), overflow)
            return
        if t.process.on_signal is not None:
            t.process.on_signal(self, signo, siginfo, action, pc)
        if action.flags & SA_RESETHAND:
            t.process.signals.set(signo, Action())
        t.vcpu.clear_reservation()
        mask = self.mask | action.mask
        if not action.flags & SA_NODEFER:
            mask |= bit(signo)
        self.set_mask(mask)

    def sigreturn(self, rt: bool) -> None:
        """Undo ``enter``: all registers, the mask and the alternate stack come from the frame."""
        t = self.thread
        try:
            mask, stack = t.abi.leave_handler(t, rt)
        except t.GuestFault as missing:
            self.raise_fault(t.abi.memory_fault(FAULT_UNMAPPED, missing.address))
            return
        if not stack[1] & SS_ONSTACK:
            self.altstack = (stack[0], stack[1] & SS_DISABLE, stack[2])
        self.set_mask(mask)


def die(thread: Thread, signo: int, address: int | None = None) -> NoReturn:
    """End the process with *signo*, so that its parent sees it, after one line for the user."""
    if address is not None:
        text = f"dbt: {os.fsdecode(thread.process.exe)}: {signal_name(signo)} at pc {thread.vcpu.pc:#x}, address {address:#x}\n"
        os.write(2, text.encode(errors="replace"))
    thread.process.before_exit()
    thread.process.release_robust()
    host = thread.host
    thread.process.signals.set(signo, Action())
    _no_core()
    thread.signals.apply_mask(ALL & ~bit(signo))
    host.quick(host.nr["kill"], os.getpid(), signo)
    os._exit(128 + signo)


def _no_core() -> None:
    """The host process reserves the guest's whole address space: no core file of that."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
