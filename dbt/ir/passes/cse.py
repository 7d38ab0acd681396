"""``cse``: computes each pure value once."""

from __future__ import annotations

from dbt.ir.cfg import Cfg
from dbt.ir.optable import OPS
from dbt.ir.state import StateMap
from dbt.ir.unit import Inst, Unit

# pcadd depends on the guest instruction it belongs to; fold makes it a constant.
_MERGEABLE = frozenset(op.name for op in OPS.values() if op.pure and op.result != "void" and op.name != "pcadd")
_COMMUTES = frozenset(op.name for op in OPS.values() if op.commutes and len(op.args) == 2)


def cse(unit: Unit, state: StateMap) -> Unit:
    """Replace a pure operation by an equal one that dominates it. Walks the dominator tree with one table and an undo list."""
    cfg = Cfg(unit)
    children: dict[str | None, list[str]] = {}
    for label, parent in cfg.idom.items():
        children.setdefault(parent, []).append(label)
    table: dict[tuple[object, ...], Inst] = {}
    replaced: dict[Inst, Inst] = {}
    stack: list[tuple[str, list[tuple[object, ...]] | None]] = [(label, None) for label in reversed(children.get(None, []))]
    while stack:
        label, added = stack.pop()
        if added is not None:
            for key in added:
                del table[key]
            continue
        added = []
        stack.append((label, added))
        block = unit.blocks[label]
        out: list[Inst] = []
        for inst in block.insts:
            args = inst.args
            if replaced:
                for arg in args:
                    if arg in replaced:
                        args = inst.args = tuple([replaced.get(x, x) for x in args])
                        break
            name = inst.op.name
            if name in _MERGEABLE:
                if name in _COMMUTES and id(args[0]) > id(args[1]):
                    args = args[::-1]
                key = (name, inst.of.name, args, inst.attrs)
                known = table.get(key)
                if known is not None:
                    replaced[inst] = known
                    continue
                table[key] = inst
                added.append(key)
            out.append(inst)
        block.insts = out
        stack.extend((child, None) for child in reversed(children.get(label, [])))
    return unit
