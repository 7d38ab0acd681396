"""Status register access, hints, exceptions and the CP15 registers of User mode (ARM ARM A4.5, A4.11, B3).

Privileged instructions have no rows: they are undefined.
"""

from __future__ import annotations

from dbt.abi.arm import MODE_BIG_ENDIAN
from dbt.frontend.arm.context import PC, Context
from dbt.frontend.arm.operands import bit, expand_imm
from dbt.ir.types import I32
from dbt.ir.unit import Inst

N_BIT, Z_BIT, C_BIT, V_BIT, Q_BIT, GE_SHIFT, E_BIT = 31, 30, 29, 28, 27, 16, 9
USER_MODE = 0x10  # CPSR.M
MASK_NZCVQ, MASK_G = 8, 4  # bits of MSR's mask field


# Status registers ------------------------------------------------------------------------------------------------------------
def mrs(c: Context, Rd: int) -> None:
    """MRS Rd, APSR; the mode and E bits read as in User mode, the execution state bits as 0."""
    if Rd == PC:
        c.unpredictable()
    b = c.b
    value = b.and_(b.getreg("nf"), 1 << N_BIT)
    value = b.or_(value, b.shl(b.zext(I32, b.eq(b.getreg("zf"), 0)), Z_BIT))
    for slot, at in (("cf", C_BIT), ("vf", V_BIT), ("qf", Q_BIT)):
        value = b.or_(value, b.shl(b.zext(I32, b.getreg(slot)), at))
    value = b.or_(value, b.shl(b.getreg("ge"), GE_SHIFT))
    c.put_reg(Rd, b.or_(value, USER_MODE | int(c.big_endian) << E_BIT))


def msr_imm(c: Context, mask: int, imm12: int) -> None:
    _write_apsr(c, mask, c.b.i32(expand_imm(c, imm12)[0]))


def msr_reg(c: Context, mask: int, Rn: int) -> None:
    if Rn == PC:
        c.unpredictable()
    _write_apsr(c, mask, c.get_reg(Rn))


def put_nzcv(c: Context, value: Inst) -> None:
    """The condition flags from bits 31-28."""
    b = c.b
    b.put(value, slot="nf")
    b.put(b.and_(b.not_(value), 1 << Z_BIT), slot="zf")
    c.set_cv(bit(c, value, C_BIT), bit(c, value, V_BIT))


def _write_apsr(c: Context, mask: int, value: Inst) -> None:
    """What User mode may write; the privileged bits are left alone."""
    b = c.b
    if mask & MASK_NZCVQ:
        put_nzcv(c, value)
        b.put(bit(c, value, Q_BIT), slot="qf")
    if mask & MASK_G:
        b.put(b.and_(b.shr(value, GE_SHIFT), 15), slot="ge")


def setend(c: Context, E: int) -> None:
    """Endianness is part of the guest mode of the instructions that follow."""
    c.next_mode = c.next_mode & ~MODE_BIG_ENDIAN | E * MODE_BIG_ENDIAN


def cps(c: Context) -> None:
    """Has no effect in User mode."""


# Exceptions --------------------------------------------------------------------------------------------------------------------
def svc(c: Context, imm: int) -> None:
    c.b.syscall(c.b.pcadd(I32, value=c.length), c.next_mode, imm=imm)
    c.ends = True


def bkpt(c: Context, imm16: int) -> None:
    c.raise_exception("breakpoint", imm16)


def udf(c: Context, imm16: int) -> None:
    """Permanently undefined: the guest asks for the exception."""
    c.raise_exception("undefined", imm16)


# Hints -------------------------------------------------------------------------------------------------------------------------
def nop(c: Context) -> None:
    """NOP, SEV, DBG and the hints that are not allocated."""


def yield_(c: Context) -> None:
    """YIELD and WFE."""
    c.b.yield_(c.b.pcadd(I32, value=c.length), c.next_mode)
    c.ends = True


def wfi(c: Context) -> None:
    c.b.halt(c.b.pcadd(I32, value=c.length), c.next_mode)
    c.ends = True


# CP15 --------------------------------------------------------------------------------------------------------------------------
def mrc_tpidrurw(c: Context, Rt: int) -> None:
    """User read/write thread ID register."""
    c.put_reg(Rt, c.b.getreg("tpidrurw"))


def mcr_tpidrurw(c: Context, Rt: int) -> None:
    c.b.put(c.get_reg(Rt), slot="tpidrurw")


def mrc_tpidruro(c: Context, Rt: int) -> None:
    """User read-only thread ID register: the TLS pointer of Linux."""
    c.put_reg(Rt, c.b.getreg("tpidruro"))


def mcr_barrier(c: Context, Rt: int) -> None:
    """CP15DMB, CP15DSB and CP15ISB."""
    c.b.fence(order="seq_cst")
