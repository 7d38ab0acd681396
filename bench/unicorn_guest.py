"""Runs a kernel under Unicorn: ``python -m bench.unicorn_guest PROGRAM LOOPS [timed]``. Just the system calls that the kernels make."""

from __future__ import annotations

import os
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from unicorn import UC_ARCH_ARM, UC_ARCH_X86, UC_HOOK_INSN, UC_HOOK_INTR, UC_MODE_32, UC_MODE_64, UC_MODE_ARM, Uc, arm_const, x86_const

from runtime.linux.elf import Elf, read_elf

PAGE = 4096
STACK_TOP, STACK_BYTES = 0x7FFF0000, 1 << 20
ALL_COPROCESSORS = 0xF << 20  # CPACR: cp10 and cp11, full access
FPEXC_EN = 1 << 30
SSE = 3 << 9  # CR4: OSFXSR and OSXMMEXCPT


@dataclass(frozen=True)
class Machine:
    """An architecture: Unicorn's names of it and of its registers (the system call's number, its arguments), numbers of system calls, ``word`` as ``struct``
    has it, and what a kernel would have set up."""

    kind: tuple[int, int]
    stack: int
    number: int
    arguments: tuple[int, int, int]
    write: int
    exit_group: int
    clock_gettime: int
    word: str
    prepare: Callable[[Uc], None]


def _prepare_arm(uc: Uc) -> None:
    uc.reg_write(arm_const.UC_ARM_REG_C1_C0_2, ALL_COPROCESSORS)
    uc.reg_write(arm_const.UC_ARM_REG_FPEXC, FPEXC_EN)


def _prepare_x86(uc: Uc) -> None:
    uc.reg_write(x86_const.UC_X86_REG_CR4, uc.reg_read(x86_const.UC_X86_REG_CR4) | SSE)


_ARM, _X86 = arm_const, x86_const
MACHINES = {
    "arm": Machine((UC_ARCH_ARM, UC_MODE_ARM), _ARM.UC_ARM_REG_SP, _ARM.UC_ARM_REG_R7, (_ARM.UC_ARM_REG_R0, _ARM.UC_ARM_REG_R1, _ARM.UC_ARM_REG_R2),
                   4, 248, 263, "I", _prepare_arm),
    "i386": Machine((UC_ARCH_X86, UC_MODE_32), _X86.UC_X86_REG_ESP, _X86.UC_X86_REG_EAX, (_X86.UC_X86_REG_EBX, _X86.UC_X86_REG_ECX, _X86.UC_X86_REG_EDX),
                    4, 252, 265, "I", _prepare_x86),
    "x86_64": Machine((UC_ARCH_X86, UC_MODE_64), _X86.UC_X86_REG_RSP, _X86.UC_X86_REG_RAX, (_X86.UC_X86_REG_RDI, _X86.UC_X86_REG_RSI, _X86.UC_X86_REG_RDX),
                      1, 231, 228, "Q", _prepare_x86),
}  # fmt: skip


class Guest:
    """A static program in a machine of Unicorn."""

    def __init__(self, program: str, *arguments: str) -> None:
        with open(program, "rb") as file:
            elf = read_elf(program, file.fileno())
            self.machine = MACHINES[elf.arch]
            self.uc, self.entry, self.status = Uc(*self.machine.kind), elf.entry, 1
            self._load(elf, file.fileno())
        self._start_stack((program, *arguments))
        self.machine.prepare(self.uc)
        if elf.arch == "x86_64":
            self.uc.hook_add(UC_HOOK_INSN, lambda uc, user: self._system_call(), None, 1, 0, _X86.UC_X86_INS_SYSCALL)
        else:
            self.uc.hook_add(UC_HOOK_INTR, lambda uc, number, user: self._system_call())

    def _load(self, elf: Elf, fd: int) -> None:
        for segment in elf.loads:
            start, end = segment.vaddr & -PAGE, (segment.end + PAGE - 1) & -PAGE
            for page in range(start, end, PAGE):
                if not any(low <= page <= high for low, high, _ in self.uc.mem_regions()):
                    self.uc.mem_map(page, PAGE)
            self.uc.mem_write(segment.vaddr, os.pread(fd, segment.filesz, segment.offset))

    def _start_stack(self, words: tuple[str, ...]) -> None:
        self.uc.mem_map(STACK_TOP - STACK_BYTES, STACK_BYTES)
        strings, places = STACK_TOP - PAGE, []
        for word in words:
            places.append(strings)
            self.uc.mem_write(strings, word.encode() + b"\0")
            strings += len(word.encode()) + 1
        stack = STACK_TOP - 2 * PAGE
        self.uc.mem_write(stack, struct.pack(f"<{len(places) + 2}{self.machine.word}", len(places), *places, 0))
        self.uc.reg_write(self.machine.stack, stack)

    def _system_call(self) -> None:
        """write, clock_gettime and exit_group."""
        machine, uc = self.machine, self.uc
        call = uc.reg_read(machine.number)
        first, second, third = (uc.reg_read(register) for register in machine.arguments)
        if call == machine.write:
            sys.stdout.buffer.write(uc.mem_read(second, third))
        elif call == machine.clock_gettime:
            uc.mem_write(second, struct.pack(f"<2{machine.word}", *divmod(time.monotonic_ns(), 1_000_000_000)))
        else:
            self.status = first if call == machine.exit_group else 1
            uc.emu_stop()

    def run(self) -> int:
        """The exit status."""
        self.uc.emu_start(self.entry, 0)
        sys.stdout.flush()
        return self.status


if __name__ == "__main__":
    sys.exit(Guest(*sys.argv[1:]).run())
