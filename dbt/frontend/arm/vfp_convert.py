"""VFP conversions, VCVT (ARM ARM A8.8.306 to A8.8.313): integers and fixed point are 32 bits of a single register unless said otherwise."""

from __future__ import annotations

from dbt.frontend.arm.context import Context
from dbt.frontend.arm.simd import ROUND_AS_FPSCR, ROUND_BY_RM, ROUND_NEAREST, ROUND_ZERO, float_slot, float_type
from dbt.ir.types import I32, I64
from dbt.ir.unit import Inst

_HALF = 16


def vcvt_from_half(c: Context, D: int, Vd: int, sz: int, T: int, M: int, Vm: int) -> None:
    """VCVTB and VCVTT from binary16 in the bottom or top (T) half of a single register. To double precision: ARMv8."""
    b = c.b
    bits = b.get(I32, slot=float_slot(0, M, Vm))
    half = b.shr(bits, _HALF) if T else b.and_(bits, 0xFFFF)
    b.put(b.fcvt_h2f(float_type(sz), half), slot=float_slot(sz, D, Vd))


def vcvt_to_half(c: Context, D: int, Vd: int, sz: int, T: int, M: int, Vm: int) -> None:
    """VCVTB and VCVTT to binary16; the other half of the register stays."""
    b = c.b
    half = b.fcvt_f2h(b.get(float_type(sz), slot=float_slot(sz, M, Vm)))
    slot = float_slot(0, D, Vd)
    old = b.get(I32, slot=slot)
    result = b.or_(b.and_(old, 0xFFFF), b.shl(half, _HALF)) if T else b.or_(b.and_(old, 0xFFFF0000), half)
    b.put(result, slot=slot)


def vcvt_precision(c: Context, D: int, Vd: int, sz: int, M: int, Vm: int) -> None:
    """Between double and single precision; sz is the source's."""
    b = c.b
    b.put(b.fcvt(float_type(1 - sz), b.get(float_type(sz), slot=float_slot(sz, M, Vm))), slot=float_slot(1 - sz, D, Vd))


def vcvt_from_int(c: Context, D: int, Vd: int, sz: int, op: int, M: int, Vm: int) -> None:
    """From a signed (op) or unsigned integer."""
    b = c.b
    b.put(b.itof(float_type(sz), b.get(I32, slot=float_slot(0, M, Vm)), signed=op), slot=float_slot(sz, D, Vd))


def _to_int(c: Context, D: int, Vd: int, sz: int, M: int, Vm: int, signed: int, rounding: int) -> None:
    b = c.b
    value = b.get(float_type(sz), slot=float_slot(sz, M, Vm))
    b.put(b.ftoi(I32, value, signed=signed, width=32, round=rounding), slot=float_slot(0, D, Vd))


def vcvt_to_int(c: Context, D: int, op: int, Vd: int, sz: int, Z: int, M: int, Vm: int) -> None:
    """To a signed (op) or unsigned integer: VCVT towards zero (Z), VCVTR as FPSCR says."""
    _to_int(c, D, Vd, sz, M, Vm, op, ROUND_ZERO if Z else ROUND_AS_FPSCR)


def vcvt_rm(c: Context, D: int, RM: int, Vd: int, sz: int, op: int, M: int, Vm: int) -> None:
    """VCVTA, VCVTN, VCVTP, VCVTM (ARMv8)."""
    _to_int(c, D, Vd, sz, M, Vm, op, ROUND_BY_RM[RM])


# Fixed point: source and destination are the same register -------------------------------------------------------------
def _fraction_bits(c: Context, width: int, i: int, imm4: int) -> int:
    """Number of fraction bits, which cannot be more than *width*."""
    bits = width - (imm4 << 1 | i)
    if bits < 0:
        c.unpredictable()
    return bits


def vcvt_from_fixed(c: Context, D: int, U: int, Vd: int, sf: int, sx: int, i: int, imm4: int) -> None:
    """From fixed point of 32 (sx) or 16 bits in the low end of the register, to nearest."""
    b, slot, width = c.b, float_slot(sf, D, Vd), 32 if sx else _HALF
    fbits = _fraction_bits(c, width, i, imm4)
    value = b.trunc(I32, b.get(I64, slot=slot)) if sf else b.get(I32, slot=slot)
    if not sx:
        value = b.and_(value, 0xFFFF) if U else b.sar(b.shl(value, _HALF), _HALF)
    b.put(b.itof(float_type(sf), value, signed=1 - U, fbits=fbits, round=ROUND_NEAREST), slot=slot)


def vcvt_to_fixed(c: Context, D: int, U: int, Vd: int, sf: int, sx: int, i: int, imm4: int) -> None:
    """To fixed point of 32 (sx) or 16 bits, extended to the register's width, towards zero."""
    b, slot, width = c.b, float_slot(sf, D, Vd), 32 if sx else _HALF
    fbits = _fraction_bits(c, width, i, imm4)
    result: Inst = b.ftoi(I64 if sf else I32, b.get(float_type(sf), slot=slot), signed=1 - U, width=width, fbits=fbits, round=ROUND_ZERO)
    b.put(result, slot=slot)
