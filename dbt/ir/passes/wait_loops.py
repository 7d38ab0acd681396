"""``wait_loops``: tells the host where the guest waits in a loop for another vCPU.

A loop waits if another vCPU has to end it, or it only counts how long it waits: it reads memory at addresses that stay the same and writes none, a value that
it reads decides whether it goes on, and what it carries from one round to the next is looked at by one of its branches. A loop that computes something else
until it is told to stop is none.
"""

from __future__ import annotations

from dbt.ir.cfg import Cfg
from dbt.ir.optable import OPS
from dbt.ir.state import StateMap
from dbt.ir.types import VOID
from dbt.ir.unit import Block, Inst, Unit

MOST_INSTS = 48  # of a loop that waits
_LOADS = ("ld", "ldlink")
_HARMLESS = ("mark", "clrex", "get", "put", *_LOADS, "br", "brif")


def wait_loops(unit: Unit, state: StateMap) -> Unit:
    """Put a ``relax`` on the ways back to the head of each loop that waits."""
    if any(inst.op.name in _LOADS for inst in unit.insts()):
        for body in _loops(unit):
            if _waits(body, state):
                for block in body:
                    if body[0].label in block.successors():
                        _relax_on_edge(unit, block, body[0].label)
    return unit


def _relax_on_edge(unit: Unit, source: Block, target: str) -> None:
    """A block with a ``relax`` between *source*, which ends with a branch, and *target*."""
    wait = unit.block(f"{source.label}_waits_for_{target}")
    wait.insts = [Inst(OPS["relax"], VOID), Inst(OPS["br"], VOID, (), (target,))]
    last = source.insts[-1]
    last.attrs = tuple([wait.label if label == target else label for label in last.attrs])


def _loops(unit: Unit) -> list[list[Block]]:
    """Blocks without other effects that can all reach each other, the first one of each loop first. Ways out of it that come back count as leaving it."""
    calm = {block.label: block for block in Cfg(unit).order if all(inst.op.name in _HARMLESS or inst.op.pure for inst in block.insts)}
    reached = {label: _reached(calm, label) for label in calm}
    loops, seen = [], set()
    for label in calm:
        body = [other for other in calm if other in reached[label] and label in reached[other]]
        if label not in seen and body:
            seen.update(body)
            loops.append([calm[other] for other in body])
    return loops


def _reached(calm: dict[str, Block], label: str) -> set[str]:
    """Labels of the *calm* blocks that control can come to from one of them through others."""
    found: set[str] = set()
    todo = [label]
    while todo:
        for following in calm[todo.pop()].successors():
            if following in calm and following not in found:
                found.add(following)
                todo.append(following)
    return found


def _waits(body: list[Block], state: StateMap) -> bool:
    insts = [inst for block in body for inst in block.insts]
    if len(insts) > MOST_INSTS:
        return False
    inside = set(insts)
    written = {other for inst in insts if inst.op.name == "put" for other in state.overlaps[str(inst.attrs[0])]}
    carried = {str(inst.attrs[0]) for inst in insts if inst.op.name == "get"} & written
    for load in [inst for inst in insts if inst.op.name in _LOADS]:
        slots, loaded = _origins(load.args[0], inside)
        if loaded or not slots.isdisjoint(carried):
            return False
    labels = {block.label for block in body}
    branches = [block for block in body if block.insts[-1].op.name == "brif"]
    origins = [_origins(block.insts[-1].args[0], inside) for block in branches]
    told = any(loaded and not labels.issuperset(block.successors()) for block, (_, loaded) in zip(branches, origins, strict=True))
    return told and carried.issubset(slot for slots, _ in origins for slot in slots)


def _origins(value: Inst, inside: set[Inst]) -> tuple[set[str], bool]:
    """What *value* is computed from by the operations *inside*: slots, and whether a load is among them."""
    slots: set[str] = set()
    loaded = False
    todo, seen = [value], {value}
    while todo:
        inst = todo.pop()
        if inst not in inside:
            continue
        loaded |= inst.op.name in _LOADS
        if inst.op.name == "get":
            slots.add(str(inst.attrs[0]))
        todo.extend(arg for arg in inst.args if arg not in seen)
        seen.update(inst.args)
    return slots, loaded
