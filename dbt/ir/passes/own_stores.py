"""``own_stores``: each load-link gets a copy of the blocks that lead from it to its store-conditional.

Compilers join what is alike: a spin lock whose loop is turned has two load-links before one store-conditional, and the head of a loop between the two is
entered from outside as well. ``atomic_idiom`` wants pairs that belong to each other alone. A block with several ways in, in which a link may be open and
from which a store-conditional can be reached, is copied for each way that comes from a link; the other ways keep the old block.

Runs on units as they were lifted, where no value is used in another block: a block of which one is stays as it is.
"""

from __future__ import annotations

from dbt.ir.cfg import roots
from dbt.ir.state import StateMap
from dbt.ir.unit import Block, Inst, Unit

MOST_INSTS = 48  # of a block that is copied
MOST_COPIES = 8  # in a unit


def own_stores(unit: Unit, state: StateMap) -> Unit:
    """Copy the shared blocks between load-links and store-conditionals."""
    if len(unit.blocks) == 1 or not any(inst.op.name == "ldlink" for inst in unit.insts()):
        return unit
    exporting = _exporting(unit)
    for count in range(MOST_COPIES):
        found = _shared(unit, exporting)
        if found is None:
            break
        source, label = found
        _copy(unit, source, label, f"{label}_{source.label}_{count}")
    return unit


def _exporting(unit: Unit) -> set[str]:
    """Labels of the blocks that define a value for another one."""
    home = {inst: block.label for block in unit.blocks.values() for inst in block.insts}
    return {home[arg] for block in unit.blocks.values() for inst in block.insts for arg in inst.args if home[arg] != block.label}


def _shared(unit: Unit, exporting: set[str]) -> tuple[Block, str] | None:
    """A block that leaves a link open for a block that others come to as well, and the label of that one."""
    opened, wanted, entered = _open_at_end(unit), _wants_link(unit), roots(unit)
    ways: dict[str, list[Block]] = {label: [] for label in unit.blocks}
    for block in unit.blocks.values():
        for label in dict.fromkeys(block.successors()):
            ways[label].append(block)
    for label in sorted(wanted - exporting):
        linked = [block for block in ways[label] if block.label in opened]
        if linked and len(unit.blocks[label].insts) <= MOST_INSTS and (len(ways[label]) > 1 or label in entered):
            return linked[0], label
    return None


def _open_at_end(unit: Unit) -> set[str]:
    """Labels of the blocks at whose end a link may be open."""
    found: set[str] = set()
    todo = [(block, False) for block in unit.blocks.values()]
    while todo:
        block, opened = todo.pop()
        for inst in block.insts:
            if _ends_link(inst):
                opened = inst.op.name == "ldlink"
        if opened and block.label not in found:
            found.add(block.label)
            todo += [(unit.blocks[label], True) for label in block.successors()]
    return found


def _wants_link(unit: Unit) -> set[str]:
    """Labels of the blocks from whose start a store-conditional can be reached before another operation ends the link."""
    first = {block.label: next((inst.op.name for inst in block.insts if _ends_link(inst)), "") for block in unit.blocks.values()}
    found = {label for label, name in first.items() if name == "stcond"}
    changed = True
    while changed:
        more = {block.label for block in unit.blocks.values() if not first[block.label] and not found.isdisjoint(block.successors())} - found
        found |= more
        changed = bool(more)
    return found


def _ends_link(inst: Inst) -> bool:
    return inst.op.name in ("ldlink", "stcond", "clrex")


def _copy(unit: Unit, source: Block, label: str, name: str) -> None:
    """Make block *source* go to a copy, called *name*, of block *label*."""
    made = unit.block(name)
    copies: dict[Inst, Inst] = {}
    for inst in unit.blocks[label].insts:
        copies[inst] = Inst(inst.op, inst.of, tuple([copies.get(arg, arg) for arg in inst.args]), inst.attrs)
        made.insts.append(copies[inst])
    last = source.insts[-1]
    last.attrs = tuple([name if target == label else target for target in last.attrs])
