"""Packing, extension, bit field and miscellaneous data-processing instructions (ARM ARM A4.4.7 and A4.4.8), and CRC32 of ARMv8."""

from __future__ import annotations

from dbt.frontend.arm.context import Context
from dbt.frontend.arm.operands import ASR, LSL, shift_imm
from dbt.ir.types import I8, I16, I32, Type
from dbt.ir.unit import Inst

_PAIR = 0x00FF00FF


# Extension: Rm rotated right by 8 * rotate; with Rn, the result is added to it ------------------------------------------------------
def sxtb(c: Context, Rd: int, Rm: int, rotate: int = 0, Rn: int | None = None) -> None:
    _extend(c, Rd, Rm, rotate, Rn, I8, signed=True)


def sxth(c: Context, Rd: int, Rm: int, rotate: int = 0, Rn: int | None = None) -> None:
    _extend(c, Rd, Rm, rotate, Rn, I16, signed=True)


def uxtb(c: Context, Rd: int, Rm: int, rotate: int = 0, Rn: int | None = None) -> None:
    _extend(c, Rd, Rm, rotate, Rn, I8, signed=False)


def uxth(c: Context, Rd: int, Rm: int, rotate: int = 0, Rn: int | None = None) -> None:
    _extend(c, Rd, Rm, rotate, Rn, I16, signed=False)


def uxtb16(c: Context, Rd: int, Rm: int, rotate: int = 0, Rn: int | None = None) -> None:
    _add_halves(c, Rd, Rn, c.b.and_(_rotated(c, Rm, rotate), _PAIR))


def sxtb16(c: Context, Rd: int, Rm: int, rotate: int = 0, Rn: int | None = None) -> None:
    b = c.b
    value = _rotated(c, Rm, rotate)
    low = b.and_(b.sext(I32, b.trunc(I8, value)), 0xFFFF)
    high = b.shl(b.sext(I32, b.trunc(I8, b.shr(value, 16))), 16)
    _add_halves(c, Rd, Rn, b.or_(high, low))


sxtab, sxtah, uxtab, uxtah, sxtab16, uxtab16 = sxtb, sxth, uxtb, uxth, sxtb16, uxtb16


def _rotated(c: Context, Rm: int, rotate: int) -> Inst:
    value = c.get_reg(Rm)
    return c.b.rotr(value, 8 * rotate) if rotate else value


def _extend(c: Context, Rd: int, Rm: int, rotate: int, Rn: int | None, type: Type, signed: bool) -> None:
    b = c.b
    value = c.extend(b.trunc(type, _rotated(c, Rm, rotate)), signed)
    c.put_reg(Rd, value if Rn is None else b.add(c.get_reg(Rn), value))


def _add_halves(c: Context, Rd: int, Rn: int | None, halves: Inst) -> None:
    b = c.b
    if Rn is not None:
        n = c.get_reg(Rn)
        low = b.and_(b.add(n, halves), 0xFFFF)
        high = b.add(b.and_(n, 0xFFFF0000), b.and_(halves, 0xFFFF0000))
        halves = b.or_(high, low)
    c.put_reg(Rd, halves)


def pkh(c: Context, Rd: int, Rn: int, Rm: int, imm5: int, tb: int) -> None:
    """PKHBT and, with *tb*, PKHTB."""
    b = c.b
    n = c.get_reg(Rn)
    m, _ = shift_imm(c, c.get_reg(Rm), ASR if tb else LSL, imm5)
    top, bottom = (n, m) if tb else (m, n)
    c.put_reg(Rd, b.or_(b.and_(top, 0xFFFF0000), b.and_(bottom, 0xFFFF)))


# Bit fields ---------------------------------------------------------------------------------------------------------------
def bfc(c: Context, Rd: int, msb: int, lsb: int) -> None:
    _check_field(c, msb, lsb)
    c.put_reg(Rd, c.b.and_(c.get_reg(Rd), ~_field_mask(msb, lsb)))


def bfi(c: Context, Rd: int, Rn: int, msb: int, lsb: int) -> None:
    b = c.b
    _check_field(c, msb, lsb)
    mask = _field_mask(msb, lsb)
    inserted = c.get_reg(Rn)
    if lsb:
        inserted = b.shl(inserted, lsb)
    c.put_reg(Rd, b.or_(b.and_(c.get_reg(Rd), ~mask), b.and_(inserted, mask)))


def _check_field(c: Context, msb: int, lsb: int) -> None:
    if msb < lsb:
        c.unpredictable()


def _field_mask(msb: int, lsb: int) -> int:
    return (2 << msb) - (1 << lsb)


def sbfx(c: Context, Rd: int, Rn: int, lsb: int, widthm1: int) -> None:
    b = c.b
    if lsb + widthm1 > 31:
        c.unpredictable()
    value = c.get_reg(Rn)
    above = 31 - (lsb + widthm1)
    if above:
        value = b.shl(value, above)
    c.put_reg(Rd, b.sar(value, 31 - widthm1))


def ubfx(c: Context, Rd: int, Rn: int, lsb: int, widthm1: int) -> None:
    b = c.b
    if lsb + widthm1 > 31:
        c.unpredictable()
    value = c.get_reg(Rn)
    if lsb:
        value = b.shr(value, lsb)
    if lsb + widthm1 < 31:
        value = b.and_(value, (2 << widthm1) - 1)
    c.put_reg(Rd, value)


# Order of bits and bytes -----------------------------------------------------------------------------------------------------
def clz(c: Context, Rd: int, Rm: int) -> None:
    c.put_reg(Rd, c.b.clz(c.get_reg(Rm)))


def rbit(c: Context, Rd: int, Rm: int) -> None:
    c.put_reg(Rd, c.b.bitrev(c.get_reg(Rm)))


def rev(c: Context, Rd: int, Rm: int) -> None:
    c.put_reg(Rd, c.b.bswap(c.get_reg(Rm)))


def rev16(c: Context, Rd: int, Rm: int) -> None:
    c.put_reg(Rd, c.b.rotr(c.b.bswap(c.get_reg(Rm)), 16))


def revsh(c: Context, Rd: int, Rm: int) -> None:
    c.put_reg(Rd, c.b.sar(c.b.bswap(c.get_reg(Rm)), 16))


# CRC32 (ARMv8) ---------------------------------------------------------------------------------------------------------------
def crc32(c: Context, Rd: int, Rn: int, Rm: int, sz: int) -> None:
    _crc(c, Rd, Rn, Rm, sz, 0xEDB88320)


def crc32c(c: Context, Rd: int, Rn: int, Rm: int, sz: int) -> None:
    _crc(c, Rd, Rn, Rm, sz, 0x82F63B78)


def _crc(c: Context, Rd: int, Rn: int, Rm: int, sz: int, polynomial: int) -> None:
    """CRC of 8 << *sz* bits of Rm, bit by bit; *polynomial* is bit-reversed."""
    b = c.b
    if sz == 3:
        c.undefined()
    value = c.get_reg(Rm)
    if sz < 2:
        value = b.and_(value, (1 << (8 << sz)) - 1)
    crc = b.xor(c.get_reg(Rn), value)
    for _ in range(8 << sz):
        crc = b.xor(b.shr(crc, 1), b.and_(b.neg(b.and_(crc, 1)), polynomial))
    c.put_reg(Rd, crc)
