"""``dead_puts``: deletes writes of the state that nobody can see. Flags are slots like any other.

Somebody sees a slot at: a ``get`` of an overlapping slot; every way out of the unit; an operation that may fault (effect ``f``), since a
fault shows all slots; the head of a loop, where an engine may leave for a request; a floating-point operation (it reads the FP environment
and adds to its flags).
"""

from __future__ import annotations

from dbt.ir.cfg import Cfg, loop_heads
from dbt.ir.state import StateMap
from dbt.ir.unit import Block, Inst, Unit


def dead_puts(unit: Unit, state: StateMap, precise: bool = True) -> Unit:
    """Delete each ``put`` whose bytes are all written again on every path before anybody sees them.

    With ``precise=False`` faults and loop heads are not counted as seeing: the state is then exact at the unit's exits only, which is for
    engines that rebuild the state of a fault by other means (such as running the unit's instructions again from its start)."""
    cfg = Cfg(unit)
    heads = loop_heads(unit) if precise else set()
    live_in: dict[str, int] = {}
    effects = {block.label: _effects(block, state, precise) for block in cfg.order}
    changed = True
    while changed:
        changed = False
        for block in reversed(cfg.order):
            seen, written = effects[block.label]
            new = seen | (_live_out(block, state, live_in) & ~written)
            if block.label in heads:
                new = state.everything
            if new != live_in.get(block.label, -1):
                live_in[block.label] = new
                changed = True
    for block in cfg.order:
        _sweep(block, state, _live_out(block, state, live_in), precise)
    return unit


def _live_out(block: Block, state: StateMap, live_in: dict[str, int]) -> int:
    successors = block.successors()
    if not successors:
        return state.everything
    live = 0
    for label in successors:
        live |= live_in.get(label, 0)
    return live


def _effects(block: Block, state: StateMap, precise: bool) -> tuple[int, int]:
    """(pieces seen before *block* writes them, pieces that it writes before anybody sees them)."""
    seen = written = 0
    for inst in reversed(block.insts):
        effects = inst.op.effects
        if effects == "" or effects == "b":
            continue
        if effects == "p":
            mask = state.masks[_slot(inst)]
            seen &= ~mask
            written |= mask
        else:
            shown = _shown(inst, state, precise)
            seen |= shown
            written &= ~shown
    return seen, written


def _sweep(block: Block, state: StateMap, live: int, precise: bool) -> None:
    kept: list[Inst] = []
    for inst in reversed(block.insts):
        effects = inst.op.effects
        if effects == "p":
            mask = state.masks[_slot(inst)]
            if not live & mask:
                continue
            live &= ~mask
        elif effects and effects != "b":
            live |= _shown(inst, state, precise)
        kept.append(inst)
    kept.reverse()
    block.insts = kept


def _shown(inst: Inst, state: StateMap, precise: bool) -> int:
    """Pieces of the state that *inst* shows to somebody."""
    effects = inst.op.effects
    if effects == "g":
        return state.masks[_slot(inst)]
    if "f" in effects:
        return state.everything if precise else 0
    return state.env_reads if "e" in effects else 0


def _slot(inst: Inst) -> str:
    slot = inst.attrs[0]
    assert isinstance(slot, str)
    return slot
