"""Advanced SIMD, two registers and a scalar (ARM ARM A7.4.3): the scalar is spread over a vector, then the lane-wise instruction applies."""

from __future__ import annotations

from collections.abc import Callable

from dbt.frontend.arm.asimd_three_diff import doubled_product, product
from dbt.frontend.arm.context import Context
from dbt.frontend.arm.simd import FLOAT_LANE, BinaryOperands, broadcast, double, vector_slot, vector_type
from dbt.ir.builder import Builder
from dbt.ir.types import V64, V128
from dbt.ir.unit import Inst

_Result = Callable[[Builder, BinaryOperands], Inst]


def _scalar(c: Context, lane: int, M: int, Vm: int) -> tuple[int, int]:
    """(doubleword register, lane index) of a scalar operand (ARM ARM A7.3.2)."""
    if lane not in (16, 32):
        c.undefined()
    return (Vm & 7, M << 1 | Vm >> 3) if lane == 16 else (Vm, M)


def _same_length(*lanes: int) -> Callable[[_Result], Callable[..., None]]:
    """``Vd = f(Vn, scalar)`` with Q in bit 24."""

    def decorate(result: _Result) -> Callable[..., None]:
        def lift(c: Context, Q: int, D: int, size: int, Vn: int, Vd: int, N: int, M: int, Vm: int) -> None:
            lane = 8 << size
            if lane not in lanes:
                c.undefined()
            d, n, type = vector_slot(c, double(D, Vd), Q), vector_slot(c, double(N, Vn), Q), vector_type(Q)
            b = c.b
            v = BinaryOperands(b, d, type, lane, 0, b.getreg(n), broadcast(b, *_scalar(c, lane, M, Vm), lane, type))
            v.put(result(b, v))

        return lift

    return decorate


def _long(result: _Result) -> Callable[..., None]:
    """``Qd = f(Dn, scalar)`` with U in bit 24."""

    def lift(c: Context, D: int, size: int, Vn: int, Vd: int, N: int, M: int, Vm: int, U: int = 0) -> None:
        lane = 8 << size
        d, n = vector_slot(c, double(D, Vd), 1), vector_slot(c, double(N, Vn), 0)
        b = c.b
        v = BinaryOperands(b, d, V128, lane, U, b.getreg(n), broadcast(b, *_scalar(c, lane, M, Vm), lane, V64))
        v.put(result(b, v))

    return lift


_integer = _same_length(16, 32)
_float = _same_length(FLOAT_LANE)


@_integer
def vmla_scalar(b: Builder, v: BinaryOperands) -> Inst:
    return b.vadd(v.d, b.vmul(v.n, v.m, lane=v.lane), lane=v.lane)


@_integer
def vmls_scalar(b: Builder, v: BinaryOperands) -> Inst:
    return b.vsub(v.d, b.vmul(v.n, v.m, lane=v.lane), lane=v.lane)


@_integer
def vmul_scalar(b: Builder, v: BinaryOperands) -> Inst:
    return b.vmul(v.n, v.m, lane=v.lane)


@_integer
def vqdmulh_scalar(b: Builder, v: BinaryOperands) -> Inst:
    return b.vsqdmulh(v.n, v.m, lane=v.lane)


@_integer
def vqrdmulh_scalar(b: Builder, v: BinaryOperands) -> Inst:
    return b.vsqrdmulh(v.n, v.m, lane=v.lane)


@_float
def vmla_scalar_float(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfadd(v.d, b.vfmul(v.n, v.m, lane=v.lane), lane=v.lane)


@_float
def vmls_scalar_float(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfsub(v.d, b.vfmul(v.n, v.m, lane=v.lane), lane=v.lane)


@_float
def vmul_scalar_float(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfmul(v.n, v.m, lane=v.lane)


@_long
def vmlal_scalar(b: Builder, v: BinaryOperands) -> Inst:
    return b.vadd(v.d, product(b, v), lane=2 * v.lane)


@_long
def vmlsl_scalar(b: Builder, v: BinaryOperands) -> Inst:
    return b.vsub(v.d, product(b, v), lane=2 * v.lane)


@_long
def vmull_scalar(b: Builder, v: BinaryOperands) -> Inst:
    return product(b, v)


@_long
def vqdmlal_scalar(b: Builder, v: BinaryOperands) -> Inst:
    return b.vsqadd(v.d, doubled_product(b, v), lane=2 * v.lane)


@_long
def vqdmlsl_scalar(b: Builder, v: BinaryOperands) -> Inst:
    return b.vsqsub(v.d, doubled_product(b, v), lane=2 * v.lane)


@_long
def vqdmull_scalar(b: Builder, v: BinaryOperands) -> Inst:
    return doubled_product(b, v)
