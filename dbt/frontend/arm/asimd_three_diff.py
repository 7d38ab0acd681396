"""Advanced SIMD, three registers of different lengths: long, wide and narrow forms (ARM ARM A7.4.2)."""

from __future__ import annotations

from collections.abc import Callable

from dbt.frontend.arm.context import Context
from dbt.frontend.arm.simd import BinaryOperands, double, extend, vector_slot
from dbt.ir.builder import Builder
from dbt.ir.types import V64, V128
from dbt.ir.unit import Inst

_Result = Callable[[Builder, BinaryOperands], Inst]


def _form(d_quad: int, n_quad: int, m_quad: int, lanes: tuple[int, ...]) -> Callable[[_Result], Callable[..., None]]:
    def decorate(result: _Result) -> Callable[..., None]:
        def lift(c: Context, D: int, size: int, Vn: int, Vd: int, N: int, M: int, Vm: int, U: int = 0) -> None:
            lane = 8 << size
            if lane not in lanes:
                c.undefined()
            d = vector_slot(c, double(D, Vd), d_quad)
            n = vector_slot(c, double(N, Vn), n_quad)
            m = vector_slot(c, double(M, Vm), m_quad)
            b = c.b
            v = BinaryOperands(b, d, V128 if d_quad else V64, lane, U, b.getreg(n), b.getreg(m))
            v.put(result(b, v))

        lift.__doc__ = result.__doc__
        return lift

    return decorate


# ``lane`` is the narrow lane in all forms.
_long = _form(1, 0, 0, (8, 16, 32))
_wide = _form(1, 1, 0, (8, 16, 32))
_narrow = _form(0, 1, 1, (8, 16, 32))
_long_saturating = _form(1, 0, 0, (16, 32))
_long_poly = _form(1, 0, 0, (8,))


def _extended(b: Builder, v: BinaryOperands) -> tuple[Inst, Inst]:
    return extend(b, v.n, v.lane, v.U), extend(b, v.m, v.lane, v.U)


@_long
def vaddl(b: Builder, v: BinaryOperands) -> Inst:
    return b.vadd(*_extended(b, v), lane=2 * v.lane)


@_wide
def vaddw(b: Builder, v: BinaryOperands) -> Inst:
    return b.vadd(v.n, extend(b, v.m, v.lane, v.U), lane=2 * v.lane)


@_long
def vsubl(b: Builder, v: BinaryOperands) -> Inst:
    return b.vsub(*_extended(b, v), lane=2 * v.lane)


@_wide
def vsubw(b: Builder, v: BinaryOperands) -> Inst:
    return b.vsub(v.n, extend(b, v.m, v.lane, v.U), lane=2 * v.lane)


def _high_half(b: Builder, v: BinaryOperands, sum: Inst, rounding: bool) -> Inst:
    wide = 2 * v.lane
    if rounding:
        sum = b.vadd(sum, b.const(V128, _half_units(v.lane)), lane=wide)
    return b.vxtn(b.vshr(sum, lane=wide, imm=v.lane), lane=v.lane)


def _half_units(lane: int) -> int:
    """In every wide lane, half of the narrow result's last place."""
    return (1 << (lane - 1)) * (((1 << 128) - 1) // ((1 << 2 * lane) - 1))


@_narrow
def vaddhn(b: Builder, v: BinaryOperands) -> Inst:
    return _high_half(b, v, b.vadd(v.n, v.m, lane=2 * v.lane), rounding=False)


@_narrow
def vraddhn(b: Builder, v: BinaryOperands) -> Inst:
    return _high_half(b, v, b.vadd(v.n, v.m, lane=2 * v.lane), rounding=True)


@_narrow
def vsubhn(b: Builder, v: BinaryOperands) -> Inst:
    return _high_half(b, v, b.vsub(v.n, v.m, lane=2 * v.lane), rounding=False)


@_narrow
def vrsubhn(b: Builder, v: BinaryOperands) -> Inst:
    return _high_half(b, v, b.vsub(v.n, v.m, lane=2 * v.lane), rounding=True)


def _difference(b: Builder, v: BinaryOperands) -> Inst:
    """The absolute difference is an unsigned number of the narrow width."""
    return b.vuxtl((b.vuabd if v.U else b.vsabd)(v.n, v.m, lane=v.lane), lane=v.lane)


@_long
def vabal(b: Builder, v: BinaryOperands) -> Inst:
    return b.vadd(v.d, _difference(b, v), lane=2 * v.lane)


@_long
def vabdl(b: Builder, v: BinaryOperands) -> Inst:
    return _difference(b, v)


def product(b: Builder, v: BinaryOperands) -> Inst:
    """Full product of every lane."""
    return b.vmul(*_extended(b, v), lane=2 * v.lane)


def doubled_product(b: Builder, v: BinaryOperands) -> Inst:
    """Twice the signed product, saturated."""
    wide = b.vmul(extend(b, v.n, v.lane, 0), extend(b, v.m, v.lane, 0), lane=2 * v.lane)
    return b.vsqadd(wide, wide, lane=2 * v.lane)


@_long
def vmlal(b: Builder, v: BinaryOperands) -> Inst:
    return b.vadd(v.d, product(b, v), lane=2 * v.lane)


@_long
def vmlsl(b: Builder, v: BinaryOperands) -> Inst:
    return b.vsub(v.d, product(b, v), lane=2 * v.lane)


@_long
def vmull(b: Builder, v: BinaryOperands) -> Inst:
    return product(b, v)


@_long_poly
def vmull_poly(b: Builder, v: BinaryOperands) -> Inst:
    return b.vpmull(v.n, v.m, lane=v.lane)


@_long_saturating
def vqdmlal(b: Builder, v: BinaryOperands) -> Inst:
    return b.vsqadd(v.d, doubled_product(b, v), lane=2 * v.lane)


@_long_saturating
def vqdmlsl(b: Builder, v: BinaryOperands) -> Inst:
    return b.vsqsub(v.d, doubled_product(b, v), lane=2 * v.lane)


@_long_saturating
def vqdmull(b: Builder, v: BinaryOperands) -> Inst:
    return doubled_product(b, v)
