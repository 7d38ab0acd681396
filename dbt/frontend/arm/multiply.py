"""Multiply and divide instructions (ARM ARM A4.4.3, A4.4.9). Operand names are the A32 ones: Rd = Rn * Rm + Ra."""

from __future__ import annotations

from dbt.frontend.arm.context import PC, Context
from dbt.ir.types import I16, I32, I64
from dbt.ir.unit import Inst


# 32-bit results ---------------------------------------------------------------------------------------------------------
def mul(c: Context, Rd: int, Rn: int, Rm: int, S: int = 0) -> None:
    _put_flags(c, Rd, c.b.mul(c.get_reg(Rn), c.get_reg(Rm)), S)


def mul_t16(c: Context, Rd: int, Rn: int, Rm: int) -> None:
    mul(c, Rd, Rn, Rm, not c.in_it)


def mla(c: Context, Rd: int, Ra: int, Rn: int, Rm: int, S: int = 0) -> None:
    b = c.b
    _put_flags(c, Rd, b.add(b.mul(c.get_reg(Rn), c.get_reg(Rm)), c.get_reg(Ra)), S)


def mls(c: Context, Rd: int, Ra: int, Rn: int, Rm: int) -> None:
    b = c.b
    c.put_reg(Rd, b.sub(c.get_reg(Ra), b.mul(c.get_reg(Rn), c.get_reg(Rm))))


def _put_flags(c: Context, Rd: int, result: Inst, S: int) -> None:
    if S:
        c.set_nz(result)  # C and V are unchanged
    c.put_reg(Rd, result)


def sdiv(c: Context, Rd: int, Rn: int, Rm: int) -> None:
    c.put_reg(Rd, c.b.sdiv(c.get_reg(Rn), c.get_reg(Rm)))


def udiv(c: Context, Rd: int, Rn: int, Rm: int) -> None:
    c.put_reg(Rd, c.b.udiv(c.get_reg(Rn), c.get_reg(Rm)))


# 64-bit results ---------------------------------------------------------------------------------------------------------
def umull(c: Context, RdHi: int, RdLo: int, Rn: int, Rm: int, S: int = 0) -> None:
    _put_long(c, RdHi, RdLo, _product(c, Rn, Rm, signed=False), S)


def umlal(c: Context, RdHi: int, RdLo: int, Rn: int, Rm: int, S: int = 0) -> None:
    _put_long(c, RdHi, RdLo, c.b.add(_product(c, Rn, Rm, signed=False), _get_long(c, RdHi, RdLo)), S)


def umaal(c: Context, RdHi: int, RdLo: int, Rn: int, Rm: int) -> None:
    b = c.b
    total = b.add(_product(c, Rn, Rm, signed=False), b.zext(I64, c.get_reg(RdHi)))
    _put_long(c, RdHi, RdLo, b.add(total, b.zext(I64, c.get_reg(RdLo))))


def smull(c: Context, RdHi: int, RdLo: int, Rn: int, Rm: int, S: int = 0) -> None:
    _put_long(c, RdHi, RdLo, _product(c, Rn, Rm, signed=True), S)


def smlal(c: Context, RdHi: int, RdLo: int, Rn: int, Rm: int, S: int = 0) -> None:
    _put_long(c, RdHi, RdLo, c.b.add(_product(c, Rn, Rm, signed=True), _get_long(c, RdHi, RdLo)), S)


def _product(c: Context, Rn: int, Rm: int, signed: bool) -> Inst:
    b = c.b
    extend = b.sext if signed else b.zext
    return b.mul(extend(I64, c.get_reg(Rn)), extend(I64, c.get_reg(Rm)))


def _get_long(c: Context, RdHi: int, RdLo: int) -> Inst:
    b = c.b
    return b.or_(b.shl(b.zext(I64, c.get_reg(RdHi)), 32), b.zext(I64, c.get_reg(RdLo)))


def _put_long(c: Context, RdHi: int, RdLo: int, value: Inst, S: int = 0) -> None:
    b = c.b
    low, high = b.trunc(I32, value), b.trunc(I32, b.shr(value, 32))
    if S:
        b.put(high, slot="nf")
        b.put(b.or_(high, low), slot="zf")
    c.put_reg(RdLo, low)
    c.put_reg(RdHi, high)


# Halfword products: N and M choose the top half of Rn and Rm ----------------------------------------------------------------
def smul_xy(c: Context, Rd: int, Rn: int, Rm: int, N: int, M: int) -> None:
    c.put_reg(Rd, c.b.mul(_half(c, Rn, N), _half(c, Rm, M)))


def smla_xy(c: Context, Rd: int, Ra: int, Rn: int, Rm: int, N: int, M: int) -> None:
    b = c.b
    product, addend = b.mul(_half(c, Rn, N), _half(c, Rm, M)), c.get_reg(Ra)
    _set_q(c, b.addo(product, addend))
    c.put_reg(Rd, b.add(product, addend))


def smlal_xy(c: Context, RdHi: int, RdLo: int, Rn: int, Rm: int, N: int, M: int) -> None:
    b = c.b
    product = b.sext(I64, b.mul(_half(c, Rn, N), _half(c, Rm, M)))
    _put_long(c, RdHi, RdLo, b.add(product, _get_long(c, RdHi, RdLo)))


def smulw_y(c: Context, Rd: int, Rn: int, Rm: int, M: int) -> None:
    c.put_reg(Rd, c.b.trunc(I32, _word_by_half(c, Rn, Rm, M)))


def smlaw_y(c: Context, Rd: int, Ra: int, Rn: int, Rm: int, M: int) -> None:
    b = c.b
    product, addend = b.trunc(I32, _word_by_half(c, Rn, Rm, M)), c.get_reg(Ra)
    _set_q(c, b.addo(product, addend))
    c.put_reg(Rd, b.add(product, addend))


def _half(c: Context, n: int, top: int) -> Inst:
    """Half of R[n], sign-extended."""
    b = c.b
    value = c.get_reg(n)
    return b.sar(value, 16) if top else b.sext(I32, b.trunc(I16, value))


def _word_by_half(c: Context, Rn: int, Rm: int, M: int) -> Inst:
    """Bits 47:16 of the 48-bit product, as the low word of an i64."""
    b = c.b
    return b.sar(b.mul(b.sext(I64, c.get_reg(Rn)), b.sext(I64, _half(c, Rm, M))), 16)


def _set_q(c: Context, overflow: Inst) -> None:
    c.b.put(c.b.or_(c.b.getreg("qf"), overflow), slot="qf")


# Dual halfword products: M exchanges the halves of Rm -------------------------------------------------------------------------
def smuad(c: Context, Rd: int, Rn: int, Rm: int, M: int) -> None:
    b = c.b
    low, high = _dual(c, Rn, Rm, M)
    _set_q(c, b.addo(low, high))
    c.put_reg(Rd, b.add(low, high))


def smusd(c: Context, Rd: int, Rn: int, Rm: int, M: int) -> None:
    low, high = _dual(c, Rn, Rm, M)
    c.put_reg(Rd, c.b.sub(low, high))  # cannot overflow


def smlad(c: Context, Rd: int, Ra: int, Rn: int, Rm: int, M: int) -> None:
    b = c.b
    low, high = _dual(c, Rn, Rm, M)
    _put_saturation_noted(c, Rd, b.add(b.add(b.sext(I64, low), b.sext(I64, high)), b.sext(I64, c.get_reg(Ra))))


def smlsd(c: Context, Rd: int, Ra: int, Rn: int, Rm: int, M: int) -> None:
    b = c.b
    low, high = _dual(c, Rn, Rm, M)
    _put_saturation_noted(c, Rd, b.add(b.sub(b.sext(I64, low), b.sext(I64, high)), b.sext(I64, c.get_reg(Ra))))


def smlald(c: Context, RdHi: int, RdLo: int, Rn: int, Rm: int, M: int) -> None:
    b = c.b
    low, high = _dual(c, Rn, Rm, M)
    _put_long(c, RdHi, RdLo, b.add(b.add(b.sext(I64, low), b.sext(I64, high)), _get_long(c, RdHi, RdLo)))


def smlsld(c: Context, RdHi: int, RdLo: int, Rn: int, Rm: int, M: int) -> None:
    b = c.b
    low, high = _dual(c, Rn, Rm, M)
    _put_long(c, RdHi, RdLo, b.add(b.sub(b.sext(I64, low), b.sext(I64, high)), _get_long(c, RdHi, RdLo)))


def _dual(c: Context, Rn: int, Rm: int, M: int) -> tuple[Inst, Inst]:
    """The products of the low and of the high half of Rn."""
    b = c.b
    return b.mul(_half(c, Rn, 0), _half(c, Rm, M)), b.mul(_half(c, Rn, 1), _half(c, Rm, not M))


def _put_saturation_noted(c: Context, Rd: int, wide: Inst) -> None:
    """Rd = the low word of *wide*; Q if that loses something."""
    b = c.b
    result = b.trunc(I32, wide)
    _set_q(c, b.ne(b.sext(I64, result), wide))
    c.put_reg(Rd, result)


# Most significant word: R rounds ----------------------------------------------------------------------------------------------
def smmul(c: Context, Rd: int, Rn: int, Rm: int, R: int) -> None:
    _put_high(c, Rd, _product(c, Rn, Rm, signed=True), R)


def smmla(c: Context, Rd: int, Ra: int, Rn: int, Rm: int, R: int) -> None:
    b = c.b
    _put_high(c, Rd, b.add(b.shl(b.zext(I64, c.get_reg(Ra)), 32), _product(c, Rn, Rm, signed=True)), R)


def smmls(c: Context, Rd: int, Ra: int, Rn: int, Rm: int, R: int) -> None:
    b = c.b
    if Ra == PC:
        c.unpredictable()
    _put_high(c, Rd, b.sub(b.shl(b.zext(I64, c.get_reg(Ra)), 32), _product(c, Rn, Rm, signed=True)), R)


def _put_high(c: Context, Rd: int, value: Inst, R: int) -> None:
    b = c.b
    if R:
        value = b.add(value, 0x80000000)
    c.put_reg(Rd, b.trunc(I32, b.shr(value, 32)))
