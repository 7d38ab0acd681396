"""FXSAVE and FXRSTOR (SDM vol. 1, 10.5): the x87, MMX and SSE state as 512 bytes of memory, whose address must be a multiple of 16."""

from __future__ import annotations

from dbt.frontend.x86.context import Context
from dbt.frontend.x86.operands import Memory
from dbt.frontend.x86.simd_move import mxcsr_value, set_mxcsr
from dbt.ir.types import I16, I32, I64, V128
from dbt.ir.unit import Inst

# Byte offsets in the area.
_FCW, _FSW, _FTW, _FOP, _FIP, _FDP, _MXCSR, _MXCSR_MASK, _ST, _XMM = 0, 2, 4, 6, 8, 16, 24, 28, 32, 160
_ENTRY = 16
_ALL_BITS = 0xFFFF
_TOP = 11  # of the status word, bits 11 to 13


def _area(c: Context, operand: Memory) -> Inst:
    address = c.address(operand)
    c.raise_if(c.b.ne(c.b.and_(address, 15), 0), "protection")
    return address


def chosen(c: Context, number: Inst, values: list[Inst]) -> Inst:
    """The one of eight values that *number* names."""
    b = c.b
    result = values[0]
    for k, value in enumerate(values[1:], 1):
        result = b.select(b.eq(number, k), value, result)
    return result


def fxsave(c: Context, dst: Memory) -> None:
    """Stack registers go in stack order, with zeros behind each as processors write them. The pointers to the last x87 instruction are 0."""
    b, at = c.b, _area(c, dst)
    top = b.getreg("ftop")

    def put(offset: int, value: Inst, size: int) -> None:
        c.store(b.add(at, offset), value, size)

    put(_FCW, b.getreg("fcw"), 16)
    put(_FSW, b.or_(b.getreg("fsw"), b.shl(top, _TOP)), 16)
    put(_FTW, b.and_(b.getreg("ftw"), 0xFF), 16)
    put(_FOP, b.i32(0), 16)
    for offset in (_FIP, _FDP):
        put(offset, b.const(I32, 0), 32)
        put(offset + 4, b.const(I32, 0), 32)
    put(_MXCSR, mxcsr_value(c), 32)
    put(_MXCSR_MASK, b.i32(_ALL_BITS), 32)
    significands = [b.getreg(f"fpr{i}m") for i in range(8)]
    exponents = [b.zext(I64, b.getreg(f"fpr{i}e")) for i in range(8)]
    for i in range(8):
        number = b.and_(b.add(top, i), 7)
        put(_ST + _ENTRY * i, chosen(c, number, significands), 64)
        put(_ST + _ENTRY * i + 8, chosen(c, number, exponents), 64)
    for i in range(16 if c.long else 8):
        b.st(b.add(at, _XMM + _ENTRY * i), b.getreg(f"xmm{i}"))


def fxrstor(c: Context, src: Memory) -> None:
    """Everything is read before anything is written."""
    b, at = c.b, _area(c, src)

    def get(offset: int, size: int) -> Inst:
        return c.load(b.add(at, offset), size)

    control, status, tags, mxcsr = get(_FCW, 16), get(_FSW, 16), get(_FTW, 8), get(_MXCSR, 32)
    significands = [get(_ST + _ENTRY * i, 64) for i in range(8)]
    exponents = [get(_ST + _ENTRY * i + 8, 16) for i in range(8)]
    vectors = [b.ld(V128, b.add(at, _XMM + _ENTRY * i)) for i in range(16 if c.long else 8)]
    set_mxcsr(c, mxcsr)  # may raise #GP
    top = b.and_(b.shr(status, _TOP), 7)
    b.put(control, slot="fcw")
    b.put(b.and_(status, ~(7 << _TOP)), slot="fsw")
    b.put(top, slot="ftop")
    b.put(tags, slot="ftw")
    for k in range(8):
        number = b.and_(b.sub(b.i32(k), top), 7)
        b.put(chosen(c, number, significands), slot=f"fpr{k}m")
        b.put(b.trunc(I16, chosen(c, number, exponents)), slot=f"fpr{k}e")
    for i, value in enumerate(vectors):
        b.put(value, slot=f"xmm{i}")
    c.next_in_new_mode()
