"""Saturating instructions (ARM ARM A4.4.5 and A4.4.6). All set Q when they saturate, and never clear it."""

from __future__ import annotations

from dbt.frontend.arm.context import Context
from dbt.frontend.arm.operands import ASR, LSL, shift_imm
from dbt.ir.types import I16, I32
from dbt.ir.unit import Inst

_MOST = 0x7FFFFFFF


def qadd(c: Context, Rd: int, Rm: int, Rn: int) -> None:
    c.put_reg(Rd, _saturating_add(c, c.get_reg(Rm), c.get_reg(Rn)))


def qsub(c: Context, Rd: int, Rm: int, Rn: int) -> None:
    c.put_reg(Rd, _saturating_sub(c, c.get_reg(Rm), c.get_reg(Rn)))


def qdadd(c: Context, Rd: int, Rm: int, Rn: int) -> None:
    n = c.get_reg(Rn)
    m = c.get_reg(Rm)
    c.put_reg(Rd, _saturating_add(c, m, _saturating_add(c, n, n)))


def qdsub(c: Context, Rd: int, Rm: int, Rn: int) -> None:
    n = c.get_reg(Rn)
    m = c.get_reg(Rm)
    c.put_reg(Rd, _saturating_sub(c, m, _saturating_add(c, n, n)))


def _set_q(c: Context, saturated: Inst) -> None:
    c.b.put(c.b.or_(c.b.getreg("qf"), saturated), slot="qf")


def _limit(c: Context, x: Inst) -> Inst:
    """The most negative number if x is negative, else the most positive one."""
    return c.b.xor(c.b.sar(x, 31), _MOST)


def _saturating_add(c: Context, x: Inst, y: Inst) -> Inst:
    b = c.b
    overflow = b.addo(x, y)
    _set_q(c, overflow)
    return b.select(overflow, _limit(c, x), b.add(x, y))


def _saturating_sub(c: Context, x: Inst, y: Inst) -> Inst:
    b = c.b
    overflow = b.subo(x, y)
    _set_q(c, overflow)
    return b.select(overflow, _limit(c, x), b.sub(x, y))


def ssat(c: Context, Rd: int, Rn: int, sat_imm: int, sh: int, imm5: int) -> None:
    value = _shifted(c, Rn, sh, imm5)
    result = _clamp(c, value, -(1 << sat_imm), (1 << sat_imm) - 1)
    _set_q(c, c.b.ne(result, value))
    c.put_reg(Rd, result)


def usat(c: Context, Rd: int, Rn: int, sat_imm: int, sh: int, imm5: int) -> None:
    value = _shifted(c, Rn, sh, imm5)
    result = _clamp(c, value, 0, (1 << sat_imm) - 1)
    _set_q(c, c.b.ne(result, value))
    c.put_reg(Rd, result)


def ssat16(c: Context, Rd: int, Rn: int, sat_imm: int) -> None:
    _put_clamped_halves(c, Rd, Rn, -(1 << sat_imm), (1 << sat_imm) - 1)


def usat16(c: Context, Rd: int, Rn: int, sat_imm: int) -> None:
    _put_clamped_halves(c, Rd, Rn, 0, (1 << sat_imm) - 1)


def _shifted(c: Context, Rn: int, sh: int, imm5: int) -> Inst:
    return shift_imm(c, c.get_reg(Rn), ASR if sh else LSL, imm5)[0]


def _clamp(c: Context, value: Inst, low: int, high: int) -> Inst:
    b = c.b
    floor, ceiling = b.i32(low), b.i32(high)
    above = b.select(b.slt(ceiling, value), ceiling, value)
    return b.select(b.slt(value, floor), floor, above)


def _put_clamped_halves(c: Context, Rd: int, Rn: int, low: int, high: int) -> None:
    b = c.b
    value = c.get_reg(Rn)
    bottom, top = b.sext(I32, b.trunc(I16, value)), b.sar(value, 16)
    new_bottom, new_top = _clamp(c, bottom, low, high), _clamp(c, top, low, high)
    _set_q(c, b.or_(b.ne(new_bottom, bottom), b.ne(new_top, top)))
    c.put_reg(Rd, b.or_(b.shl(new_top, 16), b.and_(new_bottom, 0xFFFF)))
