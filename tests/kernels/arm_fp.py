"""Unicorn as oracle for single VFP and NEON instructions."""

from __future__ import annotations

from keystone import KS_ARCH_ARM, KS_MODE_ARM, KS_MODE_V8, Ks
from unicorn import UC_ARCH_ARM, UC_MODE_ARM, Uc
from unicorn.arm_const import UC_ARM_REG_C1_C0_2, UC_ARM_REG_D0, UC_ARM_REG_FPEXC, UC_ARM_REG_FPSCR, UC_CPU_ARM_MAX

_CODE = 0x10000
FLAG_BITS = 0x0800009F  # QC and the cumulative exception bits
DEFAULT_NAN, FLUSH, ALTERNATIVE_HALF = 1 << 25, 1 << 24, 1 << 26


class ArmFp:
    """Runs one instruction at a time on registers d0 to d3."""

    def __init__(self) -> None:
        self._uc = Uc(UC_ARCH_ARM, UC_MODE_ARM)
        self._uc.ctl_set_cpu_model(UC_CPU_ARM_MAX)
        self._uc.mem_map(_CODE, 0x1000)
        self._uc.reg_write(UC_ARM_REG_C1_C0_2, 0xF << 20)
        self._uc.reg_write(UC_ARM_REG_FPEXC, 1 << 30)
        self._assembler = Ks(KS_ARCH_ARM, KS_MODE_ARM | KS_MODE_V8)
        self._places: dict[str, int] = {}

    def _place(self, text: str) -> int:
        at = self._places.get(text)
        if at is None:
            at = self._places[text] = _CODE + 4 * len(self._places)
            code = bytes(self._assembler.asm(text)[0])
            self._uc.mem_write(at, code)
        return at

    def __call__(self, text: str, registers: list[int], fpscr: int) -> tuple[int, int, int]:
        """(d0, flag bits of FPSCR, NZCV) after *text*, with d0... holding *registers* before."""
        at = self._place(text)
        uc = self._uc
        for i, value in enumerate(registers):
            uc.reg_write(UC_ARM_REG_D0 + i, value)
        uc.reg_write(UC_ARM_REG_FPSCR, fpscr)
        uc.emu_start(at, at + 4)
        after = uc.reg_read(UC_ARM_REG_FPSCR)
        return uc.reg_read(UC_ARM_REG_D0), after & FLAG_BITS, after >> 28
