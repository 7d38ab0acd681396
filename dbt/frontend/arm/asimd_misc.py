"""Advanced SIMD, two registers, miscellaneous (ARM ARM A7.4.5), and the permutations VEXT, VTBL, VTBX and VDUP (scalar)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dbt.frontend.arm.context import Context
from dbt.frontend.arm.simd import (
    FLOAT_LANE,
    ROUND_BY_RM,
    ROUND_NEAREST,
    ROUND_ZERO,
    Operands,
    broadcast,
    double,
    extend,
    join,
    pick,
    vector_abs,
    vector_neg,
    vector_slot,
    vector_type,
)  # fmt: skip
from dbt.ir.builder import Builder
from dbt.ir.types import V64
from dbt.ir.unit import Inst

_Result = Callable[[Builder, Operands], Inst]


def _form(*lanes: int, d_quad: int | None = None, m_quad: int | None = None) -> Callable[[_Result], Callable[..., None]]:
    """Semantics of ``Vd = f(Vm)`` for these lane widths; *d_quad* and *m_quad* fix a register's length, which is otherwise Q's."""

    def decorate(result: _Result) -> Callable[..., None]:
        def lift(c: Context, D: int, Vd: int, M: int, Vm: int, Q: int = 0, U: int = 0, size: int = 2) -> None:
            lane = 8 << size
            if lane not in lanes:
                c.undefined()
            to_quad = Q if d_quad is None else d_quad
            d = vector_slot(c, double(D, Vd), to_quad)
            m = vector_slot(c, double(M, Vm), Q if m_quad is None else m_quad)
            b = c.b
            v = Operands(b, d, vector_type(to_quad), lane, U, b.getreg(m))
            v.put(result(b, v))

        lift.__doc__ = result.__doc__
        return lift

    return decorate


_integer = _form(8, 16, 32)
_bytes = _form(8)
_float = _form(FLOAT_LANE)
_narrow = _form(8, 16, 32, d_quad=0, m_quad=1)


# Reversals and pairwise sums ----------------------------------------------------------------------------------------------
def _reverse(group: int) -> Callable[..., None]:
    """VREV: the lanes of each group of *group* bits in opposite order."""

    def result(b: Builder, v: Operands) -> Inst:
        flip = group // v.lane - 1
        return pick(b, v.m, v.m, [i ^ flip for i in range(v.type.bits // v.lane)], v.lane)

    return _form(*[lane for lane in (8, 16, 32) if lane < group])(result)


vrev64 = _reverse(64)
vrev32 = _reverse(32)
vrev16 = _reverse(16)


def _pair_sums(b: Builder, v: Operands) -> Inst:
    """Sums of neighbouring lanes, of twice the width."""
    wide = 2 * v.lane
    shift = b.vshr if v.U else b.vsar
    even = shift(b.vshl(v.m, lane=wide, imm=v.lane), lane=wide, imm=v.lane)
    return b.vadd(even, shift(v.m, lane=wide, imm=v.lane), lane=wide)


@_integer
def vpaddl(b: Builder, v: Operands) -> Inst:
    return _pair_sums(b, v)


@_integer
def vpadal(b: Builder, v: Operands) -> Inst:
    return b.vadd(v.d, _pair_sums(b, v), lane=2 * v.lane)


# Bit counts and complements -----------------------------------------------------------------------------------------------
@_integer
def vcls(b: Builder, v: Operands) -> Inst:
    return b.vcls(v.m, lane=v.lane)


@_integer
def vclz(b: Builder, v: Operands) -> Inst:
    return b.vclz(v.m, lane=v.lane)


@_bytes
def vcnt(b: Builder, v: Operands) -> Inst:
    return b.vcnt(v.m, lane=v.lane)


@_bytes
def vmvn(b: Builder, v: Operands) -> Inst:
    return b.vnot(v.m)


# Signs --------------------------------------------------------------------------------------------------------------------
@_integer
def vqabs(b: Builder, v: Operands) -> Inst:
    return b.vsqabs(v.m, lane=v.lane)


@_integer
def vqneg(b: Builder, v: Operands) -> Inst:
    return b.vsqneg(v.m, lane=v.lane)


@_integer
def vabs(b: Builder, v: Operands) -> Inst:
    return b.vabs(v.m, lane=v.lane)


@_integer
def vneg(b: Builder, v: Operands) -> Inst:
    return b.vsub(v.splat(0), v.m, lane=v.lane)


@_float
def vabs_float(b: Builder, v: Operands) -> Inst:
    return vector_abs(b, v.m)


@_float
def vneg_float(b: Builder, v: Operands) -> Inst:
    return vector_neg(b, v.m)


# Comparisons with zero ----------------------------------------------------------------------------------------------------
@_integer
def vcgt_zero(b: Builder, v: Operands) -> Inst:
    return b.vcsgt(v.m, v.splat(0), lane=v.lane)


@_integer
def vcge_zero(b: Builder, v: Operands) -> Inst:
    return b.vcsge(v.m, v.splat(0), lane=v.lane)


@_integer
def vceq_zero(b: Builder, v: Operands) -> Inst:
    return b.vceq(v.m, v.splat(0), lane=v.lane)


@_integer
def vcle_zero(b: Builder, v: Operands) -> Inst:
    return b.vcsge(v.splat(0), v.m, lane=v.lane)


@_integer
def vclt_zero(b: Builder, v: Operands) -> Inst:
    return b.vcsgt(v.splat(0), v.m, lane=v.lane)


@_float
def vcgt_zero_float(b: Builder, v: Operands) -> Inst:
    return b.vfcgt(v.m, v.splat(0), lane=v.lane)


@_float
def vcge_zero_float(b: Builder, v: Operands) -> Inst:
    return b.vfcge(v.m, v.splat(0), lane=v.lane)


@_float
def vceq_zero_float(b: Builder, v: Operands) -> Inst:
    return b.vfceq(v.m, v.splat(0), lane=v.lane)


@_float
def vcle_zero_float(b: Builder, v: Operands) -> Inst:
    return b.vfcge(v.splat(0), v.m, lane=v.lane)


@_float
def vclt_zero_float(b: Builder, v: Operands) -> Inst:
    return b.vfcgt(v.splat(0), v.m, lane=v.lane)


# Narrowing and widening ---------------------------------------------------------------------------------------------------
@_narrow
def vmovn(b: Builder, v: Operands) -> Inst:
    return b.vxtn(v.m, lane=v.lane)


@_narrow
def vqmovn(b: Builder, v: Operands) -> Inst:
    return (b.vuqxtn if v.U else b.vsqxtn)(v.m, lane=v.lane)


@_narrow
def vqmovun(b: Builder, v: Operands) -> Inst:
    return b.vsqxtun(v.m, lane=v.lane)


@_form(8, 16, 32, d_quad=1, m_quad=0)
def vshll_max(b: Builder, v: Operands) -> Inst:
    return b.vshl(extend(b, v.m, v.lane, 1), lane=2 * v.lane, imm=v.lane)


@_form(16, d_quad=0, m_quad=1)
def vcvt_f16_f32(b: Builder, v: Operands) -> Inst:
    return b.vfcvt_f2h(v.m)


@_form(16, d_quad=1, m_quad=0)
def vcvt_f32_f16(b: Builder, v: Operands) -> Inst:
    return b.vfcvt_h2f(v.m)


# Estimates and conversions ------------------------------------------------------------------------------------------------
@_float
def vrecpe(b: Builder, v: Operands) -> Inst:
    return b.vurecpe(v.m, lane=v.lane)


@_float
def vrsqrte(b: Builder, v: Operands) -> Inst:
    return b.vursqrte(v.m, lane=v.lane)


@_float
def vrecpe_float(b: Builder, v: Operands) -> Inst:
    return b.vfrecpe(v.m, lane=v.lane)


@_float
def vrsqrte_float(b: Builder, v: Operands) -> Inst:
    return b.vfrsqrte(v.m, lane=v.lane)


@_float
def vcvt_to_int(b: Builder, v: Operands) -> Inst:
    return b.vftoi(v.m, lane=v.lane, signed=1 - v.U)


@_float
def vcvt_from_int(b: Builder, v: Operands) -> Inst:
    return b.vitof(v.m, lane=v.lane, signed=1 - v.U)


def _round(rounding: int, exact: int = 0) -> Callable[..., None]:
    """VRINT with a rounding of its own (ARMv8)."""

    def result(b: Builder, v: Operands) -> Inst:
        return b.vfrint(v.m, lane=v.lane, round=rounding, exact=exact)

    return _float(result)


vrinta, vrintn, vrintp, vrintm = [_round(rounding) for rounding in ROUND_BY_RM]
vrintx = _round(ROUND_NEAREST, exact=1)  # the standard FPSCR rounds to nearest
vrintz = _round(ROUND_ZERO)


def _convert(rounding: int) -> Callable[..., None]:
    """VCVTA, VCVTN, VCVTP, VCVTM: to integer with a rounding of its own (ARMv8)."""

    def result(b: Builder, v: Operands) -> Inst:
        return b.vftoi(v.m, lane=v.lane, signed=1 - v.U, round=rounding)

    return _float(result)


vcvta, vcvtn, vcvtp, vcvtm = [_convert(rounding) for rounding in ROUND_BY_RM]


# Two results --------------------------------------------------------------------------------------------------------------
_Lanes = Callable[[int], Iterable[int]]


def _exchange(d_lanes: _Lanes, m_lanes: _Lanes, pairs: bool = False) -> Callable[..., None]:
    """Both registers change; *d_lanes* and *m_lanes* give, for a number of lanes, which lanes of Vd followed by Vm make each result. Without *pairs*
    two lanes are UNDEFINED: VTRN does the same."""

    def lift(c: Context, D: int, size: int, Vd: int, Q: int, M: int, Vm: int) -> None:
        lane = 8 << size
        count = vector_type(Q).bits // lane
        if lane == 64 or count == 2 and not pairs:
            c.undefined()
        d, m = vector_slot(c, double(D, Vd), Q), vector_slot(c, double(M, Vm), Q)
        b = c.b
        x, y = b.getreg(d), b.getreg(m)
        new_d, new_m = pick(b, x, y, d_lanes(count), lane), pick(b, x, y, m_lanes(count), lane)
        b.put(new_d, slot=d)
        b.put(new_m, slot=m)

    return lift


def _interleave(first: range, second: range) -> list[int]:
    return [lane for pair in zip(first, second, strict=True) for lane in pair]


vtrn = _exchange(lambda n: _interleave(range(0, n, 2), range(n, 2 * n, 2)), lambda n: _interleave(range(1, n, 2), range(n + 1, 2 * n, 2)), pairs=True)
vuzp = _exchange(lambda n: range(0, 2 * n, 2), lambda n: range(1, 2 * n, 2))
vzip = _exchange(lambda n: _interleave(range(n // 2), range(n, n + n // 2)), lambda n: _interleave(range(n // 2, n), range(n + n // 2, 2 * n)))


def vswp(c: Context, D: int, size: int, Vd: int, Q: int, M: int, Vm: int) -> None:
    if size:
        c.undefined()
    d, m = vector_slot(c, double(D, Vd), Q), vector_slot(c, double(M, Vm), Q)
    x, y = c.b.getreg(d), c.b.getreg(m)
    c.b.put(y, slot=d)
    c.b.put(x, slot=m)


# Permutations -------------------------------------------------------------------------------------------------------------
def vext(c: Context, D: int, Vn: int, Vd: int, imm4: int, N: int, Q: int, M: int, Vm: int) -> None:
    if not Q and imm4 > 7:
        c.undefined()
    d, n, m = [vector_slot(c, double(high, low), Q) for high, low in ((D, Vd), (N, Vn), (M, Vm))]
    b = c.b
    b.put(pick(b, b.getreg(n), b.getreg(m), range(imm4, imm4 + vector_type(Q).bits // 8), 8), slot=d)


def vtbl(c: Context, D: int, Vn: int, Vd: int, len: int, N: int, op: int, M: int, Vm: int) -> None:
    """VTBL, and VTBX (op), which leaves the bytes with an index out of range alone."""
    first, count = double(N, Vn), len + 1
    if first + count > 32:
        c.unpredictable()
    b = c.b
    zero = b.const(V64, 0)
    table = [b.getreg(f"d{first + i}") if i < count else zero for i in range(4)]
    otherwise = b.getreg(f"d{double(D, Vd)}") if op else zero
    b.put(b.vtbl(b.getreg(f"d{double(M, Vm)}"), join(b, table[0], table[1]), join(b, table[2], table[3]), otherwise, count=count), slot=f"d{double(D, Vd)}")


def vdup_scalar(c: Context, D: int, imm4: int, Vd: int, Q: int, M: int, Vm: int) -> None:
    """The lowest set bit of imm4 tells the lane width, the bits above it the index."""
    if imm4 & 7 == 0:
        c.undefined()
    low = imm4 & -imm4
    c.b.put(broadcast(c.b, double(M, Vm), imm4 // (2 * low), 8 * low, vector_type(Q)), slot=vector_slot(c, double(D, Vd), Q))
