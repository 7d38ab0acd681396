"""Learns instruction shapes (``dbt.frontend.form``): from lifted members of a shape to a template with holes.

A template's operands are affine in the field values: cells of registers, immediates, distances. One member is lifted as it is, one more for each field with
that field changed by one, which gives the coefficients; then other members, with extreme and random values, must come out exactly as predicted. A shape that
fails this is remembered as one that must be lifted.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

from dbt.abi.records import CODES, NAMES, RECORD_BYTES, is_rare
from dbt.frontend.form import Form
from dbt.ir.optable import OPS
from runtime.process_block import template

Sample = Callable[[int], bytes]  # instruction -> its packed template; any exception means that it has none

CHECKS = 8  # members that must come out as predicted
POPULAR_CHECKS = 3  # of a popular shape, of which the tests look at more
_ATTEMPTS = 64  # to find a member with given properties
_HEAD = template.offset("mode")  # what lies before is the instruction itself, and bookkeeping
_WIDE = frozenset({CODES["const.i64"], CODES["pcadd.i32"], CODES["pcadd.i64"], CODES["goto"]})
_RARE = frozenset({CODES[name] for name in OPS if is_rare(name)})
_PLAIN_SLOTS = ((2, 2), (4, 4), (8, 4), (12, 4))  # (offset, bytes) of a record's words behind its code
_WIDE_SLOTS = ((2, 2), (4, 8), (12, 4))
_PAYLOAD_SLOTS = tuple([(at, 2) for at in range(0, RECORD_BYTES, 2)])
assert max(NAMES) < 1 << 16


class Hole(NamedTuple):
    """``bytes`` bytes at ``offset`` of a template that grow by ``factor`` times the value of field number ``field``."""

    offset: int
    bytes: int
    field: int
    factor: int


class Learnt(NamedTuple):
    """The template of a shape with every field value taken as 0 (bytes without an instruction), and its holes."""

    base: bytes
    holes: tuple[Hole, ...]


class _Slots:
    """A sample taken apart: ``frame`` are the bytes that all members share, ``values`` the numbers that may differ."""

    def __init__(self, packed: bytes) -> None:
        frame = bytearray(packed)
        self.places: list[tuple[int, int]] = []
        self.values: list[int] = []
        frame[:_HEAD] = bytes(_HEAD)
        payload = False
        for at in range(template.size, len(packed), RECORD_BYTES):
            (code,) = struct.unpack_from("<H", packed, at)
            slots = _PAYLOAD_SLOTS if payload else _WIDE_SLOTS if code in _WIDE else _PLAIN_SLOTS
            payload = not payload and code in _RARE
            for offset, size in slots:
                self.places.append((at + offset, size))
                self.values.append(int.from_bytes(packed[at + offset : at + offset + size], "little"))
                frame[at + offset : at + offset + size] = bytes(size)
        self.frame = bytes(frame)


def fill(learnt: Learnt, form: Form, insn: int) -> bytes:
    """The template of member *insn* (without the instruction itself): what the kernel ``shape_template`` does."""
    made = bytearray(learnt.base)
    values = form.values(insn)
    for hole in learnt.holes:
        end = hole.offset + hole.bytes
        sum = int.from_bytes(made[hole.offset : end], "little") + hole.factor * values[hole.field]
        made[hole.offset : end] = (sum & (1 << 8 * hole.bytes) - 1).to_bytes(hole.bytes, "little")
    return bytes(made)


def without_insn(packed: bytes) -> bytes:
    """A packed template as :func:`fill` gives it."""
    return bytes(_HEAD) + packed[_HEAD:]


def learn(form: Form, insn: int, sample: Sample, checks: int = CHECKS) -> Learnt | None:
    """The shape of *insn*; None if its members do not behave."""
    try:
        return _learn(form, insn, sample, checks)
    except Exception:  # an instruction that can't be lifted: whoever executes it will say why
        return None


def _learn(form: Form, insn: int, sample: Sample, checks: int) -> Learnt | None:
    members = Members(form, insn)
    start, neighbours = members.start()
    first = _Slots(sample(start))
    values = form.values(start)
    factors: list[dict[int, int]] = [{} for _ in first.places]
    for field, other in neighbours.items():
        changed = _Slots(sample(other))
        if changed.frame != first.frame:
            return None
        step = form.fields[field].extract(other) - values[field]
        for slot, (before, after) in enumerate(zip(first.values, changed.values, strict=True)):
            if before != after:
                factors[slot][field] = (after - before) * step  # a step is 1 or -1
    base = bytearray(first.frame)
    holes = []
    for (offset, size), value, found in zip(first.places, first.values, factors, strict=True):
        bits = 8 * size
        for field, factor in found.items():
            factor = (factor + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)
            value -= factor * values[field]
            holes.append(Hole(offset, size, field, factor))
        base[offset : offset + size] = (value & (1 << bits) - 1).to_bytes(size, "little")
    learnt = Learnt(bytes(base), tuple(holes))
    if all(fill(learnt, form, other) == without_insn(sample(other)) for other in (insn, *members.some(checks))):
        return learnt
    return None


class Members:
    """The instructions of the shape of *insn*. ``free`` are the fields that vary, of fields tied to each other the first."""

    def __init__(self, form: Form, insn: int) -> None:
        self.form = form
        self.insn = insn
        self.shape = form.shape(insn)
        pattern = self.shape[1].to_bytes(8, "little")
        fields = range(len(form.fields))
        self.free = [i for i in fields if pattern[i] == i]
        self._tied = {i: [j for j in fields if pattern[j] == i] for i in self.free}
        self._rng = Random(insn)  # the same members each time

    def _set(self, insn: int, field: int, value: int) -> int:
        for tied in self._tied[field]:
            insn = self.form.fields[tied].insert(insn, value)
        return insn

    def _belongs(self, insn: int) -> bool:
        return self.form.shape(insn) == self.shape

    def chosen(self, choose: Callable[[int], int]) -> int | None:
        """A member with values chosen by field width, or at random if those make no member; None if none turns up."""
        for attempt in range(_ATTEMPTS):
            made = self.insn
            for field in self.free:
                made = self._set(made, field, (self._rng.getrandbits if attempt else choose)(self.form.fields[field].width))
            if self._belongs(made):
                return made
        return None

    def start(self) -> tuple[int, dict[int, int]]:
        """A member, and for each free field a member that differs in this field alone, by one. LookupError if there is no such member."""
        made: int | None = self.insn
        for _ in range(_ATTEMPTS):
            if made is not None:
                found = {field: near for field in self.free if (near := self._next_to(made, field)) is not None}
                if len(found) == len(self.free):
                    return made, found
            made = self.chosen(self._rng.getrandbits)
        raise LookupError("no member has neighbours on all sides")

    def _next_to(self, insn: int, field: int) -> int | None:
        value = self.form.fields[field].extract(insn)
        for near in (value + 1, value - 1):
            if 0 <= near < 1 << self.form.fields[field].width:
                made = self._set(insn, field, near)
                if self._belongs(made):
                    return made
        return None

    def some(self, count: int) -> Iterator[int]:
        """*count* members (fewer where there are few): with the greatest values, with powers of two, then at random."""
        choices = [self._greatest, self._power] + [self._rng.getrandbits] * count
        for choose in choices[:count]:
            made = self.chosen(choose)
            if made is not None:
                yield made

    def _greatest(self, width: int) -> int:
        return (1 << width) - 1 - self._rng.randrange(min(4, 1 << width))

    def _power(self, width: int) -> int:
        return 1 << self._rng.randrange(width)
