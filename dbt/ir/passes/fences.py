"""``fences``: deletes fences that order nothing more than a neighbour does."""

from __future__ import annotations

from dbt.ir.state import StateMap
from dbt.ir.unit import Block, Inst, Unit

_FULL = "seq_cst"


def fences(unit: Unit, state: StateMap) -> Unit:
    """Delete a ``fence`` with no memory access between it and a full fence of the same block, before or after: atomic operations are full fences
    too."""
    for block in unit.blocks.values():
        if any(inst.op.name == "fence" for inst in block.insts):
            _sweep(block)
            block.insts.reverse()
            _sweep(block)
            block.insts.reverse()
    return unit


def _sweep(block: Block) -> None:
    """Delete the fences that have a full one before them in the order of the list."""
    kept: list[Inst] = []
    covered = False
    for inst in block.insts:
        if inst.op.name == "fence":
            if covered:
                continue
            covered = inst.attrs[0] == _FULL
        elif inst.op.name == "cas" or inst.op.name.startswith("rmw_"):
            covered = True
        elif "r" in inst.op.effects or "w" in inst.op.effects:
            covered = False
        kept.append(inst)
    block.insts = kept
