"""Where writes of the state may still be pending: an analysis for engines that keep slots in host registers."""

from __future__ import annotations

from dbt.ir.cfg import Cfg, back_edges
from dbt.ir.state import StateMap
from dbt.ir.unit import Block, Inst, Unit


def live_slots(unit: Unit, state: StateMap) -> dict[Inst, frozenset[str]]:
    """For each operation that may fault, each exit and each branch of a back-edge: the slots that were put on some path from an entry to it.

    An engine that holds slots in registers and stores them only where they are seen must store exactly these there; every other slot is in
    memory already. Slots that only a floating-point operation changes (``fp_flags``) are not counted: those operations act on memory.
    The converse holds after ``dead_puts``: a slot that is not stored at a place where this function lists it is seen wrong."""
    cfg = Cfg(unit)
    names = list(state.slots)
    bit = {name: 1 << at for at, name in enumerate(names)}
    puts = {block.label: _puts(block, bit) for block in cfg.order}
    dirty_in = {block.label: 0 for block in cfg.order}
    changed = True
    while changed:
        changed = False
        for block in cfg.order:
            new = 0
            for label in cfg.preds[block.label]:
                new |= dirty_in[label] | puts[label]
            if new != dirty_in[block.label]:
                dirty_in[block.label] = new
                changed = True
    sets: dict[int, frozenset[str]] = {}
    result: dict[Inst, frozenset[str]] = {}
    loops = back_edges(unit)
    for block in cfg.order:
        dirty = dirty_in[block.label]
        for inst in block.insts:
            effects = inst.op.effects
            if effects == "p":
                dirty |= bit[str(inst.attrs[0])]
            elif "f" in effects or ("t" in effects and ("b" in effects or block.label in loops)):
                if dirty not in sets:
                    sets[dirty] = frozenset([name for name in names if bit[name] & dirty])
                result[inst] = sets[dirty]
    return result


def _puts(block: Block, bit: dict[str, int]) -> int:
    dirty = 0
    for inst in block.insts:
        if inst.op.effects == "p":
            dirty |= bit[str(inst.attrs[0])]
    return dirty
