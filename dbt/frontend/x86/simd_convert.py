"""Conversions of SSE and SSE2 (SDM vol. 1, 5.5.1.6, 5.6.1.6). What does not fit an integer becomes the "integer indefinite", its most negative number."""

from __future__ import annotations

from dbt.abi.cpu import FP_INVALID
from dbt.frontend.x86.context import Context
from dbt.frontend.x86.operands import Mmx, Operand, Register, Xmm
from dbt.frontend.x86.simd import FLOATS, INTEGERS, constant, from_low, low_float, mmx, put_low, put_vector, vector
from dbt.ir.types import F32, F64, I32, I64, V64
from dbt.ir.unit import Inst

_BY_MXCSR, _TO_ZERO = -1, 3
_LIMITS = {(32, 32): 0x4F00_0000, (32, 64): 0x5F00_0000, (64, 32): 0x41E0 << 48, (64, 64): 0x43E0 << 48}  # (float, integer bits) -> 2^31 or 2^63


def to_integer(c: Context, value: Inst, width: int, truncate: int) -> Inst:
    """A float as an integer of *width* bits."""
    b = c.b
    lane = value.type.bits
    integer = INTEGERS[width]
    magnitude = b.and_(b.bitcast(INTEGERS[lane], value), (1 << lane - 1) - 1)
    outside = b.ule(b.const(magnitude.type, _LIMITS[lane, width]), magnitude)
    indefinite = b.const(integer, 1 << width - 1)
    if truncate or width == 64:
        how = {"round": _TO_ZERO} if truncate else {}
        return b.select(outside, indefinite, b.ftoi(integer, value, signed=1, width=width, **how))
    wide = b.ftoi(I64, value, signed=1, width=64)  # rounding may take a number just below 2^31 there
    narrow = b.trunc(I32, wide)
    lost = b.or_(outside, b.ne(b.sext(I64, narrow), wide))
    found = b.getreg("fp_flags")
    b.put(b.select(lost, b.or_(found, FP_INVALID), found), slot="fp_flags")
    return b.select(lost, indefinite, narrow)


def _lane(c: Context, value: Inst, lane: int, index: int) -> Inst:
    """A lane of a vector as a float."""
    return c.b.bitcast(FLOATS[lane], c.b.vget(INTEGERS[lane], value, lane=lane, index=index))


def _bits(c: Context, value: Inst) -> Inst:
    return c.b.bitcast(INTEGERS[value.type.bits], value)


def _dwords(c: Context, parts: list[Inst]) -> Inst:
    """Two i32 as an i64."""
    b = c.b
    low, high = (b.zext(I64, part) for part in parts)
    return b.or_(low, b.shl(high, 32))


# Scalars --------------------------------------------------------------------------------------------------------------------------
def cvtsi2s(c: Context, dst: Xmm, src: Operand, lane: int) -> None:
    """CVTSI2SS, CVTSI2SD."""
    put_low(c, dst, c.b.itof(FLOATS[lane], c.read(src), signed=1))


def cvts2si(c: Context, dst: Register, src: Operand, truncate: int = 0) -> None:
    """CVTSS2SI, CVTSD2SI and the truncating forms."""
    lane = 32 if c.prefix == 0xF3 else 64
    c.write(dst, to_integer(c, low_float(c, src, lane), dst.size, truncate))


def cvtss2sd(c: Context, dst: Xmm, src: Operand) -> None:
    put_low(c, dst, c.b.fcvt(F64, low_float(c, src, 32)))


def cvtsd2ss(c: Context, dst: Xmm, src: Operand) -> None:
    put_low(c, dst, c.b.fcvt(F32, low_float(c, src, 64)))


# Vectors --------------------------------------------------------------------------------------------------------------------------
def cvtps2pd(c: Context, dst: Xmm, src: Operand) -> None:
    value = vector(c, src)
    put_vector(c, dst, c.b.vpair(*[_bits(c, c.b.fcvt(F64, _lane(c, value, 32, i))) for i in (0, 1)]))


def cvtpd2ps(c: Context, dst: Xmm, src: Operand) -> None:
    value = vector(c, src)
    put_vector(c, dst, from_low(c, _dwords(c, [_bits(c, c.b.fcvt(F32, _lane(c, value, 64, i))) for i in (0, 1)])))


def cvtdq2ps(c: Context, dst: Xmm, src: Operand) -> None:
    put_vector(c, dst, c.b.vitof(vector(c, src), lane=32, signed=1, round=_BY_MXCSR, std=0))


def cvtps2dq(c: Context, dst: Xmm, src: Operand, truncate: int = 0) -> None:
    b = c.b
    value = vector(c, src)
    magnitude = b.vand(value, constant(c, value, 32, 0x7FFF_FFFF))
    outside = b.vcuge(magnitude, constant(c, value, 32, _LIMITS[32, 32]), lane=32)
    integers = b.vftoi(value, lane=32, signed=1, round=_TO_ZERO if truncate else _BY_MXCSR, std=0)  # which never rounds up to 2^31
    put_vector(c, dst, b.vbsl(outside, constant(c, value, 32, 1 << 31), integers))


def cvtdq2pd(c: Context, dst: Xmm, src: Operand) -> None:
    value = vector(c, src)
    put_vector(c, dst, c.b.vpair(*[_bits(c, c.b.itof(F64, c.b.vget(I32, value, lane=32, index=i), signed=1)) for i in (0, 1)]))


def cvtpd2dq(c: Context, dst: Xmm, src: Operand, truncate: int = 0) -> None:
    value = vector(c, src)
    put_vector(c, dst, from_low(c, _dwords(c, [to_integer(c, _lane(c, value, 64, i), 32, truncate) for i in (0, 1)])))


# With MMX registers -----------------------------------------------------------------------------------------------------------------
def _mmx_words(c: Context, src: Operand) -> list[Inst]:
    value = mmx(c, src)
    return [c.b.vget(I32, value, lane=32, index=i) for i in (0, 1)]


def cvtpi2ps(c: Context, dst: Xmm, src: Operand) -> None:
    low = _dwords(c, [_bits(c, c.b.itof(F32, word, signed=1)) for word in _mmx_words(c, src)])
    put_vector(c, dst, c.b.vpair(low, c.b.vhalf(vector(c, dst), index=1)))


def cvtpi2pd(c: Context, dst: Xmm, src: Operand) -> None:
    put_vector(c, dst, c.b.vpair(*[_bits(c, c.b.itof(F64, word, signed=1)) for word in _mmx_words(c, src)]))


def cvtps2pi(c: Context, dst: Mmx, src: Operand, truncate: int = 0) -> None:
    value = vector(c, src)
    put_vector(c, dst, c.b.bitcast(V64, _dwords(c, [to_integer(c, _lane(c, value, 32, i), 32, truncate) for i in (0, 1)])))


def cvtpd2pi(c: Context, dst: Mmx, src: Operand, truncate: int = 0) -> None:
    value = vector(c, src)
    put_vector(c, dst, c.b.bitcast(V64, _dwords(c, [to_integer(c, _lane(c, value, 64, i), 32, truncate) for i in (0, 1)])))
