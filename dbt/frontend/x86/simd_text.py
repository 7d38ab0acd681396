"""The text instructions of SSE4.2 (SDM vol. 1, 5.11.1; vol. 2B, 4.1): PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM."""

from __future__ import annotations

from dbt.frontend.x86 import flags
from dbt.frontend.x86.context import AX, CX, DX, Context
from dbt.frontend.x86.operands import Immediate, Operand, Xmm
from dbt.frontend.x86.simd import byte, from_low, put_vector, vector
from dbt.ir.types import I64, V128
from dbt.ir.unit import Inst

_WORDS, _HIGHEST, _EXPANDED = 1, 1 << 6, 1 << 6  # of the immediate
_SECOND_ENDS, _FIRST_ENDS = 16, 17  # bits of pcmpstr's result


def pcmpstr(c: Context, dst: Xmm, src: Operand, control: Immediate, explicit: int = 0, mask: int = 0) -> None:
    """*explicit*: the lengths are in rAX and rDX; *mask*: the result is a mask in XMM0, not an index in ECX. The memory operand needs no alignment."""
    b = c.b
    number = byte(control)
    count = 8 if number & _WORDS else 16
    second, first = vector(c, src, aligned=False), vector(c, dst)
    lengths = [_length(c, n, count) if explicit else b.i32(0) for n in (AX, DX)]
    found = b.pcmpstr(first, second, *lengths, imm=number, implicit=int(not explicit))
    bits = b.and_(found, 0xFFFF)
    if mask:
        put_vector(c, Xmm(0, 128), _expanded(c, bits, 128 // count) if number & _EXPANDED else from_low(c, b.zext(I64, bits)))
    else:
        place = b.sub(b.i32(31), b.clz(bits)) if number & _HIGHEST else b.ctz(bits)
        c.put_register(CX, b.select(b.eq(bits, 0), b.i32(count), place), 32)
    flags.put(c, "cf", b.ne(bits, 0))
    flags.put(c, "of", c.bit(found, 0))
    flags.put(c, "sf", c.bit(found, _FIRST_ENDS))
    flags.set_zero(c, c.bit(found, _SECOND_ENDS))
    odd = b.const(c.word, 1)
    flags.put(c, "pf", odd)
    flags.put(c, "af", odd)


def _length(c: Context, n: int, count: int) -> Inst:
    """|register n|, at most *count*."""
    b = c.b
    value = c.get_register(n, c.size)
    negative = b.slt(value, 0)
    size = b.select(negative, b.neg(value), value)
    return c.narrow(b.select(b.ult(size, count), size, b.const(size.type, count)), 32)


def _expanded(c: Context, bits: Inst, lane: int) -> Inst:
    """The vector with all ones in the lanes whose bits are set."""
    b = c.b
    each = b.vtst(b.vdup(V128, bits, lane=lane), b.const(V128, sum(1 << lane * i + i % lane for i in range(128 // lane))), lane=lane)
    if lane >= 128 // lane:
        return each
    # 16 bytes: the upper eight test bits 8 to 15.
    high = b.vtst(b.vdup(V128, b.shr(bits, 8), lane=lane), b.const(V128, sum(1 << lane * i + i % lane for i in range(16))), lane=lane)
    return b.vpair(b.vhalf(each, index=0), b.vhalf(high, index=1))
