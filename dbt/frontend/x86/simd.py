"""What the MMX and SSE files share: vector and scalar operands, and immediates.

A vector is a v128 (XMM) or v64 (MMX). Memory operands of 16 bytes must be aligned but for the moves that say otherwise; Linux answers a misaligned one
as it does #GP.
"""

from __future__ import annotations

from dbt.frontend.x86.context import Context
from dbt.frontend.x86.operands import Immediate, Memory, Mmx, Operand, Xmm
from dbt.ir.types import F32, F64, I16, I32, I64, V64, V128, Type
from dbt.ir.unit import Inst

FLOATS: dict[int, Type] = {32: F32, 64: F64}
INTEGERS: dict[int, Type] = {32: I32, 64: I64}
_SCALAR_SLOT = {32: "s", 64: "d"}
_MMX_EXPONENT = 0xFFFF


def vector(c: Context, operand: Operand, aligned: bool = True) -> Inst:
    """The whole register, or memory of the operand's size; 2, 4 or 8 bytes of memory meant for an XMM register come with zeros above."""
    b = c.b
    if isinstance(operand, Xmm):
        return b.get(V128, slot=f"xmm{operand.n}")
    if isinstance(operand, Mmx):
        return b.get(V64, slot=f"mm{operand.n}")
    assert isinstance(operand, Memory)
    if operand.size == 128:
        return b.ld(V128, c.address(operand), align=16 if aligned else 1)
    return from_low(c, c.extend(c.load(c.address(operand), operand.size), I64))


def mmx(c: Context, operand: Operand) -> Inst:
    """An MMX register, or 8 bytes of memory, as a v64; 4 bytes of memory come with zeros above."""
    if not isinstance(operand, Memory):
        return vector(c, operand)
    if operand.size == 32:
        return c.b.bitcast(V64, c.extend(c.load(c.address(operand), 32), I64))
    return c.b.ld(V64, c.address(operand))


def source(c: Context, dst: Operand, src: Operand) -> Inst:
    """A source of the same kind as the destination register."""
    return mmx(c, src) if isinstance(dst, Mmx) else vector(c, src)


def put_vector(c: Context, operand: Operand, value: Inst, aligned: bool = True) -> None:
    b = c.b
    if isinstance(operand, Xmm):
        b.put(value, slot=f"xmm{operand.n}")
    elif isinstance(operand, Mmx):
        b.put(value, slot=f"mm{operand.n}")
        enter_mmx(c, operand.n)
    else:
        assert isinstance(operand, Memory)
        b.st(c.address(operand), value, align=16 if aligned and operand.size == 128 else 1)


def enter_mmx(c: Context, written: int | None = None) -> None:
    """What an MMX instruction does to the x87 state: TOP is 0 and every register valid; a register written has an exponent of ones (SDM vol. 1, 9.5)."""
    c.b.put(0, slot="ftop")
    c.b.put(0xFF, slot="ftw")
    if written is not None:
        c.b.put(c.b.const(I16, _MMX_EXPONENT), slot=f"fpr{written}e")


def low_float(c: Context, operand: Operand, lane: int) -> Inst:
    """The low float of an XMM register, or a float in memory."""
    if isinstance(operand, Memory):
        return c.b.bitcast(FLOATS[lane], c.b.ld(INTEGERS[lane], c.address(operand)))
    assert isinstance(operand, Xmm)
    return c.b.get(FLOATS[lane], slot=f"xmm{operand.n}{_SCALAR_SLOT[lane]}")


def put_low(c: Context, operand: Operand, value: Inst) -> None:
    """Write the low float of an XMM register; the rest stays."""
    assert isinstance(operand, Xmm)
    c.b.put(value, slot=f"xmm{operand.n}{_SCALAR_SLOT[value.type.bits]}")


def byte(immediate: Immediate) -> int:
    return immediate.value & 0xFF


# Vectors from and to numbers ------------------------------------------------------------------------------------------------
def zeros(c: Context, type: Type = V128) -> Inst:
    return c.b.const(type, 0)


def constant(c: Context, value: Inst, lane: int, number: int) -> Inst:
    """A vector of *value*'s type with *number* in every lane."""
    return c.b.const(value.type, sum((number & (1 << lane) - 1) << at for at in range(0, value.type.bits, lane)))


def from_low(c: Context, low: Inst) -> Inst:
    """The v128 with the i64 *low* and zeros above."""
    return c.b.vpair(low, c.b.const(I64, 0))


def halves(c: Context, value: Inst) -> tuple[Inst, Inst]:
    """Both halves of a v128 as v64."""
    b = c.b
    return b.bitcast(V64, b.vhalf(value, index=0)), b.bitcast(V64, b.vhalf(value, index=1))


def join(c: Context, low: Inst, high: Inst) -> Inst:
    """The v128 of two v64."""
    b = c.b
    return b.vpair(b.bitcast(I64, low), b.bitcast(I64, high))


def shuffle(c: Context, lane: int, order: list[int], a: Inst, second: Inst | None = None) -> Inst:
    """Lane i of the result is lane ``order[i]`` of *a* followed by *second* (default: *a* again)."""
    size = lane // 8
    return c.b.vshuf(a, a if second is None else second, perm=tuple([size * i + j for i in order for j in range(size)]))
