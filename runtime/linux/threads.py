"""Guest threads: a host thread each, with a vCPU, a signal state and the loop that serves the vCPU's exits."""

from __future__ import annotations

import ctypes
import errno
import os
from _thread import allocate_lock, start_new_thread

from dbt.abi.cpu import header
from dbt.abi.exits import EXCEPTIONS, FAULT_WRITE, REQUEST_SIGNAL, REQUEST_STOP, Exit
from dbt.abi.syscalls import ERESTART_RESTARTBLOCK, ERESTARTSYS
from runtime.linux.errors import ThreadExit
from runtime.linux.hoststub import BLOCK_HEAD, BLOCK_REQUEST, BLOCK_TAIL, BLOCK_TID
from runtime.linux.mm import PROT_EXEC, PROT_READ, PROT_WRITE
from runtime.linux.signals import ALL, BUS_ADRERR, SEGV_ACCERR, SEGV_MAPERR, SIGBUS, SIGSEGV, Action, ThreadSignals
from runtime.memory import GuestFault

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.abi import Fault
    from runtime.linux.process import Process
    from runtime.linux.x86.descriptors import Descriptor
    from runtime.vcpu import VCpu

SCRATCH_BYTES = 65536
EINTR = errno.EINTR
_INTERRUPTIONS = (-EINTR, -ERESTARTSYS, -ERESTART_RESTARTBLOCK)
SA_RESTART = 0x10000000
_REQUEST_OFFSET = header().offset("request")
_NAME_OF_EXCEPTION = {number: name for name, (number, _) in EXCEPTIONS.items()}

CLONE_VM, CLONE_VFORK, CLONE_THREAD, CLONE_SETTLS = 0x100, 0x4000, 0x10000, 0x80000
CLONE_PARENT_SETTID, CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID = 0x100000, 0x200000, 0x1000000
CLONE_SIGHAND = 0x800
_CLONE_NEW = 0x7E020080  # new namespaces


class Thread:
    """A guest thread. Syscall handlers get it as their first argument."""

    GuestFault = GuestFault

    def __init__(self, process: Process, vcpu: VCpu, mask: int) -> None:
        self.process = process
        self.host = process.host
        self.memory = process.memory
        self.base: int = process.memory.base
        self.limit: int = process.memory.size  # guest addresses end here
        self.vcpu = vcpu
        self.abi = abi = process.abi
        cells = (ctypes.c_uint64 * abi.register_count).from_address(vcpu.address + vcpu.layout.offset(abi.first_register))
        self.regs = memoryview(cells).cast("B").cast("Q")
        self.request_at = vcpu.address + _REQUEST_OFFSET
        self._scratch = (ctypes.c_uint8 * SCRATCH_BYTES)()
        self.scratch = memoryview(self._scratch).cast("B")  # for structures that the host kernel reads or writes
        self.scratch_at = ctypes.addressof(self._scratch)
        self.nr_sigprocmask = self.host.nr["rt_sigprocmask"]
        self.tid = 0
        self.leaving = False  # has ended for the guest, but still uses its memory
        self.block = 0
        self.clear_tid = 0  # CLONE_CHILD_CLEARTID
        self.robust_list = 0
        self.descriptors: list[Descriptor] = []  # set_thread_area's, by entry (i386)
        self.restart: tuple[int, bool, int] | None = None  # interrupted syscall: (result register before it, restartable, its result)
        self.signals = ThreadSignals(self, mask)

    def call(self, nr: int, a: int = 0, b: int = 0, c: int = 0, d: int = 0, e: int = 0, f: int = 0) -> int:
        """A host syscall that a signal interrupts, also just before it starts: then -EINTR or -ERESTARTSYS."""
        return self.host.call(nr, a, b, c, d, e, f, self.request_at)  # type: ignore[no-any-return]

    # Life

    def bind(self) -> None:
        """Make the calling host thread this guest thread. Signals are blocked while this runs, or none is handled yet."""
        self.tid = self.host.quick(self.host.nr["gettid"])
        if not self.block:
            self.block = self.process.take_block()
        for offset, value in ((BLOCK_REQUEST, self.request_at), (BLOCK_HEAD, 0), (BLOCK_TAIL, 0), (BLOCK_TID, self.tid)):
            ctypes.c_uint64.from_address(self.block + offset).value = value

    def clone(self, flags: int, stack: int, parent_tid: int, tls: int, child_tid: int) -> int:
        """clone with CLONE_VM and CLONE_THREAD: the new thread's id, or -errno."""
        if flags & _CLONE_NEW or not flags & CLONE_SIGHAND:
            return -errno.EINVAL
        vcpu = self.process.engine.new_vcpu()
        vcpu.clone_from(self.vcpu)
        old_mask = self.signals.mask
        self.signals.apply_mask(ALL)
        child = Thread(self.process, vcpu, old_mask)
        failed = child.become_clone(self, flags, stack, tls)
        if failed:
            self.signals.apply_mask(old_mask)
            self.process.engine.free_vcpu(vcpu)
            return failed
        if flags & CLONE_CHILD_CLEARTID:
            child.clear_tid = child_tid
        ready = allocate_lock()
        ready.acquire()

        def main() -> None:
            child.bind()
            self.process.threads[child.tid] = child
            ready.release()
            with go:
                pass
            child.signals.apply_mask(old_mask)
            child.main()

        go = allocate_lock()
        go.acquire()
        try:
            start_new_thread(main, ())
        except RuntimeError:
            self.signals.apply_mask(old_mask)
            self.process.engine.free_vcpu(vcpu)
            return -errno.EAGAIN
        ready.acquire()
        try:
            if flags & CLONE_PARENT_SETTID:
                self.memory.put_u32(parent_tid, child.tid)
            if flags & CLONE_CHILD_SETTID:
                self.memory.put_u32(child_tid, child.tid)
        except GuestFault:
            pass  # as in the kernel: the store is lost, the thread runs
        tid = child.tid
        go.release()
        self.signals.apply_mask(old_mask)
        return tid

    def become_clone(self, parent: Thread, flags: int, stack: int, tls: int) -> int:
        """What clone makes of a copy of *parent* (or of itself, after a fork): 0 or -errno."""
        abi = self.abi
        self.descriptors = list(parent.descriptors)
        try:
            failed = abi.set_tls(self, tls) if flags & CLONE_SETTLS else 0
        except GuestFault:
            return -errno.EFAULT
        if not failed:
            self.regs[abi.result] = 0
            if stack:
                self.regs[abi.sp] = stack
        return failed

    def main(self) -> None:
        """A thread that is not the process's first: run until it ends."""
        try:
            self.run()
        except ThreadExit:
            self.leave()
        except BaseException:
            self.process.crash()

    def leave(self) -> None:
        """What the kernel does when a thread ends: robust futexes, the thread-id word, its pending signals."""
        from runtime.linux.futex import exit_robust_list, wake

        process = self.process
        self.leaving = True
        self.signals.apply_mask(ALL)
        process.native_calls += self.vcpu.get("native_calls")
        process.engine.free_vcpu(self.vcpu)
        exit_robust_list(self)
        if self.clear_tid:
            try:
                self.memory.put_u32(self.clear_tid, 0)
                wake(self, self.clear_tid, 1)
            except GuestFault:
                pass
        with process.lock:
            ctypes.c_uint64.from_address(self.block + BLOCK_TID).value = 0
            process.give_block(self.block)
            process.threads.pop(self.tid, None)
        process.thread_left()

    def after_fork(self) -> None:
        """In the child, on its only thread: a new thread id and no pending signals."""
        self.signals.waiting.clear()
        self.host.clear_bits(self.request_at, REQUEST_SIGNAL)
        self.bind()

    # The loop

    def run(self) -> None:
        """Serve the vCPU until ThreadExit or GuestExit."""
        process, vcpu, regs = self.process, self.vcpu, self.regs
        engine_run, handlers, resolve = process.engine.run, process.handlers, process.resolve
        syscall = Exit.SYSCALL
        number_in, result_in, mask = self.abi.number, self.abi.result, (1 << 8 * self.abi.word) - 1
        while True:
            reason = engine_run(vcpu)
            if reason != syscall:
                self.other_exit(reason)
                continue
            process.syscall_count += 1
            number = regs[number_in]
            entry = handlers.get(number) or resolve(number)
            first = regs[result_in]
            try:
                result = entry[0](self, *entry[1](regs))
            except GuestFault:
                result = -errno.EFAULT
            except OSError as e:
                result = -(e.errno or errno.EINVAL)
            if result is None:
                continue
            if result in _INTERRUPTIONS:
                self.interrupted(first, entry[2], result)
            else:
                regs[result_in] = result & mask

    def give_eintr(self) -> None:
        self.regs[self.abi.result] = -EINTR & (1 << 8 * self.abi.word) - 1

    def interrupted(self, first: int, restartable: bool, result: int) -> None:
        """A syscall ended early, or did not start, because of a signal: start the handlers, then restart it or give EINTR."""
        self.restart = (first, restartable and result != -ERESTART_RESTARTBLOCK, result)
        self.host.clear_bits(self.request_at, REQUEST_SIGNAL)
        self.signals.deliver()
        if self.restart is not None:  # no handler ran
            self.restart = None
            if result == -EINTR:
                self.give_eintr()
            else:
                self._rewind(first)

    def settle_restart(self, action: Action) -> None:
        """Before a handler's frame is made: what the interrupted syscall returns to. One that did not start comes after the handler, whatever it is: on
        a real machine the signal would have been delivered before it."""
        if self.restart is None:
            return
        first, restartable, result = self.restart
        self.restart = None
        if result == -ERESTARTSYS or restartable and action.flags & SA_RESTART:
            self._rewind(first)
        else:
            self.give_eintr()

    def _rewind(self, first: int) -> None:
        """Back to the system call's instruction, with what its result would have replaced."""
        self.regs[self.abi.result] = first
        self.abi.rewind(self.vcpu)

    def other_exit(self, reason: int) -> None:
        vcpu, signals = self.vcpu, self.signals
        if reason == Exit.REQUEST:
            request = ctypes.c_uint32.from_address(self.request_at).value
            if request & REQUEST_STOP:
                raise ThreadExit
            self.host.clear_bits(self.request_at, REQUEST_SIGNAL)
            signals.deliver()
        elif reason == Exit.INTERRUPTED:
            _, _, restartable = self.process.resolve(self.regs[self.abi.number])
            self.interrupted(self.regs[self.abi.result], restartable, vcpu.get("exit_arg") - (1 << 64))
        elif reason == Exit.MEMORY_FAULT:
            info = vcpu.get("fault_info")
            self._memory_fault(self.abi.access_fault(self, info, vcpu.get("fault_addr")), PROT_WRITE if info & FAULT_WRITE else PROT_READ)
        elif reason == Exit.FETCH_FAULT:
            address = vcpu.get("fault_addr")
            self._memory_fault(self.abi.fetch_fault(bool(self.memory.flags(address)), address), PROT_EXEC)
        elif reason == Exit.EXCEPTION:
            name = _NAME_OF_EXCEPTION.get(vcpu.get("exit_arg"), "undefined")
            if not self.abi.answer(self, name):
                signals.raise_fault(self.abi.exception(self, name, vcpu.get("exit_detail")))
        elif reason == Exit.YIELD:
            self.host.quick(self.host.nr["sched_yield"])
        elif reason == Exit.HALT:
            os.sched_yield()

    def _memory_fault(self, fault: Fault, need: int) -> None:
        """An access failed that needs protection *need*: its signal, unless it can be made again."""
        address, space = fault.where, self.process.space
        child_writes = self.process.child_writes
        if child_writes is not None and fault.code == SEGV_ACCERR and child_writes.open(address):
            return
        if fault.signo == SIGSEGV and fault.code == SEGV_MAPERR and space.find(address) is not None:  # mapped, but without any access
            beyond = space.beyond_file(address, need)
            if beyond is False:
                return
            fault.signo, fault.code = (SIGBUS, BUS_ADRERR) if beyond else (SIGSEGV, SEGV_ACCERR)
        self.signals.raise_fault(fault)
