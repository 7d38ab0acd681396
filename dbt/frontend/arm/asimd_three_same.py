"""Advanced SIMD, three registers of the same length (ARM ARM A7.4.1)."""

from __future__ import annotations

from collections.abc import Callable

from dbt.frontend.arm.context import Context
from dbt.frontend.arm.simd import FLOAT_LANE, BinaryOperands, double, pick, vector_abs, vector_neg, vector_slot, vector_type
from dbt.ir.builder import Builder
from dbt.ir.unit import Inst

_Result = Callable[[Builder, BinaryOperands], Inst]


def three_same(*lanes: int, quad: bool = True) -> Callable[[_Result], Callable[..., None]]:
    """Semantics of ``Vd = f(Vn, Vm)`` for these lane widths; other widths, and Q = 1 without *quad*, are UNDEFINED."""

    def decorate(result: _Result) -> Callable[..., None]:
        def lift(c: Context, D: int, Vn: int, Vd: int, N: int, M: int, Vm: int, Q: int = 0, U: int = 0, size: int = 2) -> None:
            lane = 8 << size
            if lane not in lanes or Q and not quad:
                c.undefined()
            d = vector_slot(c, double(D, Vd), Q)
            n = vector_slot(c, double(N, Vn), Q)
            m = vector_slot(c, double(M, Vm), Q)
            b = c.b
            v = BinaryOperands(b, d, vector_type(Q), lane, U, b.getreg(n), b.getreg(m))
            v.put(result(b, v))

        lift.__doc__ = result.__doc__
        return lift

    return decorate


three_same_float = three_same(FLOAT_LANE)


# Halving and saturating ---------------------------------------------------------------------------------------------------
@three_same(8, 16, 32)
def vhadd(b: Builder, v: BinaryOperands) -> Inst:
    return (b.vuhadd if v.U else b.vshadd)(v.n, v.m, lane=v.lane)


@three_same(8, 16, 32)
def vrhadd(b: Builder, v: BinaryOperands) -> Inst:
    return (b.vurhadd if v.U else b.vsrhadd)(v.n, v.m, lane=v.lane)


@three_same(8, 16, 32)
def vhsub(b: Builder, v: BinaryOperands) -> Inst:
    return (b.vuhsub if v.U else b.vshsub)(v.n, v.m, lane=v.lane)


@three_same(8, 16, 32, 64)
def vqadd(b: Builder, v: BinaryOperands) -> Inst:
    return (b.vuqadd if v.U else b.vsqadd)(v.n, v.m, lane=v.lane)


@three_same(8, 16, 32, 64)
def vqsub(b: Builder, v: BinaryOperands) -> Inst:
    return (b.vuqsub if v.U else b.vsqsub)(v.n, v.m, lane=v.lane)


# Bitwise: the size field is part of the opcode ----------------------------------------------------------------------------
_bitwise = three_same(32)


@_bitwise
def vand(b: Builder, v: BinaryOperands) -> Inst:
    return b.vand(v.n, v.m)


@_bitwise
def vbic(b: Builder, v: BinaryOperands) -> Inst:
    return b.vandn(v.n, v.m)


def vorr(c: Context, D: int, Vn: int, Vd: int, N: int, Q: int, M: int, Vm: int) -> None:
    """VORR, and VMOV (register), which is VORR of a register with itself."""
    if (N, Vn) == (M, Vm):
        d, m = vector_slot(c, double(D, Vd), Q), vector_slot(c, double(M, Vm), Q)
        c.b.put(c.b.getreg(m), slot=d)
    else:
        _vorr(c, D=D, Vn=Vn, Vd=Vd, N=N, Q=Q, M=M, Vm=Vm)


@_bitwise
def _vorr(b: Builder, v: BinaryOperands) -> Inst:
    return b.vor(v.n, v.m)


@_bitwise
def vorn(b: Builder, v: BinaryOperands) -> Inst:
    return b.vor(v.n, b.vnot(v.m))


@_bitwise
def veor(b: Builder, v: BinaryOperands) -> Inst:
    return b.vxor(v.n, v.m)


@_bitwise
def vbsl(b: Builder, v: BinaryOperands) -> Inst:
    return b.vbsl(v.d, v.n, v.m)


@_bitwise
def vbit(b: Builder, v: BinaryOperands) -> Inst:
    return b.vbsl(v.m, v.n, v.d)


@_bitwise
def vbif(b: Builder, v: BinaryOperands) -> Inst:
    return b.vbsl(v.m, v.d, v.n)


# Comparisons --------------------------------------------------------------------------------------------------------------
@three_same(8, 16, 32)
def vcgt(b: Builder, v: BinaryOperands) -> Inst:
    return (b.vcugt if v.U else b.vcsgt)(v.n, v.m, lane=v.lane)


@three_same(8, 16, 32)
def vcge(b: Builder, v: BinaryOperands) -> Inst:
    return (b.vcuge if v.U else b.vcsge)(v.n, v.m, lane=v.lane)


@three_same(8, 16, 32)
def vtst(b: Builder, v: BinaryOperands) -> Inst:
    return b.vtst(v.n, v.m, lane=v.lane)


@three_same(8, 16, 32)
def vceq(b: Builder, v: BinaryOperands) -> Inst:
    return b.vceq(v.n, v.m, lane=v.lane)


# Shifts by a register: Vm is the value, Vn the count ----------------------------------------------------------------------
@three_same(8, 16, 32, 64)
def vshl(b: Builder, v: BinaryOperands) -> Inst:
    return (b.vushlv if v.U else b.vsshlv)(v.m, v.n, lane=v.lane)


@three_same(8, 16, 32, 64)
def vrshl(b: Builder, v: BinaryOperands) -> Inst:
    return (b.vurshlv if v.U else b.vsrshlv)(v.m, v.n, lane=v.lane)


@three_same(8, 16, 32, 64)
def vqshl(b: Builder, v: BinaryOperands) -> Inst:
    return (b.vuqshlv if v.U else b.vsqshlv)(v.m, v.n, lane=v.lane)


@three_same(8, 16, 32, 64)
def vqrshl(b: Builder, v: BinaryOperands) -> Inst:
    return (b.vuqrshlv if v.U else b.vsqrshlv)(v.m, v.n, lane=v.lane)


# Maximum, minimum, absolute difference ------------------------------------------------------------------------------------
def _max(b: Builder, v: BinaryOperands, n: Inst, m: Inst) -> Inst:
    return (b.vumax if v.U else b.vsmax)(n, m, lane=v.lane)


def _min(b: Builder, v: BinaryOperands, n: Inst, m: Inst) -> Inst:
    return (b.vumin if v.U else b.vsmin)(n, m, lane=v.lane)


@three_same(8, 16, 32)
def vmax(b: Builder, v: BinaryOperands) -> Inst:
    return _max(b, v, v.n, v.m)


@three_same(8, 16, 32)
def vmin(b: Builder, v: BinaryOperands) -> Inst:
    return _min(b, v, v.n, v.m)


@three_same(8, 16, 32)
def vabd(b: Builder, v: BinaryOperands) -> Inst:
    return (b.vuabd if v.U else b.vsabd)(v.n, v.m, lane=v.lane)


@three_same(8, 16, 32)
def vaba(b: Builder, v: BinaryOperands) -> Inst:
    return b.vadd(v.d, (b.vuabd if v.U else b.vsabd)(v.n, v.m, lane=v.lane), lane=v.lane)


# Sums and products --------------------------------------------------------------------------------------------------------
@three_same(8, 16, 32, 64)
def vadd(b: Builder, v: BinaryOperands) -> Inst:
    return b.vadd(v.n, v.m, lane=v.lane)


@three_same(8, 16, 32, 64)
def vsub(b: Builder, v: BinaryOperands) -> Inst:
    return b.vsub(v.n, v.m, lane=v.lane)


@three_same(8, 16, 32)
def vmla(b: Builder, v: BinaryOperands) -> Inst:
    return b.vadd(v.d, b.vmul(v.n, v.m, lane=v.lane), lane=v.lane)


@three_same(8, 16, 32)
def vmls(b: Builder, v: BinaryOperands) -> Inst:
    return b.vsub(v.d, b.vmul(v.n, v.m, lane=v.lane), lane=v.lane)


@three_same(8, 16, 32)
def vmul(b: Builder, v: BinaryOperands) -> Inst:
    return b.vmul(v.n, v.m, lane=v.lane)


@three_same(8)
def vmul_poly(b: Builder, v: BinaryOperands) -> Inst:
    return b.vpmul(v.n, v.m, lane=v.lane)


@three_same(16, 32)
def vqdmulh(b: Builder, v: BinaryOperands) -> Inst:
    return b.vsqdmulh(v.n, v.m, lane=v.lane)


@three_same(16, 32)
def vqrdmulh(b: Builder, v: BinaryOperands) -> Inst:
    return b.vsqrdmulh(v.n, v.m, lane=v.lane)


# Pairwise: neighbours of Vn give the low half of the result, those of Vm the high half ------------------------------------
def _neighbours(b: Builder, v: BinaryOperands) -> tuple[Inst, Inst]:
    """The even lanes of Vn followed by Vm, and the odd ones."""
    count = v.type.bits // v.lane
    return pick(b, v.n, v.m, range(0, 2 * count, 2), v.lane), pick(b, v.n, v.m, range(1, 2 * count, 2), v.lane)


@three_same(8, 16, 32, quad=False)
def vpmax(b: Builder, v: BinaryOperands) -> Inst:
    return _max(b, v, *_neighbours(b, v))


@three_same(8, 16, 32, quad=False)
def vpmin(b: Builder, v: BinaryOperands) -> Inst:
    return _min(b, v, *_neighbours(b, v))


@three_same(8, 16, 32, quad=False)
def vpadd(b: Builder, v: BinaryOperands) -> Inst:
    return b.vadd(*_neighbours(b, v), lane=v.lane)


# Floating point, in standard FPSCR arithmetic -----------------------------------------------------------------------------
@three_same_float
def vadd_float(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfadd(v.n, v.m, lane=v.lane)


@three_same_float
def vsub_float(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfsub(v.n, v.m, lane=v.lane)


@three_same_float
def vmul_float(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfmul(v.n, v.m, lane=v.lane)


@three_same_float
def vmla_float(b: Builder, v: BinaryOperands) -> Inst:
    """Not fused: the product is rounded."""
    return b.vfadd(v.d, b.vfmul(v.n, v.m, lane=v.lane), lane=v.lane)


@three_same_float
def vmls_float(b: Builder, v: BinaryOperands) -> Inst:
    """Not fused: the product is rounded."""
    return b.vfsub(v.d, b.vfmul(v.n, v.m, lane=v.lane), lane=v.lane)


@three_same_float
def vfma(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfma(v.n, v.m, v.d, lane=v.lane)


@three_same_float
def vfms(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfma(vector_neg(b, v.n), v.m, v.d, lane=v.lane)


@three_same_float
def vabd_float(b: Builder, v: BinaryOperands) -> Inst:
    return vector_abs(b, b.vfsub(v.n, v.m, lane=v.lane))


@three_same_float
def vmax_float(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfmax(v.n, v.m, lane=v.lane)


@three_same_float
def vmin_float(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfmin(v.n, v.m, lane=v.lane)


def _number(b: Builder, v: BinaryOperands, x: Inst, y: Inst, infinity: int) -> Inst:
    """*x*, but *infinity* where *x* is a quiet NaN and *y* is none (FPMaxNum, FPMinNum)."""
    quiet = v.splat(0x7FC00000)
    x_quiet = b.vceq(b.vand(x, quiet), quiet, lane=v.lane)
    y_quiet = b.vceq(b.vand(y, quiet), quiet, lane=v.lane)
    return b.vbsl(b.vandn(x_quiet, y_quiet), v.splat(infinity), x)


@three_same_float
def vmaxnm(b: Builder, v: BinaryOperands) -> Inst:
    low = 0xFF800000
    return b.vfmax(_number(b, v, v.n, v.m, low), _number(b, v, v.m, v.n, low), lane=v.lane)


@three_same_float
def vminnm(b: Builder, v: BinaryOperands) -> Inst:
    high = 0x7F800000
    return b.vfmin(_number(b, v, v.n, v.m, high), _number(b, v, v.m, v.n, high), lane=v.lane)


@three_same_float
def vceq_float(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfceq(v.n, v.m, lane=v.lane)


@three_same_float
def vcge_float(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfcge(v.n, v.m, lane=v.lane)


@three_same_float
def vcgt_float(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfcgt(v.n, v.m, lane=v.lane)


@three_same_float
def vacge(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfcge(vector_abs(b, v.n), vector_abs(b, v.m), lane=v.lane)


@three_same_float
def vacgt(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfcgt(vector_abs(b, v.n), vector_abs(b, v.m), lane=v.lane)


@three_same_float
def vrecps(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfrecps(v.n, v.m, lane=v.lane)


@three_same_float
def vrsqrts(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfrsqrts(v.n, v.m, lane=v.lane)


_pairwise_float = three_same(FLOAT_LANE, quad=False)


@_pairwise_float
def vpadd_float(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfadd(*_neighbours(b, v), lane=v.lane)


@_pairwise_float
def vpmax_float(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfmax(*_neighbours(b, v), lane=v.lane)


@_pairwise_float
def vpmin_float(b: Builder, v: BinaryOperands) -> Inst:
    return b.vfmin(*_neighbours(b, v), lane=v.lane)
