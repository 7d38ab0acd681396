"""Looks at code beyond a unit: may a store-conditional stand right behind an exit?"""

from __future__ import annotations

from collections.abc import Callable

from dbt.frontend.base import Frontend, lift_block
from dbt.ir.unit import Unit

NEARBY = 128  # bytes from the exit's target that are looked at: the farthest a store-conditional may stand from its load-link (ARM DDI 0406C, A3.4.5)
_MOST_BLOCKS = 8
_ENDS = ("ldlink", "clrex")

Start = tuple[int, int]  # (pc, mode)


def is_quiet(frontend: Frontend, fetch: Callable[[int, int], bytes], pc: int, mode: int) -> bool:
    """True if control that goes on at *pc* in *mode* meets no store-conditional nearby, unless a load-link, a call or anything else that leaves comes
    first."""
    seen = {(pc, mode)}
    todo = [(pc, mode)]
    while todo:
        if len(seen) > _MOST_BLOCKS:
            return False
        found = _follow(lift_block(frontend, fetch, *todo.pop()))
        if found is None:
            return False
        for start in found:
            if start not in seen and abs(start[0] - pc) <= NEARBY:
                seen.add(start)
                todo.append(start)
    return True


def _follow(unit: Unit) -> list[Start] | None:
    """Where the basic block *unit* goes on by jumps to known addresses; None if it comes to a store-conditional first."""
    entry = next(iter(unit.blocks))
    reached = {entry}
    found: list[Start] = []
    pc = 0
    for block in unit.blocks.values():  # in the order of the code: branches inside a basic block go down
        for inst in block.insts:
            name = inst.op.name
            if name == "mark":
                pc = int(inst.attrs[0])  # type: ignore[call-overload]
            elif block.label not in reached:
                continue
            elif name in _ENDS:
                break
            elif name == "stcond":
                return None
            elif name == "goto" and inst.attrs[0] != "call":
                target, mode = (arg.attrs[0] for arg in inst.args)
                assert isinstance(target, int) and isinstance(mode, int)
                found.append((pc + target if inst.args[0].op.name == "pcadd" else target, mode))
        else:
            reached.update(block.successors())
    return found
