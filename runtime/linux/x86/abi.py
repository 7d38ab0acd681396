"""What i386 and x86-64 have in common: faults, the structures of open and fcntl, /proc/cpuinfo."""

from __future__ import annotations

from dbt.abi.exits import FAULT_ALIGN, FAULT_NONCANONICAL, FAULT_UNMAPPED, FAULT_WRITE
from dbt.abi.x86 import (
    AC,
    AF,
    CF,
    DF,
    EFLAGS_FIXED,
    ERROR_CODE,
    FLAG_SLOTS,
    MODE_ALIGNED,
    MXCSR_MASKS_SHIFT,
    OF,
    PF,
    SF,
    TF,
    USER_DS,
    ZF,
    eflags,
    guest_mode,
    mxcsr,
    parts,
)
from dbt.abi.x86_features import BRAND, FEATURES, SIGNATURE, VENDOR
from runtime.linux.abi import Abi, Fault, OpenFlags
from runtime.linux.signals import BUS_ADRALN, FPE_INTDIV, ILL_ILLOPN, SEGV_ACCERR, SEGV_MAPERR, SI_KERNEL, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.threads import Thread
    from runtime.vcpu import VCpu

SYSCALL_BYTES = 2  # INT 80h and SYSCALL
HANDLER_CLEARS = DF | TF  # of EFLAGS, when a handler starts
_RESTORED = CF | PF | AF | ZF | SF | TF | DF | OF | AC  # of EFLAGS, when it returns (FIX_EFLAGS)
_FLAG_PARTS = (*FLAG_SLOTS, "df", "eflags")
# Exception vectors (SDM vol. 3A, 6.15), which signal frames show.
_DE, _DB, _BP, _OF, _BR, _UD, _NP, _SS, _GP, _PF, _MF, _AC, _XM = 0, 1, 3, 4, 5, 6, 11, 12, 13, 14, 16, 17, 19
# Error code of #PF (SDM vol. 3A, 4.7).
_PF_PRESENT, _PF_WRITE, _PF_USER, _PF_FETCH = 1, 2, 4, 16
_LAST_WORDS = (1 << 32) - 16  # where an access of 32-bit code may run over the end of its address space
_KERNEL_HALF = (1 << 17) - 1  # bits 47 to 63 of the kernel's addresses
# Guest exception -> signal, si_code, vector; si_addr is the pc where the last is True, else 0 (arch/x86/kernel/traps.c).
_EXCEPTIONS = {
    "undefined": (SIGILL, ILL_ILLOPN, _UD, True),
    "breakpoint": (SIGTRAP, SI_KERNEL, _BP, False),
    "divide": (SIGFPE, FPE_INTDIV, _DE, True),
    "protection": (SIGSEGV, SI_KERNEL, _GP, False),
    "alignment": (SIGBUS, BUS_ADRALN, _AC, False),
    "overflow": (SIGSEGV, SI_KERNEL, _OF, False),
    "bound": (SIGSEGV, SI_KERNEL, _BR, False),
    "fp": (SIGFPE, SI_KERNEL, _MF, True),
    "simd": (SIGFPE, SI_KERNEL, _XM, True),
    "stack": (SIGBUS, SI_KERNEL, _SS, False),
    "absent": (SIGBUS, SI_KERNEL, _NP, False),
    "debug": (SIGTRAP, SI_KERNEL, _DB, True),
}
# Floating-point exceptions (bits 0 to 5 of the x87 status word and of MXCSR)
# in the order in which the kernel looks, and their si_code: FLTINV, FLTDIV, FLTOVF, FLTUND (denormal too), FLTRES.
_FP_CODES = ((0x01, 7), (0x04, 3), (0x08, 4), (0x12, 5), (0x20, 6))


class X86Abi(Abi):
    sp = 4  # the fifth of the general registers, as the processor numbers them
    number = result = 0
    stack_pointer: str
    code_selector: int
    data_selectors: tuple[str, ...]  # segment registers that hold the flat data segment at the start
    shm_align = 4096
    open_flags = OpenFlags(directory=0o200000, nofollow=0o400000, direct=0o40000, largefile=0o100000)

    def start(self, vcpu: VCpu, entry: int, sp: int) -> None:
        self.flat_segments(vcpu)
        self.put_flags(vcpu, EFLAGS_FIXED)
        vcpu.put(self.stack_pointer, sp)
        vcpu.pc = entry

    def flat_segments(self, vcpu: VCpu) -> None:
        """CS and the data segments of user code."""
        vcpu.put("cs", self.code_selector)
        for name in self.data_selectors:
            vcpu.put(name, USER_DS)

    def put_mode(self, vcpu: VCpu) -> None:
        """The guest mode that follows from EFLAGS, MXCSR and the segments."""
        vcpu.mode = guest_mode(self.get_flags(vcpu), vcpu.get("mxcsr"), vcpu.get("odd_segments"))

    def put_flags(self, vcpu: VCpu, value: int) -> None:
        """All of EFLAGS, and the guest mode."""
        for slot, part in parts(value).items():
            vcpu.put(slot, part)
        self.put_mode(vcpu)

    def restore_flags(self, vcpu: VCpu, value: int) -> None:
        """What a signal's return restores of EFLAGS."""
        self.put_flags(vcpu, self.get_flags(vcpu) & ~_RESTORED | value & _RESTORED)

    def get_flags(self, vcpu: VCpu) -> int:
        """EFLAGS."""
        return eflags({name: vcpu.get(name) for name in _FLAG_PARTS})

    def rewind(self, vcpu: VCpu) -> None:
        vcpu.pc -= SYSCALL_BYTES

    def access_fault(self, thread: Thread, info: int, address: int) -> Fault:
        """A misaligned access under AC raises #AC, one outside the address space #GP, or #SS through the stack segment, and an instruction that reads and
        writes its operand faults as a write."""
        fault = self.memory_fault(info, address)
        vcpu = thread.vcpu
        if info & FAULT_ALIGN and vcpu.mode & MODE_ALIGNED:
            return Fault(SIGBUS, BUS_ADRALN, 0, _AC)
        from runtime.linux.x86.access import runs_over_the_end, through_null_segment, uses_stack, writes_operand

        if self.word == 4 and through_null_segment(thread):
            return self._general_protection(address)
        beyond = info & FAULT_NONCANONICAL or address >= _LAST_WORDS and runs_over_the_end(thread, address)
        if beyond and not info & FAULT_ALIGN:
            return Fault(SIGBUS, SI_KERNEL, 0, _SS) if uses_stack(thread, address) else self._general_protection(address)
        if fault.trap == _PF and not fault.error & _PF_WRITE and writes_operand(thread, address):
            fault.error |= _PF_WRITE
        return fault

    def memory_fault(self, info: int, address: int) -> Fault:
        if info & (FAULT_ALIGN | FAULT_NONCANONICAL):  # #GP; misaligned: an SSE operand
            return self._general_protection(address)
        error = _PF_USER | (_PF_WRITE if info & FAULT_WRITE else 0)
        return self._page_fault(not info & FAULT_UNMAPPED, address, error)

    def fetch_fault(self, mapped: bool, address: int) -> Fault:
        if self.word == 8 and address >> 47 not in (0, _KERNEL_HALF):  # not canonical
            return self._general_protection(address)
        return self._page_fault(mapped, address, _PF_USER | _PF_FETCH)

    def _page_fault(self, mapped: bool, address: int, error: int) -> Fault:
        if address >> 47:
            error |= _PF_PRESENT  # what Linux says of all its own addresses
        return Fault(SIGSEGV, SEGV_ACCERR if mapped else SEGV_MAPERR, address, _PF, error | (_PF_PRESENT if mapped else 0), address)

    def _general_protection(self, address: int) -> Fault:
        return Fault(SIGSEGV, SI_KERNEL, 0, _GP)

    def answer(self, thread: Thread, name: str) -> bool:
        if name == "selector":
            from runtime.linux.x86.descriptors import look_up

            look_up(thread, thread.vcpu.get("error_code"))
        return name == "selector"

    def exception(self, thread: Thread, name: str, detail: int) -> Fault:
        signo, code, vector, at_pc = _EXCEPTIONS.get(name, _EXCEPTIONS["undefined"])
        vcpu, error = thread.vcpu, 0
        if name in ("fp", "simd"):
            if name == "fp":
                raised = vcpu.get("fsw") & ~vcpu.get("fcw")
            else:
                word = mxcsr({slot: vcpu.get(slot) for slot in ("mxcsr", "fp_flags")})
                raised = word & ~word >> MXCSR_MASKS_SHIFT
            code = next((si_code for bits, si_code in _FP_CODES if raised & bits), code)
        elif name == "debug":
            code = detail
        elif name in ("protection", "stack", "absent"):
            error = vcpu.get("error_code") if detail == ERROR_CODE else detail
        return Fault(signo, code, vcpu.pc if at_pc else 0, vector, error)

    def cpuinfo(self, processors: int) -> str:
        family, model, stepping = SIGNATURE >> 8 & 15, SIGNATURE >> 12 & 0xF0 | SIGNATURE >> 4 & 15, SIGNATURE & 15
        flags = " ".join(name for register in FEATURES.values() for name in register)
        core = (
            f"processor\t: {{}}\nvendor_id\t: {VENDOR.decode()}\ncpu family\t: {family}\nmodel\t\t: {model}\nmodel name\t: {BRAND}\nstepping\t: {stepping}\n"
            f"fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: 11\nwp\t\t: yes\nflags\t\t: {flags}\nbogomips\t: 50.00\nclflush size\t: 64\n\n"
        )
        return "".join(core.format(i) for i in range(processors))
