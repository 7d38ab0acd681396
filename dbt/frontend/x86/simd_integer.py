"""Integer lanes of MMX, SSE2, SSSE3 and SSE4 (SDM vol. 1, 5.4, 5.6.3, 5.8, 5.10, 5.11)."""

from __future__ import annotations

from dbt.frontend.x86 import flags
from dbt.frontend.x86.context import Context
from dbt.frontend.x86.operands import Immediate, Mmx, Operand, Register, Xmm
from dbt.frontend.x86.simd import byte, constant, enter_mmx, from_low, halves, join, put_vector, shuffle, source, vector
from dbt.ir.types import I1, I32, I64, V64, V128
from dbt.ir.unit import Inst


def _two(c: Context, dst: Operand, src: Operand) -> tuple[Inst, Inst]:
    b = source(c, dst, src)
    return vector(c, dst), b


def _lanes(c: Context, dst: Operand, src: Operand, row: str, lane: int) -> None:
    a, b = _two(c, dst, src)
    put_vector(c, dst, getattr(c.b, row)(a, b, lane=lane))


def padd(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    _lanes(c, dst, src, "vadd", lane)


def psub(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    _lanes(c, dst, src, "vsub", lane)


def paddus(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    _lanes(c, dst, src, "vuqadd", lane)


def padds(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    _lanes(c, dst, src, "vsqadd", lane)


def psubus(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    _lanes(c, dst, src, "vuqsub", lane)


def psubs(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    _lanes(c, dst, src, "vsqsub", lane)


def pmull(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    _lanes(c, dst, src, "vmul", lane)


def pminu(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    _lanes(c, dst, src, "vumin", lane)


def pmaxu(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    _lanes(c, dst, src, "vumax", lane)


def pmins(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    _lanes(c, dst, src, "vsmin", lane)


def pmaxs(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    _lanes(c, dst, src, "vsmax", lane)


def pavg(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    _lanes(c, dst, src, "vurhadd", lane)


def pcmpgt(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    _lanes(c, dst, src, "vcsgt", lane)


def pcmpeq(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    _lanes(c, dst, src, "vceq", lane)


def pabs(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    put_vector(c, dst, c.b.vabs(source(c, dst, src), lane=lane))


def psign(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    a, b = _two(c, dst, src)
    zero = c.b.const(a.type, 0)
    negated = c.b.vbsl(c.b.vcsgt(zero, b, lane=lane), c.b.vsub(zero, a, lane=lane), a)
    put_vector(c, dst, c.b.vandn(negated, c.b.vceq(b, zero, lane=lane)))


# Bitwise ------------------------------------------------------------------------------------------------------------------
def pand(c: Context, dst: Operand, src: Operand) -> None:
    a, b = _two(c, dst, src)
    put_vector(c, dst, c.b.vand(a, b))


def pandn(c: Context, dst: Operand, src: Operand) -> None:
    a, b = _two(c, dst, src)
    put_vector(c, dst, c.b.vandn(b, a))


def por(c: Context, dst: Operand, src: Operand) -> None:
    a, b = _two(c, dst, src)
    put_vector(c, dst, c.b.vor(a, b))


def pxor(c: Context, dst: Operand, src: Operand) -> None:
    if dst == src:
        put_vector(c, dst, c.b.const(V64 if isinstance(dst, Mmx) else V128, 0))
        return
    a, b = _two(c, dst, src)
    put_vector(c, dst, c.b.vxor(a, b))


def ptest(c: Context, dst: Operand, src: Operand) -> None:
    a, b = _two(c, dst, src)

    def is_zero(value: Inst) -> Inst:
        low, high = c.b.vhalf(value, index=0), c.b.vhalf(value, index=1)
        return c.b.eq(c.b.or_(low, high), 0)

    flags.set_carry(c, is_zero(c.b.vandn(b, a)), 0)
    flags.set_zero(c, is_zero(c.b.vand(a, b)))
    one = c.b.const(c.word, 1)  # PF, AF and SF are 0
    flags.put(c, "pf", one)
    flags.put(c, "af", one)
    flags.put(c, "sf", c.b.const(I1, 0))


# Multiplication -------------------------------------------------------------------------------------------------------------
def _wide(c: Context, a: Inst, signed: bool, lane: int = 16) -> tuple[Inst, ...]:
    """The lanes at twice their width, in one v128 for each v64."""
    extend = c.b.vsxtl if signed else c.b.vuxtl
    parts = halves(c, a) if a.type is V128 else (a,)
    return tuple([extend(part, lane=lane) for part in parts])


def _narrowed(c: Context, parts: list[Inst], row: str, lane: int) -> Inst:
    """The wide lanes of *parts* at half their width again."""
    low: list[Inst] = [getattr(c.b, row)(part, lane=lane) for part in parts]
    return join(c, *low) if len(low) == 2 else low[0]


def _products(c: Context, a: Inst, b: Inst, signed: bool) -> list[Inst]:
    return [c.b.vmul(x, y, lane=32) for x, y in zip(_wide(c, a, signed), _wide(c, b, signed), strict=True)]


def pmulhuw(c: Context, dst: Operand, src: Operand) -> None:
    a, b = _two(c, dst, src)
    put_vector(c, dst, _narrowed(c, [c.b.vshr(x, lane=32, imm=16) for x in _products(c, a, b, False)], "vxtn", 16))


def pmulhw(c: Context, dst: Operand, src: Operand) -> None:
    a, b = _two(c, dst, src)
    put_vector(c, dst, _narrowed(c, [c.b.vshr(x, lane=32, imm=16) for x in _products(c, a, b, True)], "vxtn", 16))


def pmulhrsw(c: Context, dst: Operand, src: Operand) -> None:
    a, b = _two(c, dst, src)
    put_vector(c, dst, _narrowed(c, [c.b.vrshr(x, lane=32, imm=15) for x in _products(c, a, b, True)], "vxtn", 16))


def pmuludq(c: Context, dst: Operand, src: Operand) -> None:
    a, b = _two(c, dst, src)
    low = constant(c, a, 64, 0xFFFF_FFFF)
    put_vector(c, dst, c.b.vmul(c.b.vand(a, low), c.b.vand(b, low), lane=64))


def pmuldq(c: Context, dst: Operand, src: Operand) -> None:
    a, b = (c.b.vsar(c.b.vshl(x, lane=64, imm=32), lane=64, imm=32) for x in _two(c, dst, src))
    put_vector(c, dst, c.b.vmul(a, b, lane=64))


def pmaddwd(c: Context, dst: Operand, src: Operand) -> None:
    """Even and odd words apart, each sign-extended in place, so that the sums need no shuffle."""
    a, b = _two(c, dst, src)
    even = [c.b.vsar(c.b.vshl(x, lane=32, imm=16), lane=32, imm=16) for x in (a, b)]
    odd = [c.b.vsar(x, lane=32, imm=16) for x in (a, b)]
    put_vector(c, dst, c.b.vadd(c.b.vmul(*even, lane=32), c.b.vmul(*odd, lane=32), lane=32))


def pmaddubsw(c: Context, dst: Operand, src: Operand) -> None:
    """Unsigned bytes of the destination times signed ones of the source."""
    a, b = _two(c, dst, src)
    even = c.b.vmul(c.b.vand(a, constant(c, a, 16, 0xFF)), c.b.vsar(c.b.vshl(b, lane=16, imm=8), lane=16, imm=8), lane=16)
    odd = c.b.vmul(c.b.vshr(a, lane=16, imm=8), c.b.vsar(b, lane=16, imm=8), lane=16)
    put_vector(c, dst, c.b.vsqadd(even, odd, lane=16))


def psadbw(c: Context, dst: Operand, src: Operand) -> None:
    a, b = _two(c, dst, src)
    total = c.b.vuabd(a, b, lane=8)
    for lane in (16, 32, 64):
        half = lane // 2
        low = c.b.vand(total, constant(c, total, lane, (1 << half) - 1))
        total = c.b.vadd(low, c.b.vshr(total, lane=lane, imm=half), lane=lane)
    put_vector(c, dst, total)


def mpsadbw(c: Context, dst: Operand, src: Operand, control: Immediate) -> None:
    """Word i is the sum of the distances of four bytes of the source to the destination's bytes from i on; the immediate says where both begin."""
    b = c.b
    number = byte(control)
    wanted, at = number & 3, number >> 2 & 1
    y, x = vector(c, src), vector(c, dst)
    total = b.const(V128, 0)
    for k in range(4):
        moving = b.vshuf(x, x, perm=tuple([min(4 * at + k + i, 15) for i in range(16)]))
        still = b.vshuf(y, y, perm=(4 * wanted + k,) * 16)
        distances = b.bitcast(V64, b.vhalf(b.vuabd(moving, still, lane=8), index=0))
        total = b.vadd(total, b.vuxtl(distances, lane=8), lane=16)
    put_vector(c, dst, total)


# Shifts ---------------------------------------------------------------------------------------------------------------------
def _shifted(c: Context, a: Inst, count: Inst, lane: int, row: str, right: bool) -> Inst:
    """All lanes by the i64 *count*, which the rows with a count a lane take as a signed byte."""
    b = c.b
    limited = b.select(b.ult(count, lane), count, b.const(I64, lane))
    shifted: Inst = getattr(b, row)(a, b.vdup(a.type, b.neg(limited) if right else limited, lane=lane), lane=lane)
    return shifted


def _count(c: Context, dst: Operand, src: Operand) -> Inst:
    value = source(c, dst, src)
    return c.b.bitcast(I64, value) if value.type is V64 else c.b.vhalf(value, index=0)


def psll(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    put_vector(c, dst, _shifted(c, vector(c, dst), _count(c, dst, src), lane, "vushlv", False))


def psrl(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    put_vector(c, dst, _shifted(c, vector(c, dst), _count(c, dst, src), lane, "vushlv", True))


def psra(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    put_vector(c, dst, _shifted(c, vector(c, dst), _count(c, dst, src), lane, "vsshlv", True))


def psll_imm(c: Context, dst: Operand, count: Immediate, lane: int) -> None:
    put_vector(c, dst, c.b.vshl(vector(c, dst), lane=lane, imm=min(byte(count), lane)))


def psrl_imm(c: Context, dst: Operand, count: Immediate, lane: int) -> None:
    put_vector(c, dst, c.b.vshr(vector(c, dst), lane=lane, imm=min(byte(count), lane)))


def psra_imm(c: Context, dst: Operand, count: Immediate, lane: int) -> None:
    put_vector(c, dst, c.b.vsar(vector(c, dst), lane=lane, imm=min(byte(count), lane)))


def pslldq(c: Context, dst: Operand, count: Immediate) -> None:
    n = min(byte(count), 16)
    value = vector(c, dst)
    put_vector(c, dst, shuffle(c, 8, [16 - n + i for i in range(16)], c.b.const(V128, 0), value))


def psrldq(c: Context, dst: Operand, count: Immediate) -> None:
    n = min(byte(count), 16)
    value = vector(c, dst)
    put_vector(c, dst, shuffle(c, 8, [n + i for i in range(16)], value, c.b.const(V128, 0)))


# Packing, widening, horizontal ------------------------------------------------------------------------------------------------
def _pack(c: Context, dst: Operand, src: Operand, row: str, lane: int) -> None:
    a, b = _two(c, dst, src)
    narrow = getattr(c.b, row)
    if a.type is V64:
        put_vector(c, dst, narrow(join(c, a, b), lane=lane))
    else:
        put_vector(c, dst, join(c, narrow(a, lane=lane), narrow(b, lane=lane)))


def packsswb(c: Context, dst: Operand, src: Operand) -> None:
    _pack(c, dst, src, "vsqxtn", 8)


def packuswb(c: Context, dst: Operand, src: Operand) -> None:
    _pack(c, dst, src, "vsqxtun", 8)


def packssdw(c: Context, dst: Operand, src: Operand) -> None:
    _pack(c, dst, src, "vsqxtn", 16)


def packusdw(c: Context, dst: Operand, src: Operand) -> None:
    _pack(c, dst, src, "vsqxtun", 16)


def pmov_extend(c: Context, dst: Operand, src: Operand, lane: int, to: int, signed: int) -> None:
    """PMOVSX and PMOVZX: the lowest lanes, widened step by step."""
    value = vector(c, src)
    while lane < to:
        low = halves(c, value)[0]
        value = c.b.vsxtl(low, lane=lane) if signed else c.b.vuxtl(low, lane=lane)
        lane *= 2
    put_vector(c, dst, value)


def _horizontal(c: Context, dst: Operand, src: Operand, row: str, lane: int) -> None:
    """Even lanes of both operands with the odd ones beside them."""
    a, b = _two(c, dst, src)
    count = 2 * a.type.bits // lane
    even, odd = (shuffle(c, lane, list(range(start, count, 2)), a, b) for start in (0, 1))
    put_vector(c, dst, getattr(c.b, row)(even, odd, lane=lane))


def phadd(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    _horizontal(c, dst, src, "vadd", lane)


def phsub(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    _horizontal(c, dst, src, "vsub", lane)


def phaddsw(c: Context, dst: Operand, src: Operand) -> None:
    _horizontal(c, dst, src, "vsqadd", 16)


def phsubsw(c: Context, dst: Operand, src: Operand) -> None:
    _horizontal(c, dst, src, "vsqsub", 16)


def pmovmskb(c: Context, dst: Register, src: Operand) -> None:
    mask = c.b.vsigns(vector(c, src), lane=8)
    c.write(dst, c.extend(mask, I64) if dst.size == 64 else mask)
    if isinstance(src, Mmx):
        enter_mmx(c)


def phminposuw(c: Context, dst: Xmm, src: Operand) -> None:
    """The smallest word and, of several, the first one's number."""
    b = c.b
    value = vector(c, src)
    best = b.vget(I32, value, lane=16, index=0)
    for i in range(1, 8):  # word above number: the smallest of these is the first of the smallest
        other = b.or_(b.shl(b.vget(I32, value, lane=16, index=i), 3), i)
        best = b.shl(best, 3) if i == 1 else best
        best = b.select(b.ult(other, best), other, best)
    result = b.or_(b.shr(best, 3), b.shl(b.and_(best, 7), 16))
    put_vector(c, dst, from_low(c, b.zext(I64, result)))
