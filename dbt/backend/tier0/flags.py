"""What the unit of one guest instruction does with the condition flags, and whether it may be left in the middle."""

from __future__ import annotations

from dbt.ir.unit import Inst, Unit

FLOW = ("br", "brif")


def falls_through(inst: Inst, length: int, next_mode: int) -> bool:
    """True for the exit that just goes on with the next instruction."""
    if inst.op.name != "goto":
        return False
    address, mode = inst.args
    return address.op.name == "pcadd" and address.attrs[0] == length and mode.op.name == "const" and mode.attrs[0] == next_mode


def summary(unit: Unit, flags: dict[str, int], length: int, next_mode: int) -> tuple[int, int, int, bool]:
    """Flags read, may-written and written on every path, and whether the unit may fault or leave."""
    reads = writes = 0
    leaves = False
    every = sum(flags.values())
    put: dict[str, int] = {}
    for label, block in unit.blocks.items():
        written = 0
        for inst in block.insts:
            name = inst.op.name
            if name == "get":
                reads |= flags.get(inst.attrs[0], 0)  # type: ignore[call-overload]
            elif name == "put":
                written |= flags.get(inst.attrs[0], 0)  # type: ignore[call-overload]
            elif "f" in inst.op.effects or ("t" in inst.op.effects and name not in FLOW and not falls_through(inst, length, next_mode)):
                leaves = True
        put[label] = written
        writes |= written
    kills: dict[str, int] = {}
    for label in reversed(unit.blocks):
        block = unit.blocks[label]
        after = block.successors()
        if after:
            joined = every
            for successor in after:
                joined &= kills.get(successor, 0)  # a back-edge counts as writing nothing
        else:
            joined = 0 if falls_through(block.insts[-1], length, next_mode) else every
        kills[label] = put[label] | joined
    return reads, writes, kills[next(iter(unit.blocks))], leaves
