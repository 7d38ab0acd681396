"""Branch instructions and IT (ARM ARM A4.3, A8.8). Offsets are from the instruction's address plus 8 (A32) or 4 (T32)."""

from __future__ import annotations

from dbt.abi.arm import MODE_IT_SHIFT, MODE_THUMB
from dbt.frontend.arm.context import LR, Context
from dbt.ir.types import I32
from dbt.ir.unit import Inst


def signed(value: int, bits: int) -> int:
    """*value* read as a signed number of *bits* bits."""
    return value - (value >> bits - 1 << bits)


def _link(c: Context) -> None:
    """LR = address of the next instruction, with bit 0 set in Thumb state."""
    c.put_reg(LR, c.b.pcadd(I32, value=c.length | int(c.thumb)))


# A32 --------------------------------------------------------------------------------------------------------------------
def b(c: Context, imm24: int) -> None:
    c.branch(8 + 4 * signed(imm24, 24))


def bl(c: Context, imm24: int) -> None:
    _link(c)
    c.branch(8 + 4 * signed(imm24, 24), "call")


def blx_imm(c: Context, imm24: int, H: int) -> None:
    """To Thumb state."""
    _link(c)
    c.b.goto(c.b.pcadd(I32, value=8 + 4 * signed(imm24, 24) + 2 * H), c.exit_mode | MODE_THUMB, hint="call")
    c.ends = True


# Both -------------------------------------------------------------------------------------------------------------------
def bx(c: Context, Rm: int) -> None:
    """BX; BXJ does the same where Jazelle is trivial."""
    c.bx_write_pc(c.get_reg(Rm), "ret" if Rm == LR else "jump")


def blx_reg(c: Context, Rm: int) -> None:
    target = c.get_reg(Rm)
    _link(c)
    c.bx_write_pc(target, "call")


# T32 --------------------------------------------------------------------------------------------------------------------
def b_t1(c: Context, condition: int, imm8: int) -> None:
    _branch_cond(c, condition, 4 + 2 * signed(imm8, 8))


def b_t2(c: Context, imm11: int) -> None:
    c.branch(4 + 2 * signed(imm11, 11))


def b_t3(c: Context, condition: int, imm20: int) -> None:
    _branch_cond(c, condition, 4 + 2 * signed(imm20, 20))


def _branch_cond(c: Context, cond: int, offset: int) -> None:
    """A branch with a condition of its own: not allowed in an IT block."""
    if c.in_it:
        c.unpredictable()
    skipped = c.branch_if(*c.condition(cond))
    c.branch(offset)
    c.b.start(skipped)
    c.branch_next()


def b_t4(c: Context, S: int, J1: int, J2: int, imm21: int) -> None:
    c.branch(4 + 2 * _far(S, J1, J2, imm21))


def bl_t1(c: Context, S: int, J1: int, J2: int, imm21: int) -> None:
    _link(c)
    c.branch(4 + 2 * _far(S, J1, J2, imm21), "call")


def blx_t2(c: Context, S: int, J1: int, J2: int, imm20: int) -> None:
    """To A32 state. The target is relative to Align(PC, 4): two direct exits, one for each alignment of the instruction, so that both can be chained."""
    _link(c)
    offset = 4 + 2 * _far(S, J1, J2, imm20 << 1)
    mode = c.exit_mode & ~MODE_THUMB
    unaligned = c.branch_if(c.b.eq(c.b.and_(c.b.pcadd(I32, value=0), 2), 0))
    c.b.goto(c.b.pcadd(I32, value=offset), mode, hint="call")
    c.b.start(unaligned)
    c.b.goto(c.b.pcadd(I32, value=offset - 2), mode, hint="call")
    c.ends = True


def _far(S: int, J1: int, J2: int, imm21: int) -> int:
    """Offset in halfwords of the 25-bit branches: I1 = NOT(J1 EOR S), I2 = NOT(J2 EOR S)."""
    return signed(S << 23 | (J1 ^ S ^ 1) << 22 | (J2 ^ S ^ 1) << 21 | imm21, 24)


def cbz(c: Context, Rn: int, imm6: int, nonzero: int) -> None:
    """CBZ and, with *nonzero*, CBNZ."""
    if c.in_it:
        c.unpredictable()
    value = c.get_reg(Rn)
    skipped = c.branch_if(c.b.ne(value, 0) if nonzero else c.b.eq(value, 0))
    c.branch(4 + 2 * imm6)
    c.b.start(skipped)
    c.branch_next()


def tbb(c: Context, Rn: int, Rm: int) -> None:
    _table_branch(c, c.load(c.b.add(c.get_reg(Rn), c.get_reg(Rm)), 8))


def tbh(c: Context, Rn: int, Rm: int) -> None:
    _table_branch(c, c.load(c.b.add(c.get_reg(Rn), c.b.shl(c.get_reg(Rm), 1)), 16))


def _table_branch(c: Context, halfwords: Inst) -> None:
    c.branch_write_pc(c.b.add(c.b.pcadd(I32, value=4), c.b.shl(halfwords, 1)))


def it(c: Context, firstcond: int, mask: int) -> None:
    """IT: ITSTATE is part of the guest mode of the instructions that follow."""
    if c.in_it:
        c.unpredictable()
    c.next_mode = c.exit_mode | (firstcond << 4 | mask) << MODE_IT_SHIFT
