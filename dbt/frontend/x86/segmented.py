"""Access rights and limits of segments in 32-bit code (SDM vol. 3A, 5.3 and 5.5).

Almost all code only ever has flat segments, and in guest mode 0 nothing is looked at. A thread that holds another kind of segment in a register goes on in
``MODE_SEGMENTED``, where the builder of an instruction puts a check before each access. It knows the accesses of memory operands by their linear addresses,
which ``Context.address`` tells it; all others are the stack's. Stores through CS are always refused, so instructions with that override have this builder, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt.abi.x86 import MODE_SEGMENTED, RIGHT_BIG, RIGHT_CODE, RIGHT_DOWN, RIGHT_READ_OR_WRITE, SEGMENTS
from dbt.ir.builder import Builder
from dbt.ir.optable import Op
from dbt.ir.types import I1, Type
from dbt.ir.unit import Inst

if TYPE_CHECKING:
    from dbt.frontend.x86.context import Context

CS, SS = 1, 2


class SegmentedBuilder(Builder):
    """Goes on with the unit of *plain*, whose state it shares."""

    def __init__(self, plain: Builder, c: Context) -> None:
        self.__dict__ = plain.__dict__
        self.context = c
        self.places: dict[Inst, tuple[int, Inst]] = {}  # linear address -> segment, offset in it

    def emit(self, op: Op, of: Type, args: tuple[Inst, ...], attrs: tuple[object, ...]) -> Inst:
        if "f" in op.effects and op.args[:1] == ("A",):
            address, *rest = args
            segment, offset = self._place(address)
            if self.context.mode & MODE_SEGMENTED:
                if address is offset:
                    address = self.add(offset, self.getreg(f"{SEGMENTS[segment]}_base"))
                self._check(segment, offset, of.bits // 8, "w" in op.effects)
            elif segment == CS and "w" in op.effects:
                self.context.raise_if(self.const(I1, 1), "protection")
            args = (address, *rest)
        return super().emit(op, of, args, attrs)

    def _place(self, address: Inst) -> tuple[int, Inst]:
        """Segment and offset of a linear address; of the stack they are the address itself."""
        if address in self.places:
            return self.places[address]
        if address.op.name == "add" and address.args[0] in self.places:
            segment, offset = self.places[address.args[0]]
            return segment, self.add(offset, address.args[1])
        return SS, address

    def _check(self, segment: int, offset: Inst, size: int, writes: bool) -> None:
        """#GP(0), or #SS(0) for the stack segment, unless the access is allowed."""
        if segment == CS:
            if writes:
                self.context.raise_if(self.const(I1, 1), "protection")
            return
        name = SEGMENTS[segment]
        rights, limit = self.getreg(f"{name}_access"), self.getreg(f"{name}_limit")
        last = self.add(offset, size - 1)
        down = self.eq(self.and_(rights, RIGHT_CODE | RIGHT_DOWN), RIGHT_DOWN)
        top = self.select(self.ne(self.and_(rights, RIGHT_BIG), 0), self.i32(0xFFFF_FFFF), self.i32(0xFFFF))
        below, above = self.ule(offset, limit), self.ult(top, last)
        outside = self.or_(self.and_(down, self.or_(below, above)), self.and_(self.not_(down), self.ult(limit, last)))
        bad = self.or_(self.or_(outside, self.ult(last, offset)), self.eq(rights, 0))
        if writes:
            bad = self.or_(bad, self.ne(self.and_(rights, RIGHT_CODE | RIGHT_READ_OR_WRITE), RIGHT_READ_OR_WRITE))
        self.context.raise_if(bad, "stack" if segment == SS else "protection")
