"""i386: registers, memory map, structures, signal frames (arch/x86/kernel/signal_32.c)."""

from __future__ import annotations

from struct import Struct

from dbt.abi.x86 import DESCRIPTORS, USER_CS_32, USER_DS
from dbt.abi.x86_features import feature_bits
from runtime.linux.abi import MemoryMap
from runtime.linux.mm import PROT_EXEC, PROT_READ
from runtime.linux.signals import SA_RESTORER, SA_SIGINFO
from runtime.linux.x86.abi import HANDLER_CLEARS, X86Abi

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.abi import Fault
    from runtime.linux.mm import AddressSpace
    from runtime.linux.signals import Action
    from runtime.linux.syscalls.rows import Row
    from runtime.linux.threads import Thread
    from runtime.vcpu import VCpu

_LOW = 0xFFFFFFFF
# Where a handler without SA_RESTORER returns to. Unwinders know these bytes: pop %eax; mov $119,%eax; int $0x80, and mov $173,%eax; int $0x80.
KERNEL_PAGE = 0xFFFFE000
_SIGRETURN = bytes.fromhex("58b877000000cd80")
_RT_SIGRETURN = bytes.fromhex("b8ad000000cd80")
_SIGRETURN_AT, _RT_SIGRETURN_AT = KERNEL_PAGE + 0x400, KERNEL_PAGE + 0x410

# struct sigcontext: gs fs es ds, di si bp sp bx dx cx ax, trapno err ip cs flags sp_at_signal ss fpstate oldmask cr2
_SIGCONTEXT = Struct("<22I")
_GENERAL = ("edi", "esi", "ebp", "esp", "ebx", "edx", "ecx", "eax")
_SEGMENTS = ("gs", "fs", "es", "ds")
_FNSAVE_BYTES = 112  # struct _fpstate_32 up to its FXSAVE part: FNSAVE's 108 bytes, status, magic
_FPSTATE_BYTES = _FNSAVE_BYTES + 512
_FXSR_MAGIC = 0  # the FXSAVE part is there
_FRAME = Struct("<II")  # return address, signal
_RT_FRAME = Struct("<IIII")  # return address, signal, addresses of siginfo and ucontext
_EXTRA_MASK = Struct("<I")
_UCONTEXT_HEAD = Struct("<5I")  # flags, link, ss_sp, ss_flags, ss_size
_MASK_BYTES = 8
_RETCODE_BYTES = 8
_FRAME_BYTES = _FRAME.size + _SIGCONTEXT.size + _FPSTATE_BYTES + _EXTRA_MASK.size + _RETCODE_BYTES
_INFO_AT = _RT_FRAME.size
_CONTEXT_AT = _INFO_AT + 128
_UCONTEXT_BYTES = _UCONTEXT_HEAD.size + _SIGCONTEXT.size + _MASK_BYTES
_RT_FRAME_BYTES = _CONTEXT_AT + _UCONTEXT_BYTES + _RETCODE_BYTES


class I386Abi(X86Abi):
    arch = "i386"
    machine = "i686"
    platform = b"i686"
    hwcap = feature_bits("edx")
    word, word_code = 4, "I"

    first_register, register_count = "eax", 8
    arguments = (3, 1, 2, 6, 7, 5)  # ebx ecx edx esi edi ebp
    native_registers = ("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "eax")
    stack_pointer = "esp"
    code_selector = USER_CS_32
    data_selectors = ("ds", "es", "ss")

    flock, flock64 = Struct("<hhiii"), Struct("<hhqqi")
    epoll_event = Struct("<IQ")
    stat = Struct("<Q4xIIIIIQ4xqIQIIIIIIQ")  # arch/x86/include/uapi/asm/stat.h: 96 bytes

    def rows(self) -> dict[int, Row]:
        from runtime.linux.x86.i386_syscalls import ROWS

        return ROWS

    def memory_map(self, size: int) -> MemoryMap:
        """As with a 3 GiB / 1 GiB split."""
        return MemoryMap(limit=0xC0000000, stack_top=0xC0000000, pie_base=0x56555000)

    def set_tls(self, thread: Thread, tls: int) -> int:
        from runtime.linux.x86.descriptors import read_descriptor, set_descriptor

        return min(set_descriptor(thread, read_descriptor(thread, tls)), 0)

    def start(self, vcpu: VCpu, entry: int, sp: int) -> None:
        from runtime.linux.x86.descriptors import put_segment

        for name in ("fs", "gs"):
            put_segment(vcpu, name, 0, (0, 0, 0))
        super().start(vcpu, entry, sp)

    def flat_segments(self, vcpu: VCpu) -> None:
        from runtime.linux.x86.descriptors import put_segment

        super().flat_segments(vcpu)
        for name in self.data_selectors:
            put_segment(vcpu, name, USER_DS, (0, DESCRIPTORS[USER_DS][1], DESCRIPTORS[USER_DS][0]))

    def map_kernel_pages(self, space: AddressSpace) -> None:
        page = bytearray(4096)
        for at, code in ((_SIGRETURN_AT, _SIGRETURN), (_RT_SIGRETURN_AT, _RT_SIGRETURN)):
            page[at - KERNEL_PAGE : at - KERNEL_PAGE + len(code)] = code
        space.map_high(KERNEL_PAGE, bytes(page), PROT_READ | PROT_EXEC, b"[sigreturn]")

    def enter_handler(
        self, thread: Thread, signo: int, siginfo: bytes, action: Action, mask: int, stack: tuple[int, int, int], fault: Fault, sp: int
    ) -> None:
        from runtime.linux.x86.fxsave import FXSAVE_BYTES, fnsave, fxsave, initialise

        vcpu, memory = thread.vcpu, thread.memory
        rt = bool(action.flags & SA_SIGINFO)
        fpstate = (sp - FXSAVE_BYTES & -64) - _FNSAVE_BYTES
        status = vcpu.get("fsw")
        memory.write(fpstate & _LOW, fnsave(vcpu) + Struct("<HH").pack(status, _FXSR_MAGIC) + fxsave(vcpu))
        at = (fpstate - (_RT_FRAME_BYTES if rt else _FRAME_BYTES) + 4 & -16) - 4 & _LOW
        context = _SIGCONTEXT.pack(
            *[vcpu.get(name) for name in (*_SEGMENTS, *_GENERAL)], fault.trap, fault.error, vcpu.pc, vcpu.get("cs"), self.get_flags(vcpu), vcpu.get("esp"),
            vcpu.get("ss"), fpstate, mask & _LOW, fault.where,
        )  # fmt: skip
        restorer = action.restorer if action.flags & SA_RESTORER else _RT_SIGRETURN_AT if rt else _SIGRETURN_AT
        info_at, context_at = (at + _INFO_AT, at + _CONTEXT_AT) if rt else (0, 0)
        if rt:
            head = _RT_FRAME.pack(restorer, signo, info_at, context_at) + siginfo
            frame = head + _UCONTEXT_HEAD.pack(0, 0, *stack) + context + mask.to_bytes(_MASK_BYTES, "little") + _RT_SIGRETURN
        else:
            frame = _FRAME.pack(restorer, signo) + context + bytes(_FPSTATE_BYTES) + _EXTRA_MASK.pack(mask >> 32) + _SIGRETURN
        memory.write(at, frame)
        for name, value in (("eax", signo), ("edx", info_at), ("ecx", context_at), ("esp", at)):
            vcpu.put(name, value)
        self.flat_segments(vcpu)
        initialise(vcpu)
        self.put_flags(vcpu, self.get_flags(vcpu) & ~HANDLER_CLEARS)
        vcpu.pc = action.handler

    def leave_handler(self, thread: Thread, rt: bool) -> tuple[int, tuple[int, int, int]]:
        """The stack pointer is where the return address was: behind it for rt_sigreturn, and behind the signal too for sigreturn, whose code pops it."""
        from runtime.linux.x86.descriptors import load_segment

        vcpu, memory = thread.vcpu, thread.memory
        at = vcpu.get("esp") - (4 if rt else _FRAME.size) & _LOW
        if rt:
            ucontext = memory.read(at + _CONTEXT_AT, _UCONTEXT_BYTES)
            _, _, *stack = _UCONTEXT_HEAD.unpack_from(ucontext)
            context = ucontext[_UCONTEXT_HEAD.size :]
            mask = int.from_bytes(context[_SIGCONTEXT.size : _SIGCONTEXT.size + _MASK_BYTES], "little")
        else:
            context = memory.read(at + _FRAME.size, _SIGCONTEXT.size)
            stack = list(thread.signals.altstack)
            (high,) = _EXTRA_MASK.unpack(memory.read(at + _FRAME.size + _SIGCONTEXT.size + _FPSTATE_BYTES, _EXTRA_MASK.size))
            mask = high << 32
        fields = _SIGCONTEXT.unpack_from(context)
        fpstate, oldmask = fields[19], fields[20]
        self._restore_fpu(thread, fpstate)
        for name, value in zip(_GENERAL, fields[4:12], strict=True):
            vcpu.put(name, value)
        for name, value in (*zip(_SEGMENTS, fields[:4], strict=True), ("ss", fields[18])):
            load_segment(thread, name, value & 0xFFFF)
        self.restore_flags(vcpu, fields[16])
        vcpu.pc = fields[14]
        return mask & ~_LOW | oldmask, (stack[0], stack[1], stack[2])

    def _restore_fpu(self, thread: Thread, fpstate: int) -> None:
        from runtime.linux.x86.fxsave import FXSAVE_BYTES, fxrstor, initialise

        if fpstate:
            fxrstor(thread.vcpu, thread.memory.read(fpstate + _FNSAVE_BYTES, FXSAVE_BYTES))
        else:
            initialise(thread.vcpu)

    def pack_stat(self, device: int, ino: int, mode: int, nlink: int, uid: int, gid: int, rdevice: int, size: int, blksize: int, blocks: int,
                  times: tuple[int, ...]) -> bytes:
        return self.stat.pack(device, ino & _LOW, mode, nlink, uid, gid, rdevice, size, blksize, blocks, *[n & _LOW for n in times], ino)


I386 = I386Abi()
