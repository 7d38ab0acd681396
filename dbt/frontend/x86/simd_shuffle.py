"""Shuffles, interleaving, inserts, extracts and blends (SDM vol. 1, 5.4.2, 5.5.1.4, 5.6.1.4, 5.6.3, 5.7, 5.8.6, 5.8.7, 5.10)."""

from __future__ import annotations

from dbt.frontend.x86.context import Context
from dbt.frontend.x86.operands import Immediate, Memory, Operand, Register, Xmm
from dbt.frontend.x86.simd import byte, constant, join, put_vector, shuffle, source, vector, zeros
from dbt.ir.types import I32, I64, V64, V128
from dbt.ir.unit import Inst


def _fields(immediate: Immediate, bits: int, count: int) -> list[int]:
    """*count* lane numbers of *bits* bits each, the lowest first."""
    return [byte(immediate) >> bits * i & (1 << bits) - 1 for i in range(count)]


def _interleave(c: Context, dst: Operand, src: Operand, lane: int, high: bool) -> None:
    b = source(c, dst, src)
    a = vector(c, dst)
    count = a.type.bits // lane
    first = count // 2 if high else 0
    order = [place for i in range(first, first + count // 2) for place in (i, count + i)]
    put_vector(c, dst, shuffle(c, lane, order, a, b))


def punpckl(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    """PUNPCKL*, UNPCKLPS, UNPCKLPD."""
    _interleave(c, dst, src, lane, high=False)


def punpckh(c: Context, dst: Operand, src: Operand, lane: int) -> None:
    _interleave(c, dst, src, lane, high=True)


def pshufd(c: Context, dst: Xmm, src: Operand, order: Immediate) -> None:
    put_vector(c, dst, shuffle(c, 32, _fields(order, 2, 4), vector(c, src)))


def pshuflw(c: Context, dst: Xmm, src: Operand, order: Immediate) -> None:
    put_vector(c, dst, shuffle(c, 16, [*_fields(order, 2, 4), 4, 5, 6, 7], vector(c, src)))


def pshufhw(c: Context, dst: Xmm, src: Operand, order: Immediate) -> None:
    put_vector(c, dst, shuffle(c, 16, [0, 1, 2, 3, *[4 + i for i in _fields(order, 2, 4)]], vector(c, src)))


def pshufw(c: Context, dst: Operand, src: Operand, order: Immediate) -> None:
    put_vector(c, dst, shuffle(c, 16, _fields(order, 2, 4), source(c, dst, src)))


def shufps(c: Context, dst: Xmm, src: Operand, order: Immediate) -> None:
    b = vector(c, src)
    low = _fields(order, 2, 4)
    put_vector(c, dst, shuffle(c, 32, [low[0], low[1], 4 + low[2], 4 + low[3]], vector(c, dst), b))


def shufpd(c: Context, dst: Xmm, src: Operand, order: Immediate) -> None:
    b = vector(c, src)
    low, high = _fields(order, 1, 2)
    put_vector(c, dst, shuffle(c, 64, [low, 2 + high], vector(c, dst), b))


def movddup(c: Context, dst: Xmm, src: Operand) -> None:
    put_vector(c, dst, shuffle(c, 64, [0, 0], vector(c, src)))


def movsldup(c: Context, dst: Xmm, src: Operand) -> None:
    put_vector(c, dst, shuffle(c, 32, [0, 0, 2, 2], vector(c, src)))


def movshdup(c: Context, dst: Xmm, src: Operand) -> None:
    put_vector(c, dst, shuffle(c, 32, [1, 1, 3, 3], vector(c, src)))


def pshufb(c: Context, dst: Operand, src: Operand) -> None:
    """A byte of the order with its top bit set gives 0: the table look-up finds nothing there."""
    order = source(c, dst, src)
    a = vector(c, dst)
    none = zeros(c, a.type)
    size = a.type.bits // 8
    table = join(c, a, a) if a.type is V64 else a
    put_vector(c, dst, c.b.vtbl(c.b.vand(order, constant(c, order, 8, 0x80 | size - 1)), table, table, none, count=size // 8))


def palignr(c: Context, dst: Operand, src: Operand, count: Immediate) -> None:
    b = source(c, dst, src)
    a = vector(c, dst)
    size = a.type.bits // 8
    n = byte(count)
    zero = c.b.const(a.type, 0)
    low, high, n = (b, a, n) if n <= size else (a, zero, min(n - size, size))
    put_vector(c, dst, shuffle(c, 8, [n + i for i in range(size)], low, high))


# Inserts and extracts ---------------------------------------------------------------------------------------------------------
def pinsr(c: Context, dst: Operand, src: Operand, place: Immediate, lane: int = 0) -> None:
    """*lane* 0: that of the source."""
    value = c.read(src)
    lane = lane or src.size
    vec = vector(c, dst)
    put_vector(c, dst, c.b.vset(vec, value, lane=lane, index=byte(place) % (vec.type.bits // lane)))


def pextr(c: Context, dst: Register, src: Operand, place: Immediate, lane: int) -> None:
    vec = vector(c, src)
    c.write(dst, c.b.vget(I64 if dst.size == 64 else I32, vec, lane=lane, index=byte(place) % (vec.type.bits // lane)))


def pextr_to(c: Context, dst: Operand, src: Xmm, place: Immediate, lane: int = 0) -> None:
    """PEXTRB, PEXTRW, PEXTRD, PEXTRQ and EXTRACTPS to a register (zero-extended to 32 bits) or memory."""
    lane = lane or dst.size
    value = c.b.vget(I64 if lane == 64 else I32, vector(c, src), lane=lane, index=byte(place) % (128 // lane))
    c.write(dst, value)


def insertps(c: Context, dst: Xmm, src: Operand, control: Immediate) -> None:
    """Bits 7-6: source lane (of a register); 5-4: destination lane; 3-0: lanes to clear."""
    b = c.b
    number = byte(control)
    lane = 0 if isinstance(src, Memory) else number >> 6
    value = b.vset(vector(c, dst), b.vget(I32, vector(c, src), lane=32, index=lane), lane=32, index=number >> 4 & 3)
    kept = sum(0xFFFF_FFFF << 32 * i for i in range(4) if not number >> i & 1)
    put_vector(c, dst, b.vand(value, b.const(V128, kept)))


# Blends -------------------------------------------------------------------------------------------------------------------------
def blend(c: Context, dst: Xmm, src: Operand, choice: Immediate, lane: int) -> None:
    b = vector(c, src)
    count = 128 // lane
    put_vector(c, dst, shuffle(c, lane, [i + (count if byte(choice) >> i & 1 else 0) for i in range(count)], vector(c, dst), b))


def blendv(c: Context, dst: Xmm, src: Operand, lane: int) -> None:
    """PBLENDVB, BLENDVPS, BLENDVPD: the sign of each lane of XMM0 chooses."""
    b = vector(c, src)
    chosen: Inst = c.b.vsar(vector(c, Xmm(0, 128)), lane=lane, imm=lane - 1)
    put_vector(c, dst, c.b.vbsl(chosen, b, vector(c, dst)))
