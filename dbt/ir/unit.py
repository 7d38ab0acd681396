"""IR units: instructions, blocks and the unit that holds them.

An :class:`Inst` is at once the operation and the value it defines (SSA). Values may be used in every block that the
definition dominates; there are no phis: a join goes through a state slot, as in VEX and TCG, and LLVM's SROA turns the slots of
a region into SSA again. A unit may be one guest instruction, a basic block, or a region with loops.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from dbt.ir.optable import Op
from dbt.ir.types import TYPES, Type


class Inst:
    """One operation and its value: ``of`` is the type its row is instantiated with (``VOID`` for rows without ``types``), ``type``
    the type of the value, ``args`` the operand instructions, ``attrs`` the attribute values in the row's order."""

    __slots__ = ("op", "of", "type", "args", "attrs")

    def __init__(self, op: Op, of: Type, args: tuple[Inst, ...] = (), attrs: tuple[object, ...] = ()) -> None:
        self.op = op
        self.of = of
        self.type = of if op.result == "T" else TYPES[op.result]
        self.args = args
        self.attrs = attrs

    def attr(self, name: str) -> object:
        """Value of attribute *name*; ValueError if the row has none of that name."""
        return self.attrs[self.op.attrs.index(name)]


class Block:
    """A straight run of instructions ending in a terminator. ``label`` is unique in the unit."""

    __slots__ = ("label", "insts")

    def __init__(self, label: str) -> None:
        self.label = label
        self.insts: list[Inst] = []

    @property
    def terminator(self) -> Inst | None:
        return self.insts[-1] if self.insts and self.insts[-1].op.terminator else None

    def successors(self) -> tuple[str, ...]:
        """Labels of the blocks of the same unit that may follow."""
        if self.insts and self.insts[-1].op.name in ("br", "brif"):
            return cast(tuple[str, ...], self.insts[-1].attrs)  # exactly the labels
        return ()


class Unit:
    """Blocks in layout order; the first is the entry. ``entries`` are labels of further blocks through which control may enter
    (regions). ``arch`` names the state declaration in ``dbt.abi`` (``"arm"``).

    ``quiet``: exits to known guest addresses, as (address, mode), behind which no store-conditional stands close by, as far as the maker of the unit has
    looked.

    At the head of a loop (``dbt.ir.cfg.loop_heads``) engines may poll for requests and leave for the pc and mode of its ``mark``."""

    __slots__ = ("arch", "name", "blocks", "entries", "quiet")

    def __init__(self, arch: str, name: str = "unit") -> None:
        self.arch = arch
        self.name = name
        self.blocks: dict[str, Block] = {}
        self.entries: list[str] = []
        self.quiet: set[tuple[int, int]] = set()

    def block(self, label: str) -> Block:
        """Append an empty block; ValueError if *label* is taken."""
        if label in self.blocks:
            raise ValueError(f"block {label} stands twice in unit {self.name}")
        made = self.blocks[label] = Block(label)
        return made

    def insts(self) -> Iterator[Inst]:
        for block in self.blocks.values():
            yield from block.insts
