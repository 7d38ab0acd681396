"""unicorn as the oracle for single ARM instructions.

The oracle runs one instruction in User mode from a given state, and tells the state after it and why it stopped, in the terms of the reference engine.
"""

from __future__ import annotations

import struct

from unicorn import UC_ARCH_ARM, UC_HOOK_BLOCK, UC_HOOK_INTR, UC_MODE_ARM, Uc, UcError
from unicorn import arm_const as arm
from unicorn import unicorn_const as uc_const

from dbt.abi.arm import MODE_BIG_ENDIAN, MODE_IT_SHIFT, MODE_THUMB
from tests.reference_eval import Memory, State

CODE = 0x10000
CODE_SIZE = 0x2000
DATA = 0x40000
DATA_SIZE = 0x4000
DATA_MIDDLE = DATA + DATA_SIZE // 2

_REGISTERS = [getattr(arm, f"UC_ARM_REG_R{i}") for i in range(15)]
_INTERRUPTS = {1: "undefined", 2: "syscall", 4: "fault", 7: "breakpoint"}  # QEMU's exception numbers
_USER = 0x10


def code_page(code: bytes, pc: int) -> bytes:
    """The code area: zeros, and *code* at *pc*."""
    return (bytes(pc - CODE) + code).ljust(CODE_SIZE, b"\0")


def nzcvqge(state: State) -> int:
    """The APSR of *state*."""
    return (
        state["nf"] & 1 << 31 | (state["zf"] == 0) << 30 | state["cf"] << 29 | state["vf"] << 28 | state["qf"] << 27 | state["ge"] << 16
    )  # fmt: skip


def set_apsr(state: State, value: int) -> None:
    state["nf"] = value & 1 << 31
    state["zf"] = 0 if value >> 30 & 1 else 1
    state["cf"], state["vf"], state["qf"], state["ge"] = value >> 29 & 1, value >> 28 & 1, value >> 27 & 1, value >> 16 & 15


class Oracle:
    """One unicorn instance, used again for every instruction."""

    def __init__(self) -> None:
        self.uc = Uc(UC_ARCH_ARM, UC_MODE_ARM)
        self.uc.ctl_set_cpu_model(arm.UC_CPU_ARM_MAX)
        self.uc.mem_map(CODE, CODE_SIZE)
        self.uc.mem_map(DATA, DATA_SIZE)
        self.uc.hook_add(UC_HOOK_INTR, self._interrupt)
        self.uc.hook_add(UC_HOOK_BLOCK, self._entered, begin=CODE, end=DATA + DATA_SIZE)
        self.intno: int | None = None
        self.pc = CODE

    def _interrupt(self, uc: Uc, intno: int, data: object) -> None:
        self.intno = intno
        uc.emu_stop()

    def _entered(self, uc: Uc, address: int, size: int, data: object) -> None:
        if address != self.pc:  # a branch inside the mapped memory
            uc.emu_stop()

    def run(self, code: bytes, mode: int, state: State, memory: Memory, pc: int = CODE) -> tuple[str, int, int, int, list[int]]:
        """Run the instruction at *pc*; *memory* (its first region lies at DATA) is updated. Gives (why it stopped, pc, mode, APSR, r0-r14); why is "goto",
        "fault", "syscall" or the name of a guest exception."""
        uc = self.uc
        self.intno, self.pc = None, pc
        data = memory.regions[0][1]
        uc.mem_write(CODE, code_page(code, pc))
        uc.ctl_remove_cache(CODE, CODE + CODE_SIZE)
        uc.mem_write(DATA, bytes(data))
        itstate = mode >> MODE_IT_SHIFT
        cpsr = _USER | nzcvqge(state) | bool(mode & MODE_BIG_ENDIAN) << 9 | bool(mode & MODE_THUMB) << 5
        cpsr |= (itstate & 3) << 25 | itstate >> 2 << 10
        uc.reg_write(arm.UC_ARM_REG_CPSR, _USER)
        for i, register in enumerate(_REGISTERS):
            uc.reg_write(register, state[f"r{i}"])
        for slot, opc2 in (("tpidrurw", 2), ("tpidruro", 3)):
            uc.reg_write(arm.UC_ARM_REG_CP_REG, (15, 0, 0, 13, 0, 0, opc2, state[slot]))
        uc.reg_write(arm.UC_ARM_REG_CPSR, cpsr)
        why = "goto"
        try:
            # A skipped instruction of an IT block is not counted, so the address stops it too.
            uc.emu_start(pc | (mode & MODE_THUMB), pc + len(code), count=1)
        except UcError as error:
            if error.errno == uc_const.UC_ERR_INSN_INVALID:
                why = "undefined"
            elif error.errno in (uc_const.UC_ERR_FETCH_UNMAPPED, uc_const.UC_ERR_FETCH_PROT):
                why = "goto"
            elif error.errno == uc_const.UC_ERR_EXCEPTION:
                why = f"exception {self.intno}"
            else:
                why = "fault"
        if self.intno is not None:
            why = _INTERRUPTS.get(self.intno, f"interrupt {self.intno}")
        data[:] = uc.mem_read(DATA, DATA_SIZE)
        after = uc.reg_read(arm.UC_ARM_REG_CPSR)
        new_mode = (after >> 5 & 1) * MODE_THUMB | (after >> 9 & 1) * MODE_BIG_ENDIAN | ((after >> 25 & 3) | (after >> 10 & 0x3F) << 2) << MODE_IT_SHIFT
        return why, uc.reg_read(arm.UC_ARM_REG_PC), new_mode, after & 0xF80F0000, [uc.reg_read(register) for register in _REGISTERS]


def words(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)
