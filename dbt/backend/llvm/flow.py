"""Control and data flow of a unit, as the lowering needs it: order of blocks, loops, and which homes are dirty or live where.

*Dirty* homes may differ from the vCPU block; an exit stores them. *Live* homes are read, or stored by an exit, before they are written whole.
Pinned slots are in neither set: they are always in registers and always leave with an exit. Sets are ints, one bit a home.
"""

from __future__ import annotations

from collections.abc import Iterable

from dbt.backend.llvm.flag_recipes import Group
from dbt.backend.llvm.lazyflags import LazyFlags
from dbt.backend.llvm.slots import IN_MEMORY, Homes
from dbt.ir.unit import Block, Inst, Unit


def order(unit: Unit, entries: Iterable[str]) -> tuple[list[Block], set[tuple[str, str]]]:
    """The blocks that the entries reach, definitions before uses (reverse postorder), and the edges that close loops."""
    done: list[str] = []
    state: dict[str, int] = {}  # 1 on the path, 2 finished
    closing = set()
    for entry in entries:
        if entry in state:
            continue
        state[entry] = 1
        stack = [(entry, iter(unit.blocks[entry].successors()))]
        while stack:
            label, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                state[label] = 2
                done.append(label)
                stack.pop()
            elif state.get(following) == 1:
                closing.add((label, following))
            elif following not in state:
                state[following] = 1
                stack.append((following, iter(unit.blocks[following].successors())))
    return [unit.blocks[label] for label in reversed(done)], closing


def leaves_state(inst: Inst) -> bool:
    """True if an exit or a fault at *inst* may show the guest state."""
    return "f" in inst.op.effects or (inst.op.terminator and inst.op.name not in ("br", "brif"))


class Flow:
    """Solves both problems on construction. ``dirty[label]`` and ``live[label]`` hold at the start of a block."""

    def __init__(self, unit: Unit, entries: Iterable[str], homes: Homes) -> None:
        entries = list(entries)
        self.homes = homes
        self.blocks, self.closing = order(unit, entries)
        self.polled = {target for _, target in self.closing if starts_instruction(unit.blocks[target])}
        self.lazy = LazyFlags(self.blocks, entries, homes)
        self.dirty = self._dirty()
        self.live = self._live()

    def written(self, inst: Inst) -> int:
        if inst.op.name != "put" or inst.attrs[0] in IN_MEMORY:
            return 0
        home = self.homes.of[str(inst.attrs[0])]
        return 0 if home.pinned else home.bit

    def _dirty(self) -> dict[str, int]:
        puts = {}
        for block in self.blocks:
            puts[block.label] = 0
            lazy = self.lazy.kept_lazy(block.label)
            for inst in block.insts:
                if not (lazy and inst.op.name == "put" and inst.attrs[0] in self.homes.layout.flags):
                    puts[block.label] |= self.written(inst)
        dirty = dict.fromkeys(puts, 0)
        changed = True
        while changed:
            changed = False
            for block in self.blocks:
                out = dirty[block.label] | puts[block.label]
                for label in block.successors():
                    if out & ~dirty[label]:
                        dirty[label] |= out
                        changed = True
        return dirty

    def _live(self) -> dict[str, int]:
        reads, kills = {}, {}
        for block in self.blocks:
            reads[block.label], kills[block.label] = self._summary(block)
        live = dict.fromkeys(reads, 0)
        changed = True
        while changed:
            changed = False
            for block in reversed(self.blocks):
                label = block.label
                out = 0
                for successor in block.successors():
                    out |= live[successor]
                now = reads[label] | (out & ~kills[label])
                if now != live[label]:
                    live[label] = now
                    changed = True
        return live

    def _summary(self, block: Block) -> tuple[int, int]:
        """(homes read before they are written whole, homes written whole) of one block."""
        dirty = self.dirty[block.label]
        read = dirty & ~(self._flags() if isinstance(self.lazy.at_start[block.label], Group) else 0) if block.label in self.polled else 0
        killed = self._flags() if isinstance(self.lazy.at_start[block.label], Group) else 0
        for inst in block.insts:
            name = inst.op.name
            if name == "put":
                bit = self.written(inst)
                if bit and self.homes.whole(str(inst.attrs[0])):
                    killed |= bit
                else:
                    read |= bit & ~killed
            elif name == "get":
                slot = str(inst.attrs[0])
                if slot not in IN_MEMORY and not self.homes.of[slot].pinned:
                    read |= self.homes.of[slot].bit & ~killed
            elif leaves_state(inst):
                read |= dirty & ~killed
        return read, killed

    def _flags(self) -> int:
        """The homes of the condition flags."""
        bits = 0
        for slot in self.homes.layout.flags:
            if slot in self.homes.of:
                bits |= self.homes.of[slot].bit
        return bits

    def live_out(self, block: Block) -> int:
        """Homes live at the end of *block*."""
        out = 0
        for label in block.successors():
            out |= self.live[label]
        return out


def starts_instruction(block: Block) -> bool:
    """True if *block* begins at a guest instruction boundary, so that one may leave there."""
    return bool(block.insts) and block.insts[0].op.name == "mark"
