"""One TLB check for the stores of an IR block that are at constant distances from one base (a stack frame, a structure).

The first of them compares the tag for the bytes of all. Where that hit, the others go ahead: a flag that another vCPU sets meanwhile waits until this one
has passed a poll, and there is none inside a block. A slow path may pass one, so what was known is unknown behind it; so it is where the bytes of all lie in
two pages. Then each store checks for itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt.abi.memory import PAGE_SIZE
from dbt.ir.addresses import bytes_of, split
from dbt.ir.unit import Block, Inst

if TYPE_CHECKING:
    from dbt.backend.llvm.region import Region

Key = tuple[Inst, int]  # base, alignment


class SharedChecks:
    """The groups of one block; ``spans`` gives the lowest and the end distance of each, ``known`` the i1 that tells whether the group's check still holds."""

    def __init__(self, block: Block) -> None:
        found: dict[Key, list[tuple[int, int]]] = {}
        for inst in block.insts:
            if inst.op.name == "st":
                base, distance = split(inst.args[0])
                found.setdefault((base, int(inst.attr("align"))), []).append((distance, distance + bytes_of(inst.of)))  # type: ignore[call-overload]
        self.spans: dict[Key, tuple[int, int]] = {}
        for key, places in found.items():
            low, end = min(p[0] for p in places), max(p[1] for p in places)
            if len(places) > 1 and end - low < PAGE_SIZE // 2 and all((place[0] - low) % key[1] == 0 for place in places):
                self.spans[key] = low, end
        self.known: dict[Key, str] = {}

    def forget(self) -> None:
        """Something came that may pass a poll."""
        self.known.clear()

    def join(self, r: Region, fast: str, slow: str) -> None:
        """At the label where the block *fast* meets *slow*, the end of a slow path: nothing is known on that way."""
        for key, hit in self.known.items():
            self.known[key] = r.text.value(f"phi i1 [ {hit}, %{fast} ], [ false, %{slow} ]")
