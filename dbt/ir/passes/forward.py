"""``forward``: state reads get the value that was last written or read."""

from __future__ import annotations

from dbt.ir.cfg import Cfg
from dbt.ir.optable import OPS
from dbt.ir.state import StateMap
from dbt.ir.unit import Inst, Unit

_BITCAST = OPS["bitcast"]

Known = dict[str, Inst]


def forward(unit: Unit, state: StateMap) -> Unit:
    """Replace a ``get`` by the value known to be in the slot (with a bitcast if only the type differs), and delete a ``put`` of the value that
    the slot holds already. A write to an overlapping slot, or to ``fp_flags`` by a floating-point operation, makes the value unknown.

    Across blocks, a slot's value is known where all predecessors leave the same value in it; at an entry and at the head of a loop nothing
    is known. So a forwarded value always dominates its new use."""
    cfg = Cfg(unit)
    overlaps = state.overlaps
    roots = set(cfg.roots)
    at_end: dict[str, Known] = {}
    replaced: dict[Inst, Inst] = {}
    for block in cfg.order:
        known = {} if block.label in roots else _meet([at_end.get(label) for label in cfg.preds[block.label]])
        out: list[Inst] = []
        for inst in block.insts:
            if replaced:
                for arg in inst.args:
                    if arg in replaced:
                        inst.args = tuple([replaced.get(x, x) for x in inst.args])
                        break
            name = inst.op.name
            if name == "get":
                slot = inst.attrs[0]
                assert isinstance(slot, str)
                value = known.get(slot)
                if value is None:
                    known[slot] = inst
                elif value.type is inst.type:
                    replaced[inst] = value
                    continue
                else:
                    replaced[inst] = inst = Inst(_BITCAST, inst.of, (value,))
            elif name == "put":
                slot = inst.attrs[0]
                assert isinstance(slot, str)
                value = inst.args[0]
                if known.get(slot) is value:
                    continue
                for other in overlaps[slot]:
                    known.pop(other, None)
                known[slot] = value
            elif "e" in inst.op.effects:
                for other in state.env_written:
                    known.pop(other, None)
            elif "x" in inst.op.effects:
                for other in state.x87_written:
                    known.pop(other, None)
            out.append(inst)
        block.insts = out
        at_end[block.label] = known
    return unit


def _meet(ends: list[Known | None]) -> Known:
    """What all predecessors agree on; nothing if one of them has not been seen yet (a loop)."""
    first = ends[0]
    if first is None or None in ends:
        return {}
    if len(ends) == 1:
        return dict(first)
    return {slot: value for slot, value in first.items() if all(end is not None and end.get(slot) is value for end in ends[1:])}
