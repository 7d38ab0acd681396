"""Homes of state slots: while a region runs, each guest slot it names lives in an ``alloca`` that LLVM turns into registers.

Slots that overlap (``q0``, ``d0``, ``s0``...) and are used under several names share one home.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from dbt.abi.cpu import CpuLayout
from dbt.backend.llvm.text import llvm_type
from dbt.ir.state import FP_ENV_SLOTS, X87_SLOTS
from dbt.ir.types import Type
from dbt.ir.unit import Unit

# Read and written by helpers too, so they stay in the vCPU block.
IN_MEMORY = frozenset((*FP_ENV_SLOTS, *X87_SLOTS, *(f"mm{i}" for i in range(8))))


def memory_type(type: Type) -> str:
    """LLVM type of a value in the vCPU block: an i1 is a byte."""
    return "i8" if type.bits == 1 else llvm_type(type)


@dataclass(frozen=True, slots=True)
class Home:
    """Bytes ``offset`` to ``offset + size`` of the vCPU block, kept in ``%home_NAME``; ``llvm`` is the type used most for them."""

    name: str
    number: int
    offset: int
    size: int
    llvm: str
    pinned: bool

    @property
    def bit(self) -> int:
        """This home in a set of homes kept as an int."""
        return 1 << self.number

    @property
    def pointer(self) -> str:
        return f"%home_{self.name}"


class Homes:
    """All homes of a unit. ``of[slot]`` is the home of a slot; slots that stay in memory have none."""

    def __init__(self, layout: CpuLayout, unit: Unit) -> None:
        self.layout = layout
        uses: Counter[tuple[str, Type]] = Counter()
        for inst in unit.insts():
            if inst.op.name in ("get", "put"):
                uses[str(inst.attrs[0]), inst.of] += 1
        for name in layout.pinned:
            uses[name, layout.slots[name][1]] += 1
        names = {name for name, _ in uses if name not in IN_MEMORY}
        self.of: dict[str, Home] = {}
        self.all: list[Home] = []
        for group in self._groups(sorted(names, key=lambda n: (layout.slots[n][0], n))):
            start = min(layout.slots[n][0] for n in group)
            end = max(layout.slots[n][0] + max(1, layout.slots[n][1].bits // 8) for n in group)
            home = Home(group[0], len(self.all), start, end - start, self._type(group, end - start, uses), group[0] in layout.pinned)
            self.all.append(home)
            for name in group:
                self.of[name] = home

    def _groups(self, names: list[str]) -> list[list[str]]:
        """*names*, sorted by offset, split where no slot overlaps the ones before."""
        groups: list[list[str]] = []
        end = -1
        for name in names:
            offset, type = self.layout.slots[name]
            if offset >= end:
                groups.append([])
            groups[-1].append(name)
            end = max(end, offset + max(1, type.bits // 8))
        return groups

    @staticmethod
    def _type(group: list[str], size: int, uses: Counter[tuple[str, Type]]) -> str:
        whole = [(count, memory_type(type)) for (name, type), count in uses.items() if name in group and max(1, type.bits // 8) == size]
        return max(whole)[1] if whole else f"i{8 * size}"

    def whole(self, slot: str) -> bool:
        """True if writing *slot* writes all of its home."""
        return self.of[slot].size == max(1, self.layout.slots[slot][1].bits // 8)

    def members(self, bits: int) -> list[Home]:
        """The homes of the set *bits*."""
        return [home for home in self.all if bits >> home.number & 1]
