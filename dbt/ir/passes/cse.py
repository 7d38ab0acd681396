"""``cse``: computes each pure value once, and asks each question once."""

from __future__ import annotations

from dbt.ir.cfg import Cfg, drop_unreachable
from dbt.ir.optable import OPS
from dbt.ir.passes.fold import NEGATED
from dbt.ir.state import StateMap
from dbt.ir.types import VOID
from dbt.ir.unit import Block, Inst, Unit

Key = tuple[object, ...]

# pcadd depends on the guest instruction it belongs to; fold makes it a constant.
_MERGEABLE = frozenset(op.name for op in OPS.values() if op.pure and op.result != "void" and op.name != "pcadd")
_COMMUTES = frozenset(op.name for op in OPS.values() if op.commutes and len(op.args) == 2)
_BR, _BRIF = OPS["br"], OPS["brif"]


def cse(unit: Unit, state: StateMap) -> Unit:
    """Replace a pure operation by an equal one that dominates it, and a conditional branch on what a dominating branch has decided (or its
    opposite) by a plain one. Walks the dominator tree with one table and an undo list."""
    cfg = Cfg(unit)
    children: dict[str | None, list[str]] = {}
    for label, parent in cfg.idom.items():
        children.setdefault(parent, []).append(label)
    table: dict[Key, Inst] = {}
    decided: dict[Key, bool] = {}  # conditions that are known in the block at hand
    replaced: dict[Inst, Inst] = {}
    stack: list[tuple[str, list[Key] | None]] = [(label, None) for label in reversed(children.get(None, []))]
    cut_off = False
    while stack:
        label, added = stack.pop()
        if added is not None:
            for key in added:
                table.pop(key, None)
                decided.pop(key, None)
            continue
        added = []
        stack.append((label, added))
        block = unit.blocks[label]
        if len(cfg.preds[label]) == 1 and label not in cfg.roots:
            added += _learn(unit.blocks[cfg.preds[label][0]], label, decided)
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
                earlier = table.get(key)
                if earlier is not None:
                    replaced[inst] = earlier
                    continue
                table[key] = inst
                added.append(key)
            elif inst.op is _BRIF and decided:
                known = decided.get(_key(args[0]))
                if known is not None:
                    inst = Inst(_BR, VOID, (), (inst.attrs[0 if known else 1],))
                    cut_off = True
            out.append(inst)
        block.insts = out
        stack.extend((child, None) for child in reversed(children.get(label, [])))
    if cut_off:
        drop_unreachable(unit)
    return unit


def _key(condition: Inst) -> Key:
    return ("if", condition.op.name, condition.of.name, condition.args, condition.attrs) if condition.args else ("if", condition)


def _learn(pred: Block, label: str, decided: dict[Key, bool]) -> list[Key]:
    """Note what the branch of *pred*, the only way into block *label*, has decided; gives the new keys."""
    branch = pred.insts[-1]
    if branch.op is not _BRIF or branch.attrs[0] == branch.attrs[1]:
        return []
    condition = branch.args[0]
    outcome = branch.attrs[0] == label
    facts = {_key(condition): outcome}
    if condition.op.name in NEGATED:
        name, swap = NEGATED[condition.op.name]
        facts["if", name, condition.of.name, condition.args[::-1] if swap else condition.args, ()] = not outcome
    new = [key for key in facts if key not in decided]
    decided.update((key, facts[key]) for key in new)
    return new
