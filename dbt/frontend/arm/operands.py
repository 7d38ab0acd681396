"""Shifter operands and modified immediates (ARM ARM A5.2.4, A6.3.2, A8.4.3).

A shifter's carry out is an i1, or None where the C flag stays as it is.
"""

from __future__ import annotations

from dbt.frontend.arm.context import Context
from dbt.ir.types import I1, I32, I64
from dbt.ir.unit import Inst

LSL, LSR, ASR, ROR = range(4)
OUTSIDE_IT = 2  # value of a row's S: a 16-bit encoding sets the flags unless it stands in an IT block

Shifted = tuple[Inst, Inst | None]


def setflags(c: Context, S: int) -> bool:
    return S == 1 or S == OUTSIDE_IT and not c.in_it


def rotate(value: int, amount: int) -> int:
    """A 32-bit number rotated right by 0 to 31."""
    return (value >> amount | value << (32 - amount)) & 0xFFFFFFFF


def expand_imm(c: Context, imm12: int) -> tuple[int, int | None]:
    """ARMExpandImm_C and ThumbExpandImm_C: the number, and the carry out as 0, 1 or None."""
    byte = imm12 & 0xFF
    if not c.thumb:
        amount = 2 * (imm12 >> 8)
    elif imm12 >> 10 == 0:
        return byte * (1, 0x00010001, 0x01000100, 0x01010101)[imm12 >> 8], None
    else:
        amount = imm12 >> 7
        byte |= 0x80
    value = rotate(byte, amount)
    return value, value >> 31 if amount else None


def bit(c: Context, value: Inst, n: int) -> Inst:
    """Bit *n* of an i32 as an i1."""
    if n == 31:
        return c.b.slt(value, 0)
    return c.b.trunc(I1, c.b.shr(value, n) if n else value)


def shift_imm(c: Context, value: Inst, type: int, imm5: int, carry: bool = False) -> Shifted:
    """Shift_C with the amount of DecodeImmShift: imm5 == 0 means LSR #32, ASR #32 and RRX. The carry out is computed only if *carry*."""
    b = c.b
    if type == LSL:
        if imm5 == 0:
            return value, None
        return b.shl(value, imm5), bit(c, value, 32 - imm5) if carry else None
    if type == ROR and imm5 == 0:
        rrx = b.or_(b.shl(b.zext(I32, b.getreg("cf")), 31), b.shr(value, 1))
        return rrx, bit(c, value, 0) if carry else None
    amount = imm5 or 32
    out = bit(c, value, amount - 1) if carry else None
    if type == LSR:
        return b.shr(value, amount), out
    if type == ASR:
        return b.sar(value, amount), out
    return b.rotr(value, amount), out


def shift_reg(c: Context, value: Inst, type: int, amount: Inst, carry: bool = False) -> Shifted:
    """Shift_C by the low byte of *amount*."""
    b = c.b
    amount = b.and_(amount, 0xFF)
    shifted = {LSL: b.shl, LSR: b.shr, ASR: b.sar, ROR: b.rotr}[type](value, amount)
    if not carry:
        return shifted, None
    # A 64-bit shift keeps the last bit shifted out: above the word for LSL, below it for LSR and ASR.
    wide_amount = b.zext(I64, amount)
    if type == LSL:
        out = b.trunc(I1, b.shr(b.shl(b.zext(I64, value), wide_amount), 32))
    elif type == LSR:
        out = b.trunc(I1, b.shr(b.shl(b.zext(I64, value), 1), wide_amount))
    elif type == ASR:
        out = b.trunc(I1, b.sar(b.shl(b.sext(I64, value), 1), wide_amount))
    else:
        out = bit(c, shifted, 31)
    return shifted, b.select(b.eq(amount, 0), b.getreg("cf"), out)
