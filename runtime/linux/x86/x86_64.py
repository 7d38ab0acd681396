"""x86-64: registers, memory map, structures, signal frames (arch/x86/kernel/signal_64.c)."""

from __future__ import annotations

import errno
from struct import Struct

from dbt.abi.memory import PAGE_SIZE
from dbt.abi.x86 import USER_CS_64
from dbt.abi.x86_features import feature_bits
from runtime.linux.abi import MemoryMap
from runtime.linux.signals import SA_RESTORER
from runtime.linux.x86.abi import HANDLER_CLEARS, X86Abi
from runtime.memory import GuestFault

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.abi import Fault
    from runtime.linux.signals import Action
    from runtime.linux.syscalls.rows import Row
    from runtime.linux.threads import Thread

_RED_ZONE = 128
# struct sigcontext: general registers, rip, flags, cs gs fs ss, err trapno oldmask cr2, fpstate
_GENERAL = ("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp")
_SIGCONTEXT = Struct("<18Q4H5Q64x")
_UCONTEXT_HEAD = Struct("<QQQi4xQ")  # flags, link, ss_sp, ss_flags, ss_size
_UC_SIGCONTEXT_SS = 6  # UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS
_RETURN_BYTES, _MASK_BYTES = 8, 8
_UCONTEXT_BYTES = _UCONTEXT_HEAD.size + _SIGCONTEXT.size + _MASK_BYTES
_INFO_AT = _RETURN_BYTES + _UCONTEXT_BYTES
_FRAME_BYTES = _INFO_AT + 128


class X8664Abi(X86Abi):
    arch = "x86_64"
    machine = "x86_64"
    platform = b"x86_64"
    hwcap = feature_bits("edx")
    word, word_code = 8, "Q"

    first_register, register_count = "rax", 16
    arguments = (7, 6, 2, 10, 8, 9)  # rdi rsi rdx r10 r8 r9
    native_registers = ("rax", "rdi", "rsi", "rdx", "r10", "r8", "r9", "rax")
    stack_pointer = "rsp"
    code_selector = USER_CS_64
    data_selectors = ("ss",)

    flock = flock64 = Struct("<hh4xqqi4x")
    epoll_event = Struct("<IQ")
    stat = Struct("<QQQIII4xQqqq6Q24x")  # arch/x86/include/uapi/asm/stat.h: 144 bytes

    def rows(self) -> dict[int, Row]:
        from runtime.linux.x86.x86_64_syscalls import ROWS

        return ROWS

    def memory_map(self, size: int) -> MemoryMap:
        """All of it but the last page; programs start at two thirds (ELF_ET_DYN_BASE)."""
        limit = size - PAGE_SIZE
        return MemoryMap(limit, limit, size // 3 * 2 & -PAGE_SIZE)

    def set_tls(self, thread: Thread, tls: int) -> int:
        if tls >= thread.process.space.limit:
            return -errno.EPERM
        thread.vcpu.put("fs_base", tls)
        return 0

    def clone_arguments(self, parent_tid: int, fourth: int, fifth: int) -> tuple[int, int, int]:
        return parent_tid, fifth, fourth

    def enter_handler(
        self, thread: Thread, signo: int, siginfo: bytes, action: Action, mask: int, stack: tuple[int, int, int], fault: Fault, sp: int
    ) -> None:
        """A handler needs SA_RESTORER: without it the frame counts as one that cannot be written, as in the kernel."""
        from runtime.linux.x86.fxsave import FXSAVE_BYTES, fxsave, initialise

        vcpu, memory = thread.vcpu, thread.memory
        if sp == vcpu.get("rsp"):
            sp -= _RED_ZONE
        fpstate = sp - FXSAVE_BYTES & -64
        at = (fpstate - _FRAME_BYTES & -16) - 8
        if not action.flags & SA_RESTORER or at < 0:
            raise GuestFault(at & (1 << 64) - 1, True)
        memory.write(fpstate, fxsave(vcpu))
        context = _SIGCONTEXT.pack(
            *[vcpu.get(name) for name in _GENERAL], vcpu.pc, self.get_flags(vcpu), *[vcpu.get(name) for name in ("cs", "gs", "fs", "ss")], fault.error,
            fault.trap, mask, fault.where, fpstate,
        )  # fmt: skip
        head = action.restorer.to_bytes(_RETURN_BYTES, "little") + _UCONTEXT_HEAD.pack(_UC_SIGCONTEXT_SS, 0, *stack)
        memory.write(at, head + context + mask.to_bytes(_MASK_BYTES, "little") + siginfo)
        for name, value in (("rdi", signo), ("rsi", at + _INFO_AT), ("rdx", at + _RETURN_BYTES), ("rax", 0), ("rsp", at)):
            vcpu.put(name, value)
        self.flat_segments(vcpu)
        initialise(vcpu)
        self.put_flags(vcpu, self.get_flags(vcpu) & ~HANDLER_CLEARS)
        vcpu.pc = action.handler

    def leave_handler(self, thread: Thread, rt: bool) -> tuple[int, tuple[int, int, int]]:
        """The stack pointer is behind the return address."""
        from runtime.linux.x86.fxsave import FXSAVE_BYTES, fxrstor, initialise

        vcpu, memory = thread.vcpu, thread.memory
        ucontext = memory.read(vcpu.get("rsp"), _UCONTEXT_BYTES)
        _, _, *stack = _UCONTEXT_HEAD.unpack_from(ucontext)
        fields = _SIGCONTEXT.unpack_from(ucontext, _UCONTEXT_HEAD.size)
        if fields[26]:
            fxrstor(vcpu, memory.read(fields[26], FXSAVE_BYTES))
        else:
            initialise(vcpu)
        for name, value in zip(_GENERAL, fields, strict=False):
            vcpu.put(name, value)
        self.restore_flags(vcpu, fields[17])
        vcpu.pc = fields[16]
        return int.from_bytes(ucontext[-_MASK_BYTES:], "little"), (stack[0], stack[1], stack[2])

    def pack_stat(self, device: int, ino: int, mode: int, nlink: int, uid: int, gid: int, rdevice: int, size: int, blksize: int, blocks: int,
                  times: tuple[int, ...]) -> bytes:
        return self.stat.pack(device, ino, nlink, mode, uid, gid, rdevice, size, blksize, blocks, *[n & (1 << 64) - 1 for n in times])


X86_64 = X8664Abi()
