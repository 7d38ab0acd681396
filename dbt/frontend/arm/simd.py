"""What the VFP and Advanced SIMD chapters share: the register file as instruction fields name it, vector constants and permutations.

A register number of five bits is D:Vd for doublewords and Vd:D for singles (ARM ARM A7.3). A quadword is named by the doubleword number of its
low half, which must be even.
"""

from __future__ import annotations

from collections.abc import Iterable

from dbt.frontend.arm.context import Context
from dbt.ir.builder import Builder
from dbt.ir.types import F32, F64, I64, V64, V128, Type
from dbt.ir.unit import Inst

FLOAT_LANE = 32
# ``round`` of the IR's conversions for the RM field of ARMv8's VCVTA, VCVTN, VCVTP, VCVTM and VRINT, in the order of its values.
ROUND_NEAREST, ROUND_UP, ROUND_DOWN, ROUND_ZERO, ROUND_AWAY = range(5)
ROUND_BY_RM = (ROUND_AWAY, ROUND_NEAREST, ROUND_UP, ROUND_DOWN)
ROUND_AS_FPSCR = -1


def double(high: int, low: int) -> int:
    """Doubleword register number of the fields D:Vd (N:Vn, M:Vm)."""
    return high << 4 | low


def single(high: int, low: int) -> int:
    """Single register number of the fields Vd:D, given as D and Vd like :func:`double`."""
    return low << 1 | high


def vector_type(q: int) -> Type:
    return V128 if q else V64


def vector_slot(c: Context, number: int, q: int) -> str:
    """Slot of doubleword register *number*, or of the quadword that starts there; UNDEFINED for an odd one."""
    if not q:
        return f"d{number}"
    if number & 1:
        c.undefined()
    return f"q{number >> 1}"


def double_spans(d: int, count: int) -> list[tuple[str, Type, int]]:
    """*count* consecutive doublewords from D[d] as (slot, type, memory offset), quadwords where they are whole."""
    spans: list[tuple[str, Type, int]] = []
    at = 0
    while at < count:
        if (d + at) % 2 == 0 and at + 2 <= count:
            spans.append((f"q{(d + at) // 2}", V128, at * 8))
            at += 2
        else:
            spans.append((f"d{d + at}", V64, at * 8))
            at += 1
    return spans


def float_type(sz: int) -> Type:
    return F64 if sz else F32


def float_slot(sz: int, high: int, low: int) -> str:
    """Slot of the VFP register of fields D and Vd (N and Vn, M and Vm)."""
    return f"d{double(high, low)}" if sz else f"s{single(high, low)}"


def repeat(value: int, lane: int, type: Type) -> int:
    """*value* modulo 2^*lane* in every lane of *type*."""
    value &= (1 << lane) - 1
    return sum(value << at for at in range(0, type.bits, lane))


def splat(b: Builder, type: Type, lane: int, value: int) -> Inst:
    """Constant vector with *value* in every lane."""
    return b.const(type, repeat(value, lane, type))


def lane_permutation(lanes: Iterable[int], lane: int) -> tuple[int, ...]:
    """The byte permutation of ``vshuf`` that picks these *lanes* (of the first operand followed by the second)."""
    size = lane // 8
    return tuple([index * size + byte for index in lanes for byte in range(size)])


def pick(b: Builder, x: Inst, y: Inst, lanes: Iterable[int], lane: int) -> Inst:
    """The vector made of these *lanes* of *x* followed by *y*."""
    return b.vshuf(x, y, perm=lane_permutation(lanes, lane))


def broadcast(b: Builder, d: int, index: int, lane: int, type: Type) -> Inst:
    """Lane *index* of doubleword register *d* in every lane of *type*."""
    count = type.bits // lane
    if type is V128:
        source = b.getreg(f"q{d >> 1}")
        index += (d & 1) * (64 // lane)
    else:
        source = b.getreg(f"d{d}")
    return pick(b, source, source, [index] * count, lane)


def reverse_bytes(b: Builder, value: Inst, size: int) -> Inst:
    """*value* with the bytes of each group of *size* reversed: VREV, and vectors in big-endian memory."""
    return b.vshuf(value, value, perm=tuple([i ^ (size - 1) for i in range(value.type.bits // 8)]))


def join(b: Builder, low: Inst, high: Inst) -> Inst:
    """The v128 of two v64."""
    return b.vpair(b.bitcast(I64, low), b.bitcast(I64, high))


def vector_abs(b: Builder, value: Inst) -> Inst:
    """Every f32 lane with its sign cleared."""
    return b.vand(value, splat(b, value.type, FLOAT_LANE, 0x7FFFFFFF))


def vector_neg(b: Builder, value: Inst) -> Inst:
    """Every f32 lane with its sign flipped."""
    return b.vxor(value, splat(b, value.type, FLOAT_LANE, 0x80000000))


class Operands:
    """Operands of a vector instruction: the vector ``m``, the result's ``type``, the ``lane`` width in bits and ``U``. ``d`` reads the destination."""

    __slots__ = ("b", "type", "lane", "U", "m", "_slot")

    def __init__(self, b: Builder, slot: str, type: Type, lane: int, u: int, m: Inst) -> None:
        self.b = b
        self.type = type
        self.lane = lane
        self.U = u
        self.m = m
        self._slot = slot

    @property
    def d(self) -> Inst:
        """The destination's old value."""
        return self.b.getreg(self._slot)

    def splat(self, value: int) -> Inst:
        """Constant of this type and lane."""
        return splat(self.b, self.type, self.lane, value)

    def put(self, value: Inst) -> None:
        self.b.put(value, slot=self._slot)


class BinaryOperands(Operands):
    """Operands with a second source vector ``n``, the manual's first operand."""

    __slots__ = ("n",)

    def __init__(self, b: Builder, slot: str, type: Type, lane: int, u: int, n: Inst, m: Inst) -> None:
        super().__init__(b, slot, type, lane, u, m)
        self.n = n


def extend(b: Builder, value: Inst, lane: int, u: int) -> Inst:
    """Lanes of *lane* bits zero-extended (*u*) or sign-extended to twice the width."""
    return (b.vuxtl if u else b.vsxtl)(value, lane=lane)


class FloatOperands:
    """Operands of a VFP instruction: ``n``, ``m`` and their ``type``. ``d`` reads the destination."""

    __slots__ = ("b", "type", "n", "m", "_slot")

    def __init__(self, b: Builder, sz: int, d: str, n: str, m: str) -> None:
        self.b = b
        self.type = float_type(sz)
        self.m = b.get(self.type, slot=m)
        self.n = self.m if n == m else b.get(self.type, slot=n)
        self._slot = d

    @property
    def d(self) -> Inst:
        """The destination's old value."""
        return self.b.get(self.type, slot=self._slot)

    def put(self, value: Inst) -> None:
        self.b.put(value, slot=self._slot)
