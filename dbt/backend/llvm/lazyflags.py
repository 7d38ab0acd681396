"""Condition flags across blocks: kept as the operands of the compare that set them, and worked out where the region is left.

In a loop the flags of one iteration are overwritten in the next, but a fault or a poll in between must show them. So where a block ends with all four flags set
by one subtraction or addition, and no block reads them before they are set again, the block computes nothing. What follows knows them in one of three ways:

1. a *group*: all paths come from the same setting operation, which dominates. The flags stay pending puts, which an exit works out from the operands.
2. *mixed*: paths with different histories join. ``kind``, ``a`` and ``b`` are variables of the region then, and an exit calls ``@flags``, which stores the
   flags of ``a - b`` or ``a + b`` unless ``kind`` says that the slots are right.
3. *none*: the slots (their homes) are right.

A block that sets only some flags, or something this file does not recognise, puts the flags in their homes, and counts as a reader of those it leaves alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from dbt.abi.cpu import CpuLayout
from dbt.backend.llvm.convention import HELPER_CONVENTION
from dbt.backend.llvm.scalars import constant_of
from dbt.ir.unit import Block, Inst

if TYPE_CHECKING:
    from dbt.backend.llvm.region import Region

SLOTS = ("nf", "zf", "cf", "vf")  # N is the sign of nf, Z is zf == 0
IN_SLOTS, DIFFERENCE, SUM = 0, 1, 2  # values of ``kind``


@dataclass(frozen=True, slots=True)
class Group:
    """All four flags as set by ``a - b`` or ``a + b`` (``kind``); ``puts`` has the value of each slot."""

    kind: int
    a: Inst
    b: Inst | int
    puts: tuple[Inst, ...]


class Shape(Enum):
    """What is known of the flags where it is no group."""

    NONE = 0
    MIXED = 1


State = Group | Shape


def recognise(puts: Mapping[str, Inst]) -> Group | None:
    """The group that the last puts of a block make, if they do."""
    if any(slot not in puts for slot in SLOTS):
        return None
    n, z, c, v = values = tuple(puts[slot] for slot in SLOTS)
    if n is not z:
        return None
    if v.op.name == "subo":
        a, b = v.args
        if c.op.name == "ule" and _same(c.args[0], b) and c.args[1] is a and _is_difference(n, a, b):
            return Group(DIFFERENCE, a, b, values)
    elif v.op.name == "addo":
        a, b = v.args
        if n.op.name == "add" and _both(n.args, (a, b)) and _carries(c, a, b):
            return Group(SUM, a, b, values)
    elif constant_of(v) == 0 and constant_of(c) == 1:
        return Group(DIFFERENCE, n, 0, values)
    return None


def _same(x: Inst, y: Inst) -> bool:
    return x is y or (x.type is y.type and constant_of(x) is not None and constant_of(x) == constant_of(y))


def _both(x: Sequence[Inst], y: Sequence[Inst]) -> bool:
    return all(_same(p, q) for p, q in zip(x, y, strict=True))


def _is_difference(d: Inst, a: Inst, b: Inst) -> bool:
    if d.op.name == "sub":
        return _both(d.args, (a, b))
    k, offset = constant_of(b), constant_of(d.args[1]) if d.op.name == "add" else None
    return k is not None and offset is not None and d.args[0] is a and (k + offset) % (1 << d.of.bits) == 0


def _carries(c: Inst, a: Inst, b: Inst) -> bool:
    """True if *c* is the carry of a + b."""
    if c.op.name == "carry":
        return _both(c.args[:2], (a, b)) and constant_of(c.args[2]) == 0
    k, least = constant_of(b), constant_of(c.args[0]) if c.op.name == "ule" else None
    return k is not None and least is not None and c.args[1] is a and (k + least) % (1 << a.type.bits) == 0


class LazyFlags:
    """The analysis: what is known of the flags at the start (``at_start``) and at the end (``at_end``) of each block."""

    def __init__(self, blocks: Sequence[Block], entries: Iterable[str], layout: CpuLayout) -> None:
        self.active = tuple(layout.flags) == SLOTS
        self.written: dict[str, set[str]] = {}  # flags that a block puts
        groups: dict[str, Group | None] = {}
        reads: dict[str, set[str]] = {}
        for block in blocks:
            puts: dict[str, Inst] = {}
            early: set[str] = set()
            for inst in block.insts:
                if inst.op.name in ("get", "put") and inst.attrs[0] in SLOTS:
                    slot = str(inst.attrs[0])
                    if inst.op.name == "put":
                        puts[slot] = inst.args[0]
                    elif slot not in puts:
                        early.add(slot)
            group = groups[block.label] = recognise(puts) if self.active else None
            if puts and group is None:
                early |= set(SLOTS) - set(puts)
            self.written[block.label] = set(puts)
            reads[block.label] = early
        self._keep_unread(blocks, groups, reads)
        self.at_start, self.at_end = self._solve(blocks, set(entries), groups)

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
    """``kind``, ``a`` and ``b`` while a region is lowered."""

    def __init__(self, r: Region) -> None:
        self.r = r
        self.votes: dict[str, Counter[str]] = {"a": Counter(), "b": Counter()}
        self.called = False

    def declare(self) -> None:
        """Allocas, for the start of the function. The region is entered with the flags in their slots."""
        for name in ("kind", "a", "b"):
            self.r.text.do(f"%lazy_{name} = alloca i32, align 4")
        self.r.text.do(f"store i32 {IN_SLOTS}, ptr %lazy_kind, align 4")
        self._at = len(self.r.text.lines)

    def forget(self) -> None:
        self.r.text.do(f"store i32 {IN_SLOTS}, ptr %lazy_kind, align 4")

    def store(self, group: Group) -> None:
        """The end of a block from which *group* meets other histories."""
        t = self.r.text
        t.do(f"store i32 {group.kind}, ptr %lazy_kind, align 4")
        for name, value in (("a", group.a), ("b", group.b)):
            constant = value if isinstance(value, int) else constant_of(value)
            operand = str(constant) if constant is not None else self.r.operand(value)  # type: ignore[arg-type]
            self.votes[name][str(constant) if constant is not None else self.r.slot_holding(value)] += 1  # type: ignore[arg-type]
            t.do(f"store i32 {operand}, ptr %lazy_{name}, align 4")

    def first_values(self) -> None:
        """While the slots are right, ``a`` and ``b`` may be anything: best is what they are later, so that LLVM sees a variable it has already."""
        lines = []
        for name, votes in self.votes.items():
            best = votes.most_common(1)[0][0] if votes else ""
            if best.startswith("%"):
                lines.append(f"  %first_{name} = load i32, ptr {best}, align 4")
                best = f"%first_{name}"
            if best:
                lines.append(f"  store i32 {best}, ptr %lazy_{name}, align 4")
        self.r.text.lines[self._at : self._at] = lines

    def exit(self) -> None:
        """Store the flags in the vCPU block, unless they are there."""
        t = self.r.text
        self.called = True
        arguments = ", ".join(f"i32 {t.value(f'load i32, ptr %lazy_{name}, align 4')}" for name in ("kind", "a", "b"))
        t.do(f"call {HELPER_CONVENTION} void @flags(ptr %cpu, {arguments})")

    def function(self) -> list[str]:
        """``@flags``: what an exit calls."""
        slots = self.r.layout.slots
        lines = [
            f"define internal {HELPER_CONVENTION} void @flags(ptr %cpu, i32 %kind, i32 %a, i32 %b) noinline nounwind {{",
            f"switch i32 %kind, label %done [i32 {DIFFERENCE}, label %difference i32 {SUM}, label %sum]",
            "difference:", "%d = sub i32 %a, %b", "%dc = icmp uge i32 %a, %b", "%dp = call { i32, i1 } @llvm.ssub.with.overflow.i32(i32 %a, i32 %b)",
            "%dv = extractvalue { i32, i1 } %dp, 1", "br label %store",
            "sum:", "%s = add i32 %a, %b", "%sc = icmp ult i32 %s, %a", "%sp = call { i32, i1 } @llvm.sadd.with.overflow.i32(i32 %a, i32 %b)",
            "%sv = extractvalue { i32, i1 } %sp, 1", "br label %store",
            "store:", "%r = phi i32 [ %d, %difference ], [ %s, %sum ]", "%c1 = phi i1 [ %dc, %difference ], [ %sc, %sum ]",
            "%v1 = phi i1 [ %dv, %difference ], [ %sv, %sum ]", "%c = zext i1 %c1 to i8", "%v = zext i1 %v1 to i8",
        ]  # fmt: skip
        for slot, value in zip(SLOTS, ("i32 %r", "i32 %r", "i8 %c", "i8 %v"), strict=True):
            lines += [f"%at_{slot} = getelementptr i8, ptr %cpu, i64 {slots[slot][0]}", f"store {value}, ptr %at_{slot}, align 1"]
        return [*lines, "br label %done", "done:", "ret void", "}"]
