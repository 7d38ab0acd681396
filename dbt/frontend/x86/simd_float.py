"""Floating-point arithmetic and comparison of SSE to SSE4.1 (SDM vol. 1, 5.5.1.2, 5.5.1.3, 5.6.1.2, 5.6.1.3, 5.7.2, 5.10.3). Exceptions are never trapped."""

from __future__ import annotations

from collections.abc import Callable

from dbt.frontend.x86 import flags
from dbt.frontend.x86.context import Context
from dbt.frontend.x86.operands import Immediate, Operand, Xmm
from dbt.frontend.x86.simd import FLOATS, INTEGERS, byte, constant, low_float, put_low, put_vector, shuffle, vector
from dbt.ir.types import F32, I1, I32
from dbt.ir.unit import Inst

_LESS, _EQUAL, _UNORDERED = 8, 6, 3  # results of fcmp
_ONE, _MAGNITUDE, _SMALLEST = 0x3F80_0000, 0x7FFF_FFFF, 0x0080_0000  # of binary32: 1, all bits but the sign, the smallest normal number
_ROUND_BY_MXCSR = 4
_ROUNDING = (0, 2, 1, 3)  # MXCSR.RC and ROUNDPS's immediate -> the IR's number


def _arithmetic(c: Context, dst: Xmm, src: Operand, name: str, lane: int, is_scalar: int) -> None:
    if is_scalar:
        b = low_float(c, src, lane)
        put_low(c, dst, getattr(c.b, f"f{name}")(low_float(c, dst, lane), b))
    else:
        v = vector(c, src)
        put_vector(c, dst, getattr(c.b, f"vf{name}")(vector(c, dst), v, lane=lane, std=0))


def add(c: Context, dst: Xmm, src: Operand, lane: int, scalar: int = 0) -> None:
    _arithmetic(c, dst, src, "add", lane, scalar)


def sub(c: Context, dst: Xmm, src: Operand, lane: int, scalar: int = 0) -> None:
    _arithmetic(c, dst, src, "sub", lane, scalar)


def mul(c: Context, dst: Xmm, src: Operand, lane: int, scalar: int = 0) -> None:
    _arithmetic(c, dst, src, "mul", lane, scalar)


def div(c: Context, dst: Xmm, src: Operand, lane: int, scalar: int = 0) -> None:
    _arithmetic(c, dst, src, "div", lane, scalar)


def sqrt(c: Context, dst: Xmm, src: Operand, lane: int, scalar: int = 0) -> None:
    _unary(c, dst, src, lane, scalar, c.b.fsqrt, lambda v: c.b.vfsqrt(v, lane=lane, std=0))


def _unary(c: Context, dst: Xmm, src: Operand, lane: int, is_scalar: int, one: Callable[[Inst], Inst], all_lanes: Callable[[Inst], Inst]) -> None:
    if is_scalar:
        put_low(c, dst, one(low_float(c, src, lane)))
    else:
        put_vector(c, dst, all_lanes(vector(c, src)))


def _estimate(c: Context, dst: Xmm, src: Operand, is_scalar: int, root: bool) -> None:
    """RCP and RSQRT may be off by 1.5 * 2^-12; here they are exact to the last place or two. They take denormals for zeros and raise no exception."""
    b = c.b
    before = b.getreg("fp_flags")

    def one(x: Inst) -> Inst:
        bits = b.bitcast(I32, x)
        tiny = b.ult(b.and_(bits, _MAGNITUDE), _SMALLEST)
        x = b.bitcast(F32, b.select(tiny, b.and_(bits, ~_MAGNITUDE & 0xFFFF_FFFF), bits))
        return b.fdiv(b.const(F32, _ONE), b.fsqrt(x) if root else x)

    def all_lanes(v: Inst) -> Inst:
        magnitudes = constant(c, v, 32, _MAGNITUDE)
        tiny = b.vcugt(constant(c, v, 32, _SMALLEST), b.vand(v, magnitudes), lane=32)
        v = b.vandn(v, b.vand(tiny, magnitudes))
        return b.vfdiv(constant(c, v, 32, _ONE), b.vfsqrt(v, lane=32, std=0) if root else v, lane=32, std=0)

    _unary(c, dst, src, 32, is_scalar, one, all_lanes)
    b.put(before, slot="fp_flags")


def rcp(c: Context, dst: Xmm, src: Operand, scalar: int = 0) -> None:
    _estimate(c, dst, src, scalar, root=False)


def rsqrt(c: Context, dst: Xmm, src: Operand, scalar: int = 0) -> None:
    _estimate(c, dst, src, scalar, root=True)


# MIN and MAX: the second operand unless the first is strictly less (greater), also for NaNs and zeros ----------------------------
def min_(c: Context, dst: Xmm, src: Operand, lane: int, scalar: int = 0) -> None:
    _extreme(c, dst, src, lane, scalar, greater=False)


def max_(c: Context, dst: Xmm, src: Operand, lane: int, scalar: int = 0) -> None:
    _extreme(c, dst, src, lane, scalar, greater=True)


def _extreme(c: Context, dst: Xmm, src: Operand, lane: int, is_scalar: int, greater: bool) -> None:
    b = c.b
    if is_scalar:
        y, x = low_float(c, src, lane), low_float(c, dst, lane)
        less = b.fcmp(*((y, x) if greater else (x, y)), signal=1)
        put_low(c, dst, b.select(b.eq(less, _LESS), x, y))
    else:
        y, x = vector(c, src), vector(c, dst)
        first = b.vfcgt(*((x, y) if greater else (y, x)), lane=lane, std=0)
        put_vector(c, dst, b.vbsl(first, x, y))


# Comparison -----------------------------------------------------------------------------------------------------------------------
def cmp(c: Context, dst: Xmm, src: Operand, predicate: Immediate, lane: int, scalar: int = 0) -> None:
    """Predicates 0 to 3 are EQ, LT, LE, UNORD; 4 to 7 their opposites. LT and LE signal quiet NaNs."""
    number = byte(predicate) & 7
    (_compare_scalar if scalar else _compare_lanes)(c, dst, src, number & 3, number >= 4, lane)


def _compare_scalar(c: Context, dst: Xmm, src: Operand, kind: int, negate: bool, lane: int) -> None:
    b = c.b
    y, x = low_float(c, src, lane), low_float(c, dst, lane)
    relation = b.fcmp(x, y, signal=int(kind in (1, 2)))
    holds = b.eq(relation, (_EQUAL, _LESS, _LESS, _UNORDERED)[kind])
    if kind == 2:
        holds = b.or_(holds, b.eq(relation, _EQUAL))
    integer = INTEGERS[lane]
    yes, no = b.const(integer, -1), b.const(integer, 0)
    put_low(c, dst, b.bitcast(FLOATS[lane], b.select(holds, no, yes) if negate else b.select(holds, yes, no)))


def _compare_lanes(c: Context, dst: Xmm, src: Operand, kind: int, negate: bool, lane: int) -> None:
    b = c.b
    y, x = vector(c, src), vector(c, dst)
    if kind == 0:
        mask = b.vfceq(x, y, lane=lane, std=0)
    elif kind == 3:
        b.vfceq(x, y, lane=lane, std=0)  # for the exceptions: a NaN hides that the other operand is denormal
        mask = b.vor(_nans(c, x, lane), _nans(c, y, lane))
    else:
        mask = (b.vfcgt if kind == 1 else b.vfcge)(y, x, lane=lane, std=0)
    put_vector(c, dst, b.vnot(mask) if negate else mask)


def comi(c: Context, dst: Xmm, src: Operand, lane: int, signal: int = 0) -> None:
    """COMISS, COMISD and (quiet) UCOMISS, UCOMISD: ZF, PF, CF are 111 unordered, 001 less, 100 equal, 000 greater."""
    b = c.b
    y, x = low_float(c, src, lane), low_float(c, dst, lane)
    relation = b.fcmp(x, y, signal=signal)
    unordered = b.eq(relation, _UNORDERED)
    flags.set_carry(c, b.or_(unordered, b.eq(relation, _LESS)), 0)
    flags.set_zero(c, b.or_(unordered, b.eq(relation, _EQUAL)))
    flags.put(c, "sf", b.const(I1, 0))
    odd = b.zext(c.word, b.not_(unordered))
    flags.put(c, "pf", odd)
    flags.put(c, "af", odd)


# SSE3 and SSE4.1 --------------------------------------------------------------------------------------------------------------------
def addsub(c: Context, dst: Xmm, src: Operand, lane: int) -> None:
    """Even lanes are subtracted, odd ones added: each lane is worked out once, for the sake of the exceptions."""
    b = c.b
    y, x = vector(c, src), vector(c, dst)
    signs = b.const(y.type, sum(1 << at + lane - 1 for at in range(0, 128, 2 * lane)))
    put_vector(c, dst, b.vfadd(x, _negated(c, y, signs, lane), lane=lane, std=0))


def _negated(c: Context, value: Inst, signs: Inst, lane: int) -> Inst:
    """The sign of a NaN stays: the result of an operation on it would have it."""
    return c.b.vxor(value, c.b.vandn(signs, _nans(c, value, lane)))


def _nans(c: Context, value: Inst, lane: int) -> Inst:
    """All ones in the lanes that hold a NaN."""
    magnitude = c.b.vand(value, constant(c, value, lane, (1 << lane - 1) - 1))
    return c.b.vcugt(magnitude, constant(c, value, lane, 0x7F80_0000 if lane == 32 else 0x7FF0 << 48), lane=lane)


def _horizontal(c: Context, dst: Xmm, src: Operand, row: str, lane: int) -> None:
    y, x = vector(c, src), vector(c, dst)
    count = 256 // lane
    even, odd = (shuffle(c, lane, list(range(start, count, 2)), x, y) for start in (0, 1))
    put_vector(c, dst, getattr(c.b, row)(even, odd, lane=lane, std=0))


def hadd(c: Context, dst: Xmm, src: Operand, lane: int) -> None:
    _horizontal(c, dst, src, "vfadd", lane)


def hsub(c: Context, dst: Xmm, src: Operand, lane: int) -> None:
    _horizontal(c, dst, src, "vfsub", lane)


def round_(c: Context, dst: Xmm, src: Operand, control: Immediate, lane: int, scalar: int = 0) -> None:
    """ROUNDPS and its like. Bit 3 of the immediate suppresses the precision exception, bit 2 takes the rounding from MXCSR."""
    b = c.b
    number = byte(control)
    how = {"round": -1 if number & _ROUND_BY_MXCSR else _ROUNDING[number & 3], "exact": int(not number & 8)}
    _unary(c, dst, src, lane, scalar, lambda x: b.frint(x, **how), lambda v: b.vfrint(v, lane=lane, std=0, **how))


def dot(c: Context, dst: Xmm, src: Operand, control: Immediate, lane: int) -> None:
    """DPPS, DPPD: bits 4 to 7 of the immediate choose the products, bits 0 to 3 the lanes of the result. What is left out is +0."""
    b = c.b
    number, count = byte(control), 128 // lane
    y, x = vector(c, src), vector(c, dst)

    def part(value: Inst, i: int) -> Inst:
        return b.bitcast(FLOATS[lane], b.vget(INTEGERS[lane], value, lane=lane, index=i))

    zero = b.const(FLOATS[lane], 0)
    sums = [b.fmul(part(x, i), part(y, i)) if number >> 4 + i & 1 else zero for i in range(count)]
    while len(sums) > 1:
        sums = [b.fadd(sums[i], sums[i + 1]) for i in range(0, len(sums), 2)]
    total = b.bitcast(INTEGERS[lane], sums[0])
    result = b.const(x.type, 0)
    for i in range(count):
        if number >> i & 1:
            result = b.vset(result, total, lane=lane, index=i)
    put_vector(c, dst, result)
