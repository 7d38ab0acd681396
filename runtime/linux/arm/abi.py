"""ARM EABI: registers, memory map, faults, structures."""

from __future__ import annotations

from struct import Struct

from dbt.abi.arm import MODE_THUMB
from dbt.abi.exits import FAULT_ALIGN, FAULT_UNMAPPED, FAULT_WRITE
from runtime.linux.abi import Abi, Fault, MemoryMap, OpenFlags
from runtime.linux.mm import PROT_EXEC, PROT_READ
from runtime.linux.signals import BUS_ADRALN, FPE_INTDIV, ILL_ILLOPC, SEGV_ACCERR, SEGV_MAPERR, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP, TRAP_BRKPT
from runtime.memory import GuestFault

TYPE_CHECKING = False  # as in typing, whose import costs time at every start
if TYPE_CHECKING:
    from runtime.linux.mm import AddressSpace
    from runtime.linux.signals import Action
    from runtime.linux.syscalls.rows import Row
    from runtime.linux.threads import Thread
    from runtime.vcpu import VCpu

# HWCAP_* of arch/arm: what a Cortex-A15 reports.
HWCAPS = {
    "swp": 0, "half": 1, "thumb": 2, "fastmult": 4, "vfp": 6, "edsp": 7, "neon": 12, "vfpv3": 13, "tls": 15, "vfpv4": 16, "idiva": 17, "idivt": 18,
    "vfpd32": 19, "lpae": 20,
}  # fmt: skip
_SIGNAL_OF_EXCEPTION = {
    "undefined": (SIGILL, ILL_ILLOPC),
    "breakpoint": (SIGTRAP, TRAP_BRKPT),
    "divide": (SIGFPE, FPE_INTDIV),
    "protection": (SIGSEGV, SEGV_ACCERR),
    "alignment": (SIGBUS, BUS_ADRALN),
    "semihosting": (SIGILL, ILL_ILLOPC),
}
_LINUX_BREAKPOINTS = {4: 0xE7F001F0, 2: 0xDE01}  # the kernel's own breakpoint instructions, by length
# Trap numbers and fault status (DFSR) in a signal frame.
_TRAP_ABORT, _TRAP_UNDEFINED = 14, 6
_DFSR_WRITE, _DFSR_ALIGNMENT, _DFSR_TRANSLATION, _DFSR_PERMISSION = 1 << 11, 1, 7, 15
_IFSR_TRANSLATION = 1 << 31 | 7
_LOW = 0xFFFFFFFF


class ArmAbi(Abi):
    arch = "arm"
    machine = "armv7l"
    platform = b"v7l"
    hwcap = sum(1 << bit for bit in HWCAPS.values())
    word, word_code = 4, "I"

    shm_align = 4 * 4096

    first_register, register_count = "r0", 15
    number, arguments, result, sp = 7, (0, 1, 2, 3, 4, 5), 0, 13
    native_registers = ("r7", "r0", "r1", "r2", "r3", "r4", "r5", "r0")

    flock, flock64 = Struct("<hhiii"), Struct("<hh4xqqi4x")
    epoll_event = Struct("<I4xQ")
    stat = Struct("<Q4xIIIIIQ8xqI4xQIIIIIIQ")  # arch/arm/include/uapi/asm/stat.h: 104 bytes

    open_flags = OpenFlags(directory=0o40000, nofollow=0o100000, direct=0o200000, largefile=0o400000)

    def rows(self) -> dict[int, Row]:
        from runtime.linux.arm.syscalls import ROWS

        return ROWS

    def memory_map(self, size: int) -> MemoryMap:
        """As with a 3 GiB / 1 GiB split."""
        return MemoryMap(limit=0xBF000000, stack_top=0xBF000000, pie_base=0x00400000)

    def start(self, vcpu: VCpu, entry: int, sp: int) -> None:
        vcpu.put("r13", sp)
        vcpu.pc = entry & ~1
        vcpu.mode = MODE_THUMB if entry & 1 else 0

    def rewind(self, vcpu: VCpu) -> None:
        vcpu.pc -= 2 if vcpu.mode & MODE_THUMB else 4

    def set_tls(self, thread: Thread, tls: int) -> int:
        thread.vcpu.put("tpidruro", tls)
        return 0

    def map_kernel_pages(self, space: AddressSpace) -> None:
        from runtime.linux.arm.kuser import PAGE, helper_page

        space.map_high(PAGE, helper_page(), PROT_READ | PROT_EXEC, b"[vectors]")

    def memory_fault(self, info: int, address: int) -> Fault:
        write = _DFSR_WRITE if info & FAULT_WRITE else 0
        if info & FAULT_ALIGN:
            return Fault(SIGBUS, BUS_ADRALN, address, _TRAP_ABORT, write | _DFSR_ALIGNMENT, address)
        if info & FAULT_UNMAPPED:
            return Fault(SIGSEGV, SEGV_MAPERR, address, _TRAP_ABORT, write | _DFSR_TRANSLATION, address)
        return Fault(SIGSEGV, SEGV_ACCERR, address, _TRAP_ABORT, write | _DFSR_PERMISSION, address)

    def fetch_fault(self, mapped: bool, address: int) -> Fault:
        return Fault(SIGSEGV, SEGV_ACCERR if mapped else SEGV_MAPERR, address, _TRAP_ABORT, _IFSR_TRANSLATION, address)

    def exception(self, thread: Thread, name: str, detail: int) -> Fault:
        vcpu = thread.vcpu
        pc = vcpu.pc
        signo, code = _SIGNAL_OF_EXCEPTION.get(name, (SIGILL, ILL_ILLOPC))
        if name == "undefined":
            length = 2 if vcpu.mode & MODE_THUMB else 4
            try:
                if int.from_bytes(thread.memory.read(pc, length), "little") == _LINUX_BREAKPOINTS[length]:
                    signo, code = SIGTRAP, TRAP_BRKPT
            except GuestFault:
                pass
        return Fault(signo, code, pc, _TRAP_ABORT if signo in (SIGSEGV, SIGBUS) else _TRAP_UNDEFINED, 0, pc)

    def enter_handler(
        self, thread: Thread, signo: int, siginfo: bytes, action: Action, mask: int, stack: tuple[int, int, int], fault: Fault, sp: int
    ) -> None:
        from runtime.linux.arm.sigframe import enter_handler

        enter_handler(thread, signo, siginfo, action, mask, stack, fault, sp)

    def leave_handler(self, thread: Thread, rt: bool) -> tuple[int, tuple[int, int, int]]:
        from runtime.linux.arm.sigframe import pop_frame

        return pop_frame(thread.memory, thread.vcpu, rt)

    def pack_stat(self, device: int, ino: int, mode: int, nlink: int, uid: int, gid: int, rdevice: int, size: int, blksize: int, blocks: int,
                  times: tuple[int, ...]) -> bytes:
        return self.stat.pack(device, ino & _LOW, mode, nlink, uid, gid, rdevice, size, blksize, blocks, *[n & _LOW for n in times], ino)

    def cpuinfo(self, processors: int) -> str:
        """Like a Cortex-A15 with the features of AT_HWCAP."""
        features = " ".join(name for name in HWCAPS if name != "swp")
        core = (
            "processor\t: {}\nmodel name\t: ARMv7 Processor rev 4 (v7l)\nBogoMIPS\t: 50.00\n"
            f"Features\t: {features}\n"
            "CPU implementer\t: 0x41\nCPU architecture: 7\nCPU variant\t: 0x2\nCPU part\t: 0xc0f\nCPU revision\t: 4\n\n"
        )
        cores = "".join(core.format(i) for i in range(processors))
        return cores + "Hardware\t: Generic\nRevision\t: 0000\nSerial\t\t: 0000000000000000\n"


ARM = ArmAbi()
