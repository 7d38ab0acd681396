"""``dce``: deletes operations whose value nothing uses."""

from __future__ import annotations

from dbt.ir.optable import OPS
from dbt.ir.state import StateMap
from dbt.ir.types import VOID
from dbt.ir.unit import Inst, Unit

# A read of the state can go as freely as a computation; an operation without a value (a hint, a mark) is there for its own sake.
_REMOVABLE = frozenset(op.name for op in OPS.values() if op.effects in ("", "g") and op.result != "void")


def dce(unit: Unit, state: StateMap) -> Unit:
    """Delete pure operations and state reads that no operation with an effect needs, directly or through others."""
    removable = _REMOVABLE
    live: set[Inst] = set()
    work: list[Inst] = []
    for block in unit.blocks.values():
        for inst in block.insts:
            if inst.op.name not in removable:
                work.extend(inst.args)
    while work:
        inst = work.pop()
        if inst not in live:
            live.add(inst)
            if inst.args and inst.op.name in removable:
                work.extend(inst.args)
    for block in unit.blocks.values():
        block.insts = [inst for inst in block.insts if inst.type is VOID or inst in live or inst.op.name not in removable]
    return unit
