"""``reloads``: a load of what was just stored or loaded there is no load."""

from __future__ import annotations

from dbt.ir.addresses import bytes_of, split
from dbt.ir.cfg import Cfg
from dbt.ir.state import StateMap
from dbt.ir.types import Type
from dbt.ir.unit import Inst, Unit

Place = tuple[Inst, int, Type]  # base, distance, type of the access
Known = dict[Place, tuple[Inst, int]]  # the value there, and the alignment that its access had


def reloads(unit: Unit, state: StateMap) -> Unit:
    """Replace a ``ld`` by the value that this unit stored or loaded last at the same base and distance, with no access between that may have changed it: a
    store at another base, or to bytes that overlap, or anything but plain loads and stores. The access before has shown that the page is there.

    To other vCPUs the load came early. ARM allows that, with nothing but plain accesses between (a store is forwarded to a load of its own thread; loads of
    one address stay in order, being one). x86 lets other vCPUs tell (``reloads_in_order``): there the pass is for a process with one vCPU. Nothing is known
    at an entry and at the head of a loop, so a loop that waits for a change loads each time."""
    return _replace(unit, in_order=False)


def reloads_in_order(unit: Unit, state: StateMap) -> Unit:
    """The same, where total store order is to be kept: no load overtakes another one. Without a load between, a load may well come early: before stores of its
    own thread to other addresses, which a store buffer holds back, and right behind the store to its own, which the buffer forwards."""
    return _replace(unit, in_order=True)


def _replace(unit: Unit, in_order: bool) -> Unit:
    cfg = Cfg(unit)
    roots = set(cfg.roots)
    at_end: dict[str, Known] = {}
    replaced: dict[Inst, Inst] = {}
    for block in cfg.order:
        before = [at_end.get(label) for label in cfg.preds[block.label]]
        known = {} if block.label in roots else _meet(before)
        out: list[Inst] = []
        for inst in block.insts:
            if replaced and any(arg in replaced for arg in inst.args):
                inst.args = tuple([replaced.get(x, x) for x in inst.args])
            name = inst.op.name
            if name == "ld":
                place, align = _place(inst)
                value, checked = known.get(place, (inst, 0))
                if checked % align == 0 and value is not inst:
                    replaced[inst] = value
                    continue
                if in_order:
                    known = {}
                known[place] = inst, align
            elif name == "st":
                place, align = _place(inst)
                known = {other: found for other, found in known.items() if _apart(place, other)}
                known[place] = inst.args[1], align
            elif name != "mark" and not {"r", "w", "b"}.isdisjoint(inst.op.effects):
                known = {}
            out.append(inst)
        block.insts = out
        at_end[block.label] = known
    return unit


def _place(inst: Inst) -> tuple[Place, int]:
    """Where a ``ld`` or ``st`` goes, and the alignment it asks for."""
    base, distance = split(inst.args[0])
    return (base, distance, inst.of), int(inst.attr("align"))  # type: ignore[call-overload]


def _apart(one: Place, other: Place) -> bool:
    """True if the bytes of both are certainly different ones."""
    (base, low, type), (other_base, other_low, other_type) = one, other
    return base is other_base and (low + bytes_of(type) <= other_low or other_low + bytes_of(other_type) <= low)


def _meet(before: list[Known | None]) -> Known:
    """What all predecessors know; nothing if one of them has not been seen yet."""
    first, *others = before or [None]
    if first is None:
        return {}
    return {place: found for place, found in first.items() if all(known is not None and known.get(place) == found for known in others)}
