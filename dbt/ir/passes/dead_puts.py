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

    With ``precise=False`` faults are not counted as seeing: the state is then exact at exits and loop heads only, which is for engines that
    rebuild the state of a fault by other means (such as running the unit's instructions again from its start)."""
    live_in = dict.fromkeys(loop_heads(unit), state.everything)
    for block in reversed(Cfg(unit).order):
        live = 0 if block.successors() else state.everything
        for label in block.successors():
            # Swept already, but for those that close a loop: all are shown there, at a head or (inside an instruction) to be on the safe side.
            live |= live_in.get(label, state.everything)
        live = _sweep(block, state, live, precise)
        live_in.setdefault(block.label, live)
    return unit


def _sweep(block: Block, state: StateMap, live: int, precise: bool) -> int:
    """Delete the dead puts of *block*, whose end shows the pieces *live*; gives the pieces that its start shows."""
    masks = state.masks
    kept: list[Inst] = []
    for inst in reversed(block.insts):
        effects = inst.op.effects
        if effects == "p":
            mask = masks[inst.attrs[0]]
            if not live & mask:
                continue
            live &= ~mask
        elif effects == "g":
            live |= masks[inst.attrs[0]]
        elif "f" in effects:
            if precise:
                live = state.everything
            elif "x" in effects:
                live |= state.x87_reads
        elif "e" in effects:
            live |= state.env_reads
        kept.append(inst)
    kept.reverse()
    block.insts = kept
    return live
