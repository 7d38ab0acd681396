"""Runs a kernel under Unicorn: ``python -m bench.unicorn_guest PROGRAM LOOPS [timed]``. Just the system calls that the kernels make."""

from __future__ import annotations

import os
import struct
import sys
import time

from unicorn import UC_ARCH_ARM, UC_HOOK_INTR, UC_MODE_ARM, Uc
from unicorn.arm_const import UC_ARM_REG_C1_C0_2, UC_ARM_REG_FPEXC, UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R7, UC_ARM_REG_SP

from runtime.linux.elf import read_elf

PAGE = 4096
STACK_TOP, STACK_BYTES = 0x7FFF0000, 1 << 20
WRITE, EXIT_GROUP, CLOCK_GETTIME = 4, 248, 263
ALL_COPROCESSORS = 0xF << 20  # CPACR: cp10 and cp11, full access
FPEXC_EN = 1 << 30


def load(machine: Uc, path: str) -> int:
    """Map the static program *path*; gives its entry point."""
    with open(path, "rb") as file:
        elf = read_elf(path, file.fileno(), "arm")
        for segment in elf.loads:
            start, end = segment.vaddr & -PAGE, (segment.end + PAGE - 1) & -PAGE
            for page in range(start, end, PAGE):
                if not any(low <= page <= high for low, high, _ in machine.mem_regions()):
                    machine.mem_map(page, PAGE)
            machine.mem_write(segment.vaddr, os.pread(file.fileno(), segment.filesz, segment.offset))
    return elf.entry


def on_supervisor_call(machine: Uc, number: int, status: list[int]) -> None:
    """write, clock_gettime and exit_group; *status* takes the guest's exit status."""
    call, first = machine.reg_read(UC_ARM_REG_R7), machine.reg_read(UC_ARM_REG_R0)
    if call == WRITE:
        sys.stdout.buffer.write(machine.mem_read(machine.reg_read(UC_ARM_REG_R1), machine.reg_read(UC_ARM_REG_R2)))
        return
    if call == CLOCK_GETTIME:
        machine.mem_write(machine.reg_read(UC_ARM_REG_R1), struct.pack("<II", *divmod(time.monotonic_ns(), 1_000_000_000)))
        return
    status[0] = first if call == EXIT_GROUP else 1
    machine.emu_stop()


def main(program: str, *arguments: str) -> int:
    machine, status = Uc(UC_ARCH_ARM, UC_MODE_ARM), [1]
    entry = load(machine, program)
    machine.mem_map(STACK_TOP - STACK_BYTES, STACK_BYTES)
    strings, places = STACK_TOP - PAGE, []
    for word in (program, *arguments):
        places.append(strings)
        machine.mem_write(strings, word.encode() + b"\0")
        strings += len(word.encode()) + 1
    stack = STACK_TOP - 2 * PAGE
    machine.mem_write(stack, struct.pack(f"<{len(places) + 2}I", len(places), *places, 0))
    machine.reg_write(UC_ARM_REG_SP, stack)
    machine.reg_write(UC_ARM_REG_C1_C0_2, ALL_COPROCESSORS)
    machine.reg_write(UC_ARM_REG_FPEXC, FPEXC_EN)
    machine.hook_add(UC_HOOK_INTR, on_supervisor_call, status)
    machine.emu_start(entry, 0)
    sys.stdout.flush()
    return status[0]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
