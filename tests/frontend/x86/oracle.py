"""unicorn as the oracle for single x86 instructions, in the terms of the reference engine."""

from __future__ import annotations

from typing import Any

from unicorn import UC_ARCH_X86, UC_HOOK_BLOCK, UC_HOOK_INSN, UC_HOOK_INTR, UC_MODE_32, UC_MODE_64, Uc, UcError
from unicorn import unicorn_const as uc_const
from unicorn import x86_const as x86

from dbt.abi.x86 import REGISTERS_32, REGISTERS_64, eflags, parts
from tests.reference_eval import State

CODE = 0x10000
CODE_SIZE = 0x1000
DATA = 0x40000
DATA_SIZE = 0x4000
DATA_MIDDLE = DATA + DATA_SIZE // 2
FS_BASE, GS_BASE = 0x100, 0x240
_OSFXSR = 1 << 9 | 1 << 10  # CR4: the system saves the SSE state
_INTERRUPTS = {0: "divide", 3: "breakpoint", 4: "overflow", 5: "bound", 6: "undefined", 13: "protection", 0x80: "syscall"}  # vectors
REGISTERS = {"i386": REGISTERS_32, "x86_64": REGISTERS_64}
FLAG_SLOTS = ("cf", "pf", "af", "zf", "sf", "of", "df", "eflags")


def flags_of(state: State) -> int:
    """EFLAGS of *state*."""
    return eflags({slot: state[slot] for slot in FLAG_SLOTS})


def set_flags(state: State, value: int) -> None:
    for slot, part in parts(value).items():
        state[slot] = part


class Oracle:
    """One unicorn instance, used again for every instruction."""

    def __init__(self, arch: str) -> None:
        self.arch = arch
        self.long = arch == "x86_64"
        self.uc = Uc(UC_ARCH_X86, UC_MODE_64 if self.long else UC_MODE_32)
        self.uc.ctl_set_cpu_model(x86.UC_CPU_X86_NEHALEM)
        self.uc.mem_map(CODE, CODE_SIZE)
        self.uc.mem_map(DATA, DATA_SIZE)
        self.uc.hook_add(UC_HOOK_INTR, self._interrupt)
        self.uc.hook_add(UC_HOOK_BLOCK, self._entered)
        if self.long:
            self.uc.hook_add(UC_HOOK_INSN, self._syscall, None, 1, 0, x86.UC_X86_INS_SYSCALL)
            self.uc.reg_write(x86.UC_X86_REG_FS_BASE, FS_BASE)
            self.uc.reg_write(x86.UC_X86_REG_GS_BASE, GS_BASE)
        self.vector: int | None = None
        self.start = CODE
        self.registers = [getattr(x86, f"UC_X86_REG_{name.upper()}") for name in REGISTERS[arch]]
        self.pc = x86.UC_X86_REG_RIP if self.long else x86.UC_X86_REG_EIP
        self.flags = x86.UC_X86_REG_EFLAGS
        self.uc.reg_write(x86.UC_X86_REG_CR4, self.uc.reg_read(x86.UC_X86_REG_CR4) | _OSFXSR)
        self.preset: dict[int, Any] = {}  # further registers to set before a run
        self.fresh = self.uc.context_save()  # an exception that nobody handles leaves a trace that makes the next one a double fault

    def _interrupt(self, uc: Uc, vector: int, data: object) -> None:
        if self.vector is None:
            self.vector = vector
        uc.emu_stop()

    def _syscall(self, uc: Uc, data: object) -> None:
        self.vector = 0x80
        uc.emu_stop()

    def _entered(self, uc: Uc, address: int, size: int, data: object) -> None:
        if address != self.start:
            uc.emu_stop()

    def run(self, code: bytes, state: State, data: bytearray, count: int = 1) -> tuple[str, int, int, list[int]]:
        """Run the instruction at CODE; *data*, which lies at DATA, is updated. Gives (why it stopped, pc, EFLAGS, general registers); why is "goto", "fault",
        "syscall" or the name of a guest exception."""
        uc: Any = self.uc
        self.vector = None
        uc.context_restore(self.fresh)
        uc.mem_write(CODE, code.ljust(64, b"\xcc"))
        uc.ctl_remove_cache(CODE, CODE + CODE_SIZE)
        uc.mem_write(DATA, bytes(data))
        for name, register in zip(REGISTERS[self.arch], self.registers, strict=True):
            uc.reg_write(register, state[name])
        uc.reg_write(self.flags, flags_of(state))
        for register, value in self.preset.items():
            uc.reg_write(register, value)
        why = "goto"
        try:
            uc.emu_start(CODE, 0, count=count)
        except UcError as error:
            if error.errno == uc_const.UC_ERR_INSN_INVALID:
                why = "undefined"
            elif error.errno in (uc_const.UC_ERR_FETCH_UNMAPPED, uc_const.UC_ERR_FETCH_PROT):
                why = "goto"
            else:
                why = "fault"
        if self.vector is not None:
            why = _INTERRUPTS.get(self.vector, f"vector {self.vector}")
        data[:] = uc.mem_read(DATA, DATA_SIZE)
        return why, uc.reg_read(self.pc), uc.reg_read(self.flags), [uc.reg_read(register) for register in self.registers]
