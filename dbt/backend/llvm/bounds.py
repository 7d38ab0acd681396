"""Which accesses of an IR block need not ask whether their address of 64 bits lies in the guest's space.

What lies behind the space for ``SPACE_GUARD_64`` bytes has no access. So where one access has found its address in the space, those of the block that lie a
little above it go ahead: they end in the space or in the guard. The first access at a base therefore looks at the lowest address of all that are near to it.
"""

from __future__ import annotations

from dbt.abi.memory import SPACE_GUARD_64
from dbt.ir.addresses import split
from dbt.ir.unit import Block, Inst

NEAR = 1 << 16  # how far below its own address an access looks: no base that is used so lies so near to the ends of the space
assert 2 * NEAR < SPACE_GUARD_64


class Bounds:
    """The accesses of one block. ``known``: base -> the lowest distance from it that is known to lie in the space or, with what follows, behind it."""

    def __init__(self, block: Block) -> None:
        self._lowest: dict[Inst, int] = {}
        for inst in block.insts:
            if inst.op.name in ("ld", "st"):
                base, distance = split(inst.args[0])
                self._lowest[base] = min(distance, self._lowest.get(base, distance))
        self.known: dict[Inst, int] = {}

    def asks(self, base: Inst, distance: int) -> int | None:
        """The distance from *base* to be compared with the end of the space before an access at *distance*; None: it is known. It is taken for known from now
        on, in what follows in this block."""
        known = self.known.get(base)
        if known is not None and known <= distance < known + SPACE_GUARD_64 // 2:
            return None
        lowest = self._lowest.get(base, distance)
        asked = lowest if distance - NEAR <= lowest else distance
        self.known[base] = asked
        return asked
