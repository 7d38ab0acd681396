"""Condition flags across blocks: kept as what they are made from, and worked out where the region is left.

In a loop the flags of one iteration are overwritten in the next, but a fault or a poll in between must show them. So where a block sets all flags, to something
that comes from few values (``flag_recipes``), and no block reads them before they are set again, the block computes nothing. What follows knows them in one of
three ways:

1. a *group*: all paths come from the same setting block, which dominates. The flags stay pending puts, which an exit works out.
2. *mixed*: paths with different histories join. ``kind`` and the leaves are variables of the region then, and an exit calls ``@flags``, which follows the
   recipe of that kind, unless ``kind`` says that the slots are right.
3. *none*: the slots (their homes) are right.

A block that sets only some flags, or from too many values, puts the flags in their homes, and counts as a reader of those it leaves alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING

from dbt.backend.llvm.convention import HELPER_CONVENTION
from dbt.backend.llvm.flag_recipes import MOST_LEAVES, Group, Key, recognise
from dbt.backend.llvm.slots import Homes
from dbt.backend.llvm.text import CPU, Text, llvm_type
from dbt.ir.types import I32, I64
from dbt.ir.unit import Block, Inst

if TYPE_CHECKING:
    from dbt.backend.llvm.region import Region

IN_SLOTS = 0  # a value of ``kind``; the others number the recipes of the region
_VARIABLES = tuple("abcdefgh"[:MOST_LEAVES])


class Shape(Enum):
    """What is known of the flags where it is no group."""

    NONE = 0
    MIXED = 1


State = Group | Shape


class LazyFlags:
    """The analysis: what is known of the flags at the start (``at_start``) and at the end (``at_end``) of each block."""

    def __init__(self, blocks: Sequence[Block], entries: Iterable[str], homes: Homes) -> None:
        self.slots = homes.layout.flags
        self._homes = homes
        position = {inst: at for at, inst in enumerate(inst for block in blocks for inst in block.insts)}
        self.written: dict[str, set[str]] = {}  # flags that a block puts
        groups: dict[str, Group | None] = {}
        reads: dict[str, set[str]] = {}
        for block in blocks:
            puts: dict[str, Inst] = {}
            early: set[str] = set()
            for inst in block.insts:
                if inst.op.name in ("get", "put") and inst.attrs[0] in self.slots:
                    slot = str(inst.attrs[0])
                    if inst.op.name == "put":
                        puts[slot] = inst.args[0]
                    elif slot not in puts:
                        early.add(slot)
            group = None
            if len(puts) == len(self.slots) > 0:
                group = recognise([puts[slot] for slot in self.slots], position, self._held(block))
            groups[block.label] = group
            if puts and group is None:
                early |= set(self.slots) - set(puts)
            self.written[block.label] = set(puts)
            reads[block.label] = early
        self._keep_unread(blocks, groups, reads)
        self.at_start, self.at_end = self._solve(blocks, set(entries), groups)

    def _held(self, block: Block) -> list[Inst]:
        """The values of guest registers at the end of *block*, as far as it has named them."""
        values: dict[str, Inst] = {}
        for inst in block.insts:
            if inst.op.name in ("get", "put"):
                slot = str(inst.attrs[0])
                if inst.of in (I32, I64) and slot in self._homes.of and slot not in self.slots and self._homes.whole(slot):
                    values[slot] = inst if inst.op.name == "get" else inst.args[0]
        return list(values.values())

    def _keep_unread(self, blocks: Sequence[Block], groups: dict[str, Group | None], reads: dict[str, set[str]]) -> None:
        """Give up the groups of which a flag is read in a later block."""
        read_later = {label: set(found) for label, found in reads.items()}
        changed = True
        while changed:
            changed = False
            for block in reversed(blocks):
                if groups[block.label] is None and not self.written[block.label]:
                    now = read_later[block.label].union(*[read_later[label] for label in block.successors()])
                    if now != read_later[block.label]:
                        read_later[block.label] = now
                        changed = True
        for block in blocks:
            if any(read_later[label] for label in block.successors()):
                groups[block.label] = None

    def _solve(self, blocks: Sequence[Block], entries: set[str], groups: Mapping[str, Group | None]) -> tuple[dict[str, State], dict[str, State]]:
        before: dict[str, list[str]] = {block.label: [] for block in blocks}
        for block in blocks:
            for label in block.successors():
                before[label].append(block.label)
        start: dict[str, State] = {}
        end: dict[str, State] = {}
        changed = True
        while changed:
            changed = False
            for block in blocks:
                label = block.label
                found: set[State] = {end[p] for p in before[label] if p in end}
                if label in entries:
                    found.add(Shape.NONE)
                state = found.pop() if len(found) == 1 else Shape.MIXED
                group = groups[label]
                after = group if group is not None else Shape.NONE if self.written[label] else state
                if start.get(label) != state or end.get(label) != after:
                    start[label], end[label] = state, after
                    changed = True
        return start, end

    def kept_lazy(self, label: str) -> bool:
        """True if the flags that block *label* puts stay out of their homes."""
        return isinstance(self.at_end[label], Group)

    def mixed(self) -> bool:
        return any(state is Shape.MIXED for state in self.at_start.values())


class Variables:
    """``kind`` and the leaves while a region is lowered."""

    def __init__(self, r: Region) -> None:
        self.r = r
        self.votes: dict[str, Counter[str]] = {name: Counter() for name in _VARIABLES}
        self.recipes: dict[Key, tuple[int, Group]] = {}
        self.called = False

    def declare(self) -> None:
        """Allocas, for the start of the function. The region is entered with the flags in their slots."""
        self.r.text.do("%lazy_kind = alloca i32, align 4")
        for name in _VARIABLES:
            self.r.text.do(f"%lazy_{name} = alloca i64, align 8")
        self.forget()
        self._at = len(self.r.text.lines)

    def forget(self) -> None:
        """The flags are in their slots."""
        self.r.text.do(f"store i32 {IN_SLOTS}, ptr %lazy_kind, align 4")

    def store(self, group: Group) -> None:
        """The end of a block from which *group* meets other histories."""
        r, t = self.r, self.r.text
        number, _ = self.recipes.setdefault(group.key, (len(self.recipes) + 1, group))
        t.do(f"store i32 {number}, ptr %lazy_kind, align 4")
        for k, name in enumerate(_VARIABLES):
            value = "poison"  # no recipe of that kind looks at it
            if k < len(group.leaves):
                leaf = group.leaves[k]
                value = r.operand(leaf)
                if leaf.type is not I64:
                    value = t.value(f"zext {llvm_type(leaf.type)} {value} to i64")
                self.votes[name][r.slot_holding(leaf)] += 1
            t.do(f"store i64 {value}, ptr %lazy_{name}, align 8")

    def first_values(self) -> None:
        """While the slots are right, the leaves may be anything: best is what they are later, so that LLVM sees a variable it has already."""
        lines = []
        for name, votes in self.votes.items():
            best = votes.most_common(1)[0][0] if votes else ""
            value = "poison"
            if best:
                home = next(home for home in self.r.homes.all if home.pointer == best)
                lines.append(f"  %first_{name} = load {home.llvm}, ptr {best}, align 4")
                value = f"%first_{name}"
                if home.llvm == "i32":
                    lines.append(f"  %wide_{name} = zext i32 {value} to i64")
                    value = f"%wide_{name}"
            lines.append(f"  store i64 {value}, ptr %lazy_{name}, align 8")
        self.r.text.lines[self._at : self._at] = lines

    def exit(self) -> None:
        """Store the flags in the vCPU block, unless they are there."""
        t = self.r.text
        self.called = True
        kind = t.value("load i32, ptr %lazy_kind, align 4")
        leaves = ", ".join(f"i64 {t.value(f'load i64, ptr %lazy_{name}, align 8')}" for name in _VARIABLES)
        t.do(f"call {HELPER_CONVENTION} void @flags(ptr %cpu, i32 {kind}, {leaves})")

    def function(self) -> list[str]:
        """``@flags``: what an exit calls."""
        t = Text()
        parameters = ", ".join(f"i64 %{name}" for name in _VARIABLES)
        cases = " ".join(f"i32 {number}, label %kind{number}" for number, _ in self.recipes.values())
        t.do(f"switch i32 %kind, label %done [{cases}]")
        for number, group in self.recipes.values():
            t.label(f"kind{number}")
            self._case(t, group)
            t.do("br label %done")
        t.label("done")
        t.do("ret void")
        head = f"define internal {HELPER_CONVENTION} void @flags(ptr %cpu, i32 %kind, {parameters}) noinline nounwind {{"
        return [head, *t.lines, "}"]

    def _case(self, t: Text, group: Group) -> None:
        leaves = []
        for name, leaf in zip(_VARIABLES, group.leaves, strict=False):
            leaves.append(f"%{name}" if leaf.type is I64 else t.value(f"trunc i64 %{name} to {llvm_type(leaf.type)}"))
        layout = self.r.layout
        for slot, value, put in zip(layout.flags, group.write(t, leaves), group.puts, strict=True):
            llvm = llvm_type(put.type)
            if put.type.bits == 1:
                value, llvm = t.value(f"zext i1 {value} to i8"), "i8"
            t.do(f"store {llvm} {value}, ptr {t.at('%cpu', layout.slots[slot][0])}, align {put.type.bits // 8 or 1}{CPU}")
