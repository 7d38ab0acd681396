"""ARM signal frames on the guest's stack, as the kernel's arch/arm/kernel/signal.c lays them out (sizes in bytes).

``rt_sigframe`` = siginfo (128), then ``sigframe`` = ucontext (744: flags, link, stack, sigcontext, sigmask, padding, register space of 512), return
code (16). The register space holds tagged blocks; ours is VFP, then a zero word.
"""

from __future__ import annotations

from struct import Struct

from dbt.abi import fpscr
from dbt.abi.arm import MODE_BIG_ENDIAN, MODE_IT_SHIFT, MODE_THUMB
from runtime.linux.arm.kuser import sigreturn_entry
from runtime.linux.signals import SA_RESTORER, SA_SIGINFO

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.abi import Fault
    from runtime.linux.signals import Action
    from runtime.linux.threads import Thread
    from runtime.memory import GuestMemory
    from runtime.vcpu import VCpu

SIGINFO_BYTES = 128
UCONTEXT_BYTES = 744
RETCODE_BYTES = 16
_HEAD = Struct("<5I")  # uc_flags, uc_link, ss_sp, ss_flags, ss_size
_SIGCONTEXT = Struct("<21I")  # trap_no, error_code, oldmask, r0-r15, cpsr, fault_address
_SIGMASK_OFFSET = 104
_REGSPACE_OFFSET = 232
_VFP = Struct("<II32QI4x3I4x")  # magic, size, d0-d31, fpscr, fpexc, fpinst, fpinst2
_VFP_MAGIC = 0x56465001
_FPEXC_EN = 0x40000000
_CPSR_USER = 0x10
_NO_SIGINFO_FLAGS = 0x5AC3C35A  # uc_flags of a frame without siginfo


def get_cpsr(vcpu: VCpu) -> int:
    """The user's CPSR: flags, Q, GE, IT state, E and T."""
    mode = vcpu.mode
    it = mode >> MODE_IT_SHIFT & 0xFF
    return (
        (vcpu.get("nf") & 0x80000000)
        | (vcpu.get("zf") == 0) << 30
        | (vcpu.get("cf") & 1) << 29
        | (vcpu.get("vf") & 1) << 28
        | (vcpu.get("qf") & 1) << 27
        | (vcpu.get("ge") & 15) << 16
        | (it & 3) << 25
        | (it >> 2) << 10
        | (0x200 if mode & MODE_BIG_ENDIAN else 0)
        | (0x20 if mode & MODE_THUMB else 0)
        | _CPSR_USER
    )


def put_cpsr(vcpu: VCpu, cpsr: int) -> None:
    vcpu.put("nf", cpsr & 0x80000000)
    vcpu.put("zf", 0 if cpsr & 1 << 30 else 1)
    vcpu.put("cf", cpsr >> 29 & 1)
    vcpu.put("vf", cpsr >> 28 & 1)
    vcpu.put("qf", cpsr >> 27 & 1)
    vcpu.put("ge", cpsr >> 16 & 15)
    it = (cpsr >> 25 & 3) | (cpsr >> 10 & 0x3F) << 2
    vcpu.mode = (MODE_THUMB if cpsr & 0x20 else 0) | (MODE_BIG_ENDIAN if cpsr & 0x200 else 0) | (it << MODE_IT_SHIFT if cpsr & 0x20 else 0)


def get_fpscr(vcpu: VCpu) -> int:
    return vcpu.get("fpscr_nzcv") | vcpu.get("fpscr_ctl") | vcpu.get("fp_flags")


def put_fpscr(vcpu: VCpu, value: int) -> None:
    """Write all parts of FPSCR."""
    for slot, part in fpscr.parts(value).items():
        vcpu.put(slot, part)


def push_frame(
    memory: GuestMemory, vcpu: VCpu, sp: int, siginfo: bytes | None, mask: int, stack: tuple[int, int, int], fault: Fault
) -> tuple[int, int, int]:
    """Write a frame below *sp* that resumes at the vCPU's present state. *siginfo* (128 bytes) for handlers with SA_SIGINFO. Returns (new sp, address of
    siginfo, address of ucontext); GuestFault if the stack is not writable."""
    size = UCONTEXT_BYTES + RETCODE_BYTES + (SIGINFO_BYTES if siginfo is not None else 0)
    sp = (sp - size) & ~7 & 0xFFFFFFFF
    context = bytearray(UCONTEXT_BYTES)
    _HEAD.pack_into(context, 0, 0 if siginfo is not None else _NO_SIGINFO_FLAGS, 0, *stack)
    registers = [vcpu.get(f"r{i}") for i in range(15)]
    _SIGCONTEXT.pack_into(context, _HEAD.size, fault.trap, fault.error, mask & 0xFFFFFFFF, *registers, vcpu.pc, get_cpsr(vcpu), fault.where)
    context[_SIGMASK_OFFSET : _SIGMASK_OFFSET + 8] = mask.to_bytes(8, "little")
    doubles = [vcpu.get(f"d{i}") for i in range(32)]
    _VFP.pack_into(context, _REGSPACE_OFFSET, _VFP_MAGIC, _VFP.size, *doubles, get_fpscr(vcpu), _FPEXC_EN, 0, 0)
    at = sp
    if siginfo is not None:
        memory.write(sp, siginfo)
        at = sp + SIGINFO_BYTES
    memory.write(at, bytes(context))
    return sp, sp, at


def enter_handler(
    thread: Thread, signo: int, siginfo: bytes, action: Action, mask: int, stack: tuple[int, int, int], fault: Fault, sp: int
) -> None:
    """See ``runtime.linux.abi.Abi.enter_handler``."""
    vcpu = thread.vcpu
    rt = bool(action.flags & SA_SIGINFO)
    sp, info_at, context_at = push_frame(thread.memory, vcpu, sp, siginfo if rt else None, mask, stack, fault)
    thumb = bool(action.handler & 1)
    vcpu.put("r0", signo)
    if rt:
        vcpu.put("r1", info_at)
        vcpu.put("r2", context_at)
    vcpu.put("r13", sp)
    vcpu.put("r14", action.restorer if action.flags & SA_RESTORER else sigreturn_entry(thumb, rt))
    vcpu.pc = action.handler & (~1 if thumb else ~3)
    vcpu.mode = MODE_THUMB if thumb else 0


def pop_frame(memory: GuestMemory, vcpu: VCpu, rt: bool) -> tuple[int, tuple[int, int, int]]:
    """Restore the vCPU from the frame at its sp; returns (signal mask, alternate stack). GuestFault if it cannot be read."""
    at = vcpu.get("r13") + (SIGINFO_BYTES if rt else 0)
    context = memory.read(at, UCONTEXT_BYTES)
    fields = _SIGCONTEXT.unpack_from(context, _HEAD.size)
    for i in range(15):
        vcpu.put(f"r{i}", fields[3 + i])
    put_cpsr(vcpu, fields[19])
    vcpu.pc = fields[18] & ~1 if fields[19] & 0x20 else fields[18] & ~3
    magic, size, *rest = _VFP.unpack_from(context, _REGSPACE_OFFSET)
    if magic == _VFP_MAGIC and size == _VFP.size:
        for i in range(32):
            vcpu.put(f"d{i}", rest[i])
        put_fpscr(vcpu, rest[32])
    _, _, *stack = _HEAD.unpack_from(context, 0)
    mask = int.from_bytes(context[_SIGMASK_OFFSET : _SIGMASK_OFFSET + 8], "little")
    return mask, (stack[0], stack[1], stack[2])
