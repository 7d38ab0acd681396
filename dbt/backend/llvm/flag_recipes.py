"""What a block's flags are made from: a *recipe* that works all of them out from few values.

The flags that a block leaves behind are pure functions of some values. ``recognise`` looks for at most ``MOST_LEAVES`` integers, its *leaves*, that decide
them all (a cut through the graph of pure operations), and prefers values that guest registers hold at the end of the block anyway: after ``sub r, x`` the
operand that ``r`` was is the new ``r`` plus ``x``. What is between leaves and flags is the recipe; equal recipes have equal keys.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from dbt.backend.llvm.scalars import SCALARS, constant_of
from dbt.backend.llvm.text import Text, constant
from dbt.ir.optable import OPS
from dbt.ir.unit import Inst

MOST_LEAVES = 2
_MOST_STEPS = 48  # operations of a recipe
_LEAF_TYPES = frozenset({"i1", "i8", "i16", "i32", "i64"})
_INVERSES = {"add": "sub", "sub": "add", "xor": "xor"}  # of op(leaf, x); sub(x, leaf) is its own

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """All flags as set by one block. ``puts`` has the value of each flag slot. ``steps`` are operations that work them out from the ``leaves``, in order, and
    ``numbers`` where each operand is found: leaves first, then steps. ``key`` is what equal recipes share."""

    puts: tuple[Inst, ...]
    leaves: tuple[Inst, ...]
    steps: tuple[Inst, ...]
    numbers: Mapping[Inst, int]
    key: Key

    def write(self, t: Text, leaves: Sequence[str]) -> list[str]:
        """Write the recipe; *leaves* are operands of their types. Gives the operand of each flag."""
        names = list(leaves)
        for step in self.steps:
            names.append(SCALARS[step.op.name](t, step, [self._operand(arg, names) for arg in step.args]))
        return [self._operand(put, names) for put in self.puts]

    def _operand(self, inst: Inst, names: Sequence[str]) -> str:
        value = constant_of(inst)
        return names[self.numbers[inst]] if value is None else constant(inst.of, value)


def recognise(puts: Sequence[Inst], position: Mapping[Inst, int], held: Collection[Inst]) -> Group | None:
    """The group of the flags *puts*, if they have a recipe. *position*: where each value is defined, in an order in which definitions come before uses. *held*:
    values that guest registers have at the end of the block."""
    leaves = _cut(puts, position)
    if leaves is None:
        return None
    return _Recipe(leaves, held).group(puts)


def _expands(inst: Inst) -> bool:
    return inst.op.name in SCALARS


def _is_leaf(inst: Inst) -> bool:
    """True if *inst* may be kept: an integer, and no bit that would have to be worked out."""
    return inst.type.name in _LEAF_TYPES and not (inst.type.bits == 1 and _expands(inst))


def _variables(inst: Inst) -> list[Inst]:
    return [arg for arg in inst.args if constant_of(arg) is None]


def _cut(puts: Sequence[Inst], position: Mapping[Inst, int]) -> list[Inst] | None:
    """The latest values, at most ``MOST_LEAVES``, that decide all *puts*."""
    front = {put for put in puts if constant_of(put) is None}
    for _ in range(_MOST_STEPS):
        if len(front) <= MOST_LEAVES and all(_is_leaf(inst) for inst in front):
            return sorted(front, key=position.__getitem__)
        candidates = [inst for inst in front if _expands(inst)]
        if not candidates:
            return None
        last = max(candidates, key=position.__getitem__)
        front.remove(last)
        front.update(_variables(last))
    return None


class _Recipe:
    """A group under construction. ``made``: how a leaf of the cut that no register holds is made from one that a register does hold."""

    def __init__(self, cut: Sequence[Inst], held: Collection[Inst]) -> None:
        self.made: dict[Inst, Inst] = {}
        self.kept = {leaf for leaf in cut if leaf in held}
        for leaf in cut:
            if leaf not in held:
                self._place(leaf, cut, held)
        self.leaves: list[Inst] = []
        self.steps: list[Inst] = []
        self.key: list[object] = []
        self.found: dict[Inst, int] = {}  # leaves as they are met: -1, -2, ...; steps: 0, 1, ...

    def _place(self, leaf: Inst, cut: Sequence[Inst], held: Collection[Inst]) -> None:
        """Decide where *leaf* comes from."""
        others = [other for other in cut if other is not leaf and other not in self.made]
        for value in held:
            found = _from(leaf, value, others)
            if found is not None:
                self.made[leaf] = found
                self.kept.add(value)
                return
        if leaf.op.name == "trunc" and leaf.args[0].type.name in _LEAF_TYPES:  # a value of 64 bits needs no extension
            self.made[leaf] = leaf
            self.kept.add(leaf.args[0])
        else:
            self.kept.add(leaf)

    def group(self, puts: Sequence[Inst]) -> Group:
        results = tuple([self._visit(put) for put in puts])
        count = len(self.leaves)
        numbers = {inst: number + count if number >= 0 else -1 - number for inst, number in self.found.items()}
        return Group(tuple(puts), tuple(self.leaves), tuple(self.steps), numbers, (*self.key, results))

    def _visit(self, inst: Inst) -> object:
        """What the key says of *inst*; its steps are added if they are not there yet."""
        value = constant_of(inst)
        if value is not None:
            return inst.of.name, value
        if inst not in self.found:
            if inst in self.kept:
                self.leaves.append(inst)
                self.found[inst] = -len(self.leaves)
                self.key.append(inst.type.name)
            else:
                self._add_step(inst)
        return self.found[inst]

    def _add_step(self, inst: Inst) -> None:
        step = self.made.get(inst, inst)
        arguments = tuple([self._visit(arg) for arg in step.args])
        self.found[inst] = len(self.steps)
        self.steps.append(step)
        self.key.append((step.op.name, step.of.name, step.attrs, arguments))


def _from(leaf: Inst, value: Inst, others: Sequence[Inst]) -> Inst | None:
    """*leaf* as an operation on *value*, which was made from it and perhaps one of the *others*; None if that is not so."""
    if value.op.name == "zext" and value.args[0].type is leaf.type:
        narrow = Inst(OPS["trunc"], leaf.type, (value,))
        return narrow if value.args[0] is leaf else _undone(leaf, value.args[0], narrow, others)
    return _undone(leaf, value, value, others) if value.type is leaf.type else None


def _undone(leaf: Inst, result: Inst, place: Inst, others: Sequence[Inst]) -> Inst | None:
    """*leaf* from *place*, which has the value of *result*."""
    if result.op.name not in _INVERSES or leaf not in result.args:
        return None
    a, b = result.args
    other = b if a is leaf else a
    if other is leaf or (constant_of(other) is None and other not in others):
        return None
    if result.op.name == "sub" and b is leaf:
        return Inst(OPS["sub"], leaf.of, (other, place))
    return Inst(OPS[_INVERSES[result.op.name]], leaf.of, (place, other))
