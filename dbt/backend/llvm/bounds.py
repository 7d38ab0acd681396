"""Which accesses without a check need not ask whether their address of 64 bits lies in the guest's space.

What lies ``SPACE_GUARD_BELOW`` bytes below the space and ``SPACE_GUARD_BEHIND`` bytes behind it has no access. So where one access has been made, its address
is in the space, and those near to it go ahead: they end in the space or in a guard. *Near* is found out for sums: addresses are written as registers of the
guest (or other values) times constants, plus a number that is known but for a range; what differs in that number alone is near. A register that gets a
constant more keeps what is known of it, so that a pointer that runs through an array is asked about once: each access that was made vouches for the next.

What is known is what all ways to a block know. A loop would ask in each round, as the way into it knows nothing: so the question that the block at its head
would ask stands on the ways to it instead (``guards``), where the answer is not known, if it is known to what comes round. Asking early does no harm: where the
answer is no, tier 0 goes on at the head of the loop.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice, product
from typing import NamedTuple

from dbt.abi.memory import LEAST_SPACE_BITS, SPACE_GUARD_BEHIND, SPACE_GUARD_BELOW
from dbt.ir.types import I64
from dbt.ir.unit import Block, Inst

# How far above and below an address that is in the space others may lie: half of each guard, the rest is for what an access itself spans.
ABOVE, BELOW = SPACE_GUARD_BEHIND // 2, SPACE_GUARD_BELOW // 2
_DEPTH = 8  # of sums that are looked into
_MOST_TERMS = 3
_MOST_FACTS = 64  # about one place
_MOST_ROUNDS = 12
_WIDENING = 3  # rounds after which what still changes is given up
_BOUNDED = ABOVE >> 1  # a value that is always less counts as part of the number

Atom = Inst | str  # a value, or a slot of the guest's state as it is at the start of a block
Terms = frozenset[tuple[Atom, int]]  # values and what they are multiplied by
Range = tuple[int, int]  # lowest and highest number
Facts = dict[Terms, Range]  # sum -> for some number of the range, sum plus that number is in the space


class Sum(NamedTuple):
    """Terms plus a number of a range."""

    terms: Terms
    low: int
    high: int


class Guard(NamedTuple):
    """A question before a loop: are these slots times constants, plus *number*, in the space?"""

    terms: tuple[tuple[str, int], ...]
    number: int


def near(found: Sum, known: Range) -> bool:
    """True if what is *known* of its terms vouches for *found*."""
    return found.high - known[0] < ABOVE and known[1] - found.low < BELOW


class Sums:
    """Addresses as sums."""

    def __init__(self) -> None:
        self._found: dict[Inst, Sum] = {}

    def of(self, inst: Inst, depth: int = _DEPTH) -> Sum:
        found = self._found.get(inst)
        if found is None:
            found = self._found[inst] = self._split(inst, depth) or Sum(frozenset(((inst, 1),)), 0, 0)
        return found

    def _split(self, inst: Inst, depth: int) -> Sum | None:
        name, args = inst.op.name, inst.args
        if name == "const":
            value = _signed(inst)
            return Sum(frozenset(), value, value)
        most = highest(inst)
        if most is not None and most < _BOUNDED:
            return Sum(frozenset(), 0, most)
        if not depth or inst.type is not I64:
            return None
        if name in ("add", "sub"):
            return _plus(self.of(args[0], depth - 1), self.of(args[1], depth - 1), 1 if name == "add" else -1)
        if name in ("shl", "mul") and args[1].op.name == "const" and 0 <= _signed(args[1]) < 64:
            factor = _signed(args[1])
            return _plus(Sum(frozenset(), 0, 0), self.of(args[0], depth - 1), 1 << factor if name == "shl" else factor)
        return None


def _signed(inst: Inst) -> int:
    """Value of a ``const``."""
    value: int = inst.attrs[0]  # type: ignore[assignment]
    bits = inst.type.bits
    return value - (1 << bits) if value >> bits - 1 else value


def _plus(a: Sum, b: Sum, factor: int) -> Sum | None:
    """a + factor * b, unless that has too many terms or is too vague."""
    terms = dict(a.terms)
    for atom, times in b.terms:
        terms[atom] = terms.get(atom, 0) + factor * times
    kept = frozenset((atom, times) for atom, times in terms.items() if times)
    ends = factor * b.low, factor * b.high
    low, high = a.low + min(ends), a.high + max(ends)
    return Sum(kept, low, high) if len(kept) <= _MOST_TERMS and high - low < ABOVE else None


def highest(inst: Inst, depth: int = _DEPTH) -> int | None:
    """What *inst* never exceeds, if that is plain to see."""
    bits, name, args = inst.type.bits, inst.op.name, inst.args
    most: int | None = None
    if name == "const":
        most = inst.attrs[0]  # type: ignore[assignment]
    elif depth and bits <= 64:
        if name == "zext":
            most = highest(args[0], depth - 1)
        elif name == "and":
            most = min((m for arg in args if (m := highest(arg, depth - 1)) is not None), default=None)
        elif name == "add":
            parts = [highest(arg, depth - 1) for arg in args]
            most = None if None in parts else sum(part for part in parts if part is not None)
        elif name in ("shl", "shr") and args[1].op.name == "const":
            part, count = highest(args[0], depth - 1), _signed(args[1])
            most = None if part is None or not 0 <= count < bits else part << count if name == "shl" else part >> count
    mask = (1 << bits) - 1
    if most is not None and most <= mask:
        return most
    return mask if bits < 64 else None


class _Summary:
    """What matters of one block: its accesses in order; the first ``get`` of each slot that is not written before it; the slots that are written; and where
    values are at its end: value -> (slot, what the slot has more)."""

    def __init__(self, block: Block, slots: Collection[str], sums: Sums) -> None:
        self.block = block
        self.made = set(block.insts)
        self.accesses: list[tuple[Inst, Sum]] = []
        self.gets: dict[str, Inst] = {}
        self.written: set[str] = set()
        held: dict[str, Inst] = {}
        pc = 0
        for inst in block.insts:
            name = inst.op.name
            if name == "mark":
                pc = int(inst.attrs[0])  # type: ignore[call-overload]
            elif name in ("ld", "st"):
                most, found = highest(inst.args[0]), sums.of(inst.args[0])
                low = most is not None and most < (1 << LEAST_SPACE_BITS) + ABOVE
                if not low and (found.terms or found.low < 0 or found.high >= pc + ABOVE):
                    self.accesses.append((inst, found))
            elif name in ("get", "put") and inst.attrs[0] in slots:
                slot = str(inst.attrs[0])
                if name == "put":
                    self.written.add(slot)
                    held[slot] = inst.args[0]
                elif slot not in held:
                    self.gets.setdefault(slot, inst)
                    held[slot] = inst
        self.holders: dict[Atom, list[tuple[str, int]]] = {}
        for slot, value in held.items():
            found = sums.of(value)
            if len(found.terms) == 1 and found.low == found.high:
                ((atom, times),) = found.terms
                if times == 1:
                    self.holders.setdefault(atom, []).append((slot, found.low))

    def arrive(self, known: Facts) -> Facts:
        """What is known of slots, as said of the values that this block reads from them."""
        facts: Facts = {}
        for terms, range in known.items():
            if any(atom in self.made or (atom in self.written and atom not in self.gets) for atom, _ in terms):
                continue  # said of what is made anew here
            if any(isinstance(atom, str) for atom, _ in terms):
                terms = frozenset((self.gets.get(atom, atom) if isinstance(atom, str) else atom, times) for atom, times in terms)
            facts[terms] = range
        return facts

    def leave(self, facts: Facts) -> Facts:
        """What is known at the end of the block, as said of slots, and of values that later blocks may use."""
        known: Facts = {}
        for terms, range in islice(reversed(facts.items()), _MOST_FACTS):
            if not any(isinstance(atom, str) for atom, _ in terms):
                known[terms] = range
            places = [[(atom, 0)] if isinstance(atom, str) else self.holders.get(atom, []) for atom, _ in terms]
            for chosen in islice(product(*places), 4):
                shift = sum(times * more for (_, times), (_, more) in zip(terms, chosen, strict=True))
                in_slots = frozenset((slot, times) for (_, times), (slot, _) in zip(terms, chosen, strict=True))
                if len(in_slots) == len(terms):
                    known.setdefault(in_slots, (range[0] - shift, range[1] - shift))
        return known


class Bounds:
    """The answer for a region: ``asks`` has the accesses that ask, about their own address. Blocks are in an order in which those that dominate others come
    first; *closing* are the edges that close loops, *polled* the heads of loops that may have guards; *slots* are the 64-bit slots that overlap no others."""

    def __init__(self, blocks: Sequence[Block], closing: Collection[tuple[str, str]], polled: Collection[str], entries: Iterable[str],
                 slots: Collection[str]) -> None:  # fmt: skip
        sums = Sums()
        self._blocks = [_Summary(block, slots, sums) for block in blocks]
        self._closing = closing
        self._entries = set(entries)
        self._before: dict[str, list[str]] = {block.label: [] for block in blocks}
        for block in blocks:
            for label in block.successors():
                self._before[label].append(block.label)
        self._known: dict[str, Facts] = {}  # at the end of each block
        self._guards = self._wanted({target for _, target in closing} & set(polled))
        arriving = self._solve()
        while not self._drop_useless():
            arriving = self._solve()
        self.asks: set[Inst] = set()
        for summary in self._blocks:
            self._pass(summary, summary.arrive(arriving.get(summary.block.label, {})), self.asks)

    def guards(self, source: str | None, target: str) -> tuple[Guard, ...]:
        """The questions on the edge from block *source*, or from outside, to *target*."""
        known = self._known.get(source, {}) if source is not None else {}
        return tuple([guard for terms, guard in self._guards.get(target, {}).items() if not _vouches(known.get(terms), guard)])

    def _wanted(self, heads: Collection[str]) -> dict[str, dict[Terms, Guard]]:
        """The questions that the heads of loops ask first, of slots as they find them."""
        wanted: dict[str, dict[Terms, Guard]] = {}
        for summary in self._blocks:
            if summary.block.label in heads:
                read = {inst: slot for slot, inst in summary.gets.items()}
                for _, found in summary.accesses:
                    if found.terms and all(atom in read for atom, _ in found.terms):
                        terms = tuple(sorted((read[atom], times) for atom, times in found.terms))  # type: ignore[index]
                        guards = wanted.setdefault(summary.block.label, {})
                        guards.setdefault(frozenset(terms), Guard(terms, found.low))
        return wanted

    def _drop_useless(self) -> bool:
        """Give up the guards whose answer is not known to anything that comes round; True if there were none."""
        fine = True
        for label, guards in self._guards.items():
            round = [self._known.get(source, {}) for source in self._before[label] if (source, label) in self._closing]
            for terms, guard in list(guards.items()):
                if not any(_vouches(known.get(terms), guard) for known in round):
                    del guards[terms]
                    fine = False
        return fine

    def _solve(self) -> dict[str, Facts]:
        """What is known at the start of each block, given the guards."""
        arriving: dict[str, Facts] = {}
        self._known = {}
        given_up: dict[str, set[Terms]] = {}
        for turn in range(_MOST_ROUNDS):
            changed = False
            for summary in self._blocks:
                label = summary.block.label
                facts = self._meet(label)
                before = arriving.get(label)
                if before is not None and turn >= _WIDENING:
                    given_up.setdefault(label, set()).update(terms for terms, range in facts.items() if before.get(terms) != range)
                for terms in given_up.get(label, ()):
                    facts.pop(terms, None)
                if facts != before:
                    arriving[label] = facts
                    self._known[label] = summary.leave(self._pass(summary, summary.arrive(facts)))
                    changed = True
            if not changed:
                return arriving
        self._guards, self._known = {}, {}
        return {}

    def _meet(self, label: str) -> Facts:
        """What all ways to the start of block *label* know that have been gone so far."""
        guards = self._guards.get(label, {})
        ways = [_with({}, guards)] if label in self._entries else []
        for source in self._before[label]:
            if source in self._known:
                ways.append(_with(self._known[source], guards))
        if not ways:
            return {}
        first, *others = ways
        facts: Facts = {}
        for terms, (low, high) in first.items():
            ranges = [way.get(terms) for way in others]
            if None not in ranges:
                low, high = min([low, *[r[0] for r in ranges if r]]), max([high, *[r[1] for r in ranges if r]])
                if high - low < BELOW:
                    facts[terms] = low, high
        return facts

    @staticmethod
    def _pass(summary: _Summary, facts: Facts, asks: set[Inst] | None = None) -> Facts:
        """Go through a block: gives what is known at its end; *asks* gets the accesses that ask."""
        for inst, found in summary.accesses:
            known = facts.get(found.terms)
            fine = known is not None and near(found, known)
            if not fine and asks is not None:
                asks.add(inst)
            if known is None or not fine or found.high - found.low <= known[1] - known[0]:
                facts.pop(found.terms, None)
                facts[found.terms] = found.low, found.high
        return facts


def _vouches(known: Range | None, guard: Guard) -> bool:
    return known is not None and near(Sum(frozenset(), guard.number, guard.number), known)


def _with(known: Facts, guards: Mapping[Terms, Guard]) -> Facts:
    """What is known behind the questions of *guards*, which are asked where the answer is not known."""
    missing = {terms: (guard.number, guard.number) for terms, guard in guards.items() if not _vouches(known.get(terms), guard)}
    return {**known, **missing} if missing else known
