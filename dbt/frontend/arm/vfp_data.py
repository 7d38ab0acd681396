"""VFP data processing (ARM ARM A7.5): arithmetic, moves, comparisons, and ARMv8's VSEL, VMAXNM, VMINNM and VRINT."""

from __future__ import annotations

from collections.abc import Callable

from dbt.frontend.arm.context import Context
from dbt.frontend.arm.simd import ROUND_AS_FPSCR, ROUND_BY_RM, ROUND_ZERO, FloatOperands, float_slot, float_type
from dbt.ir.builder import Builder
from dbt.ir.types import F32, I32, I64, Type
from dbt.ir.unit import Inst

_Result = Callable[[Builder, FloatOperands], Inst]


def _binary(result: _Result) -> Callable[..., None]:
    """``Vd = f(Vn, Vm)``."""

    def lift(c: Context, sz: int, D: int, Vn: int, Vd: int, N: int, M: int, Vm: int) -> None:
        v = FloatOperands(c.b, sz, float_slot(sz, D, Vd), float_slot(sz, N, Vn), float_slot(sz, M, Vm))
        v.put(result(c.b, v))

    lift.__doc__ = result.__doc__
    return lift


def _unary(result: _Result) -> Callable[..., None]:
    """``Vd = f(Vm)``."""

    def lift(c: Context, sz: int, D: int, Vd: int, M: int, Vm: int) -> None:
        m = float_slot(sz, M, Vm)
        v = FloatOperands(c.b, sz, float_slot(sz, D, Vd), m, m)
        v.put(result(c.b, v))

    lift.__doc__ = result.__doc__
    return lift


# Products and sums: each step is rounded. The operand order decides which NaN comes out. ----------------------------------
@_binary
def vmla(b: Builder, v: FloatOperands) -> Inst:
    return b.fadd(v.d, b.fmul(v.n, v.m))


@_binary
def vmls(b: Builder, v: FloatOperands) -> Inst:
    return b.fadd(v.d, b.fneg(b.fmul(v.n, v.m)))


@_binary
def vnmls(b: Builder, v: FloatOperands) -> Inst:
    return b.fadd(b.fneg(v.d), b.fmul(v.n, v.m))


@_binary
def vnmla(b: Builder, v: FloatOperands) -> Inst:
    return b.fadd(b.fneg(v.d), b.fneg(b.fmul(v.n, v.m)))


@_binary
def vmul(b: Builder, v: FloatOperands) -> Inst:
    return b.fmul(v.n, v.m)


@_binary
def vnmul(b: Builder, v: FloatOperands) -> Inst:
    return b.fneg(b.fmul(v.n, v.m))


@_binary
def vadd(b: Builder, v: FloatOperands) -> Inst:
    return b.fadd(v.n, v.m)


@_binary
def vsub(b: Builder, v: FloatOperands) -> Inst:
    return b.fsub(v.n, v.m)


@_binary
def vdiv(b: Builder, v: FloatOperands) -> Inst:
    return b.fdiv(v.n, v.m)


# Fused: one rounding ------------------------------------------------------------------------------------------------------
@_binary
def vfma(b: Builder, v: FloatOperands) -> Inst:
    return b.fma(v.n, v.m, v.d)


@_binary
def vfms(b: Builder, v: FloatOperands) -> Inst:
    return b.fma(b.fneg(v.n), v.m, v.d)


@_binary
def vfnma(b: Builder, v: FloatOperands) -> Inst:
    return b.fma(b.fneg(v.n), v.m, b.fneg(v.d))


@_binary
def vfnms(b: Builder, v: FloatOperands) -> Inst:
    return b.fma(v.n, v.m, b.fneg(v.d))


# Moves, signs, square root ------------------------------------------------------------------------------------------------
def expand_imm(imm8: int, type: Type) -> int:
    """VFPExpandImm(): imm8 is a sign, three exponent bits and four fraction bits."""
    exponent_bits, fraction_bits = (8, 23) if type is F32 else (11, 52)
    high, low = imm8 >> 6 & 1, imm8 >> 4 & 3
    exponent = (high ^ 1) << exponent_bits - 1 | (high * ((1 << exponent_bits - 3) - 1)) << 2 | low
    return imm8 >> 7 << type.bits - 1 | exponent << fraction_bits | (imm8 & 15) << fraction_bits - 4


def vmov_imm(c: Context, D: int, imm8: int, Vd: int, sz: int) -> None:
    type = float_type(sz)
    c.b.put(c.b.const(type, expand_imm(imm8, type)), slot=float_slot(sz, D, Vd))


@_unary
def vmov_reg(b: Builder, v: FloatOperands) -> Inst:
    return v.m


@_unary
def vabs(b: Builder, v: FloatOperands) -> Inst:
    return b.fabs(v.m)


@_unary
def vneg(b: Builder, v: FloatOperands) -> Inst:
    return b.fneg(v.m)


@_unary
def vsqrt(b: Builder, v: FloatOperands) -> Inst:
    return b.fsqrt(v.m)


# Comparisons --------------------------------------------------------------------------------------------------------------
def _compare(c: Context, x: Inst, y: Inst, signal: int) -> None:
    c.b.put(c.b.shl(c.b.fcmp(x, y, signal=signal), 28), slot="fpscr_nzcv")


def vcmp(c: Context, D: int, Vd: int, sz: int, E: int, M: int, Vm: int) -> None:
    """VCMP and VCMPE, which raises Invalid Operation for quiet NaNs too."""
    type = float_type(sz)
    _compare(c, c.b.get(type, slot=float_slot(sz, D, Vd)), c.b.get(type, slot=float_slot(sz, M, Vm)), E)


def vcmp_zero(c: Context, D: int, Vd: int, sz: int, E: int) -> None:
    type = float_type(sz)
    _compare(c, c.b.get(type, slot=float_slot(sz, D, Vd)), c.b.const(type, 0), E)


# ARMv8 --------------------------------------------------------------------------------------------------------------------
def _select_number(b: Builder, v: FloatOperands, negative: int) -> tuple[Inst, Inst]:
    """The operands of FPMaxNum or FPMinNum: a quiet NaN beside something else gives way to the infinity that loses."""
    single = v.type is F32
    quiet = 0x7FC00000 if single else 0x7FF8 << 48
    infinity = b.const(v.type, negative << v.type.bits - 1 | (0x7F800000 if single else 0x7FF0 << 48))
    bits = I32 if single else I64

    def is_quiet(x: Inst) -> Inst:
        return b.eq(b.and_(b.bitcast(bits, x), quiet), quiet)

    n_quiet, m_quiet = is_quiet(v.n), is_quiet(v.m)
    n = b.select(b.and_(n_quiet, b.not_(m_quiet)), infinity, v.n)
    m = b.select(b.and_(m_quiet, b.not_(n_quiet)), infinity, v.m)
    return n, m


@_binary
def vmaxnm(b: Builder, v: FloatOperands) -> Inst:
    return b.fmax(*_select_number(b, v, negative=1))


@_binary
def vminnm(b: Builder, v: FloatOperands) -> Inst:
    return b.fmin(*_select_number(b, v, negative=0))


def vsel(c: Context, D: int, cc: int, Vn: int, Vd: int, sz: int, N: int, M: int, Vm: int) -> None:
    """Vn if the condition cc (EQ, VS, GE or GT) holds, else Vm."""
    condition, negate = c.condition(_VSEL_CONDITIONS[cc])
    v = FloatOperands(c.b, sz, float_slot(sz, D, Vd), float_slot(sz, N, Vn), float_slot(sz, M, Vm))
    v.put(c.b.select(condition, v.m, v.n) if negate else c.b.select(condition, v.n, v.m))


_VSEL_CONDITIONS = (0b0000, 0b0110, 0b1010, 0b1100)  # EQ VS GE GT


def _round(rounding: int, exact: int = 0) -> Callable[..., None]:
    def result(b: Builder, v: FloatOperands) -> Inst:
        return b.frint(v.m, round=rounding, exact=exact)

    return _unary(result)


vrintr = _round(ROUND_AS_FPSCR)
vrintz = _round(ROUND_ZERO)
vrintx = _round(ROUND_AS_FPSCR, exact=1)
_ROUND_RM = tuple(_round(rounding) for rounding in ROUND_BY_RM)


def vrint_rm(c: Context, RM: int, sz: int, D: int, Vd: int, M: int, Vm: int) -> None:
    """VRINTA, VRINTN, VRINTP, VRINTM."""
    _ROUND_RM[RM](c, sz=sz, D=D, Vd=Vd, M=M, Vm=Vm)
