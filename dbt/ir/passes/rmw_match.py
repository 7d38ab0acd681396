"""Recognises the value that an exclusive pair stores as an atomic operation on the value it loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from dbt.ir.optable import OPS
from dbt.ir.passes.rewrite import const_value
from dbt.ir.types import I32, I64, Type
from dbt.ir.unit import Inst

_BITWISE = ("and", "or", "xor")


class Match(NamedTuple):
    """``kind`` as in ``rmw_KIND``; ``operand`` its second operand; ``made``: new operations that the operand needs, in order."""

    kind: str
    operand: Inst
    made: list[Inst]


def depends(value: Inst, on: Inst) -> bool:
    """True if *value* is computed from *on*. Values that come through a slot do not count: see ``match``."""
    seen: set[Inst] = set()
    todo = [value]
    while todo:
        inst = todo.pop()
        if inst is on:
            return True
        if inst not in seen:
            seen.add(inst)
            todo.extend(inst.args)
    return False


def match(new: Inst, old: Inst) -> Match | None:
    """How *new*, the value stored, comes from *old*, the value loaded (of the same type); None if no row of the table does that."""
    matcher = _Matcher(old)
    found = matcher.whole(new)
    return Match(*found, matcher.made) if found is not None else None


Found = tuple[str, Inst]


class _Matcher:
    def __init__(self, old: Inst) -> None:
        self.old = old
        self.made: list[Inst] = []

    def make(self, name: str, of: Type, *args: Inst, attrs: tuple[object, ...] = ()) -> Inst:
        inst = Inst(OPS[name], of, args, attrs)
        self.made.append(inst)
        return inst

    def const(self, of: Type, value: int) -> Inst:
        return self.make("const", of, attrs=(value & ((1 << of.bits) - 1),))

    def whole(self, new: Inst) -> Found | None:
        old, type = self.old, self.old.of
        if not depends(new, old):
            return "xchg", new
        if type.bits < 32:
            return self._narrow(new)
        found = self._step(new, lambda x: x is old)
        if found is not None or type is not I64:
            return found or self._swapped(new)
        return self._halves(new)

    def _step(self, new: Inst, is_old: Callable[[Inst], bool]) -> Found | None:
        """One operation on what *is_old* accepts and something else."""
        name, of = new.op.name, new.of
        if name == "not" and is_old(new.args[0]):
            return "xor", self.const(of, -1)
        if name not in ("add", "sub", *_BITWISE):
            return None
        a, b = new.args
        if not is_old(a) and name != "sub":
            a, b = b, a
        if not is_old(a) or depends(b, self.old):
            return None
        return ("add", self.make("neg", of, b)) if name == "sub" else (name, b)

    def _narrow(self, new: Inst) -> Found | None:
        """Bytes and halfwords: the low bits of a sum (and the like) of 32 bits."""
        if new.op.name != "trunc" or new.args[0].type is not I32:
            return None
        old = self.old
        found = self._step(new.args[0], lambda x: x.op.name in ("zext", "sext") and x.args[0] is old)
        if found is None:
            return self._swapped(new)
        return found[0], self.make("trunc", old.of, found[1])

    def _swapped(self, new: Inst) -> Found | None:
        """Bitwise operations on big-endian data: the bytes of the operand are swapped in place of the data's."""
        if new.op.name != "bswap":
            return None
        inner, old = new.args[0], self.old

        def is_swapped(x: Inst) -> bool:
            return x.op.name == "bswap" and x.args[0] is old

        if inner.op.name == "trunc":
            found = self._step(inner.args[0], lambda x: x.op.name in ("zext", "sext") and is_swapped(x.args[0]))
            if found is not None and found[0] in _BITWISE:
                return found[0], self.make("bswap", old.of, self.make("trunc", old.of, found[1]))
            return None
        found = self._step(inner, is_swapped)
        return (found[0], self.make("bswap", old.of, found[1])) if found is not None and found[0] in _BITWISE else None

    # A doubleword in two registers --------------------------------------------------------------------------------------
    def _halves(self, new: Inst) -> Found | None:
        """``lo | hi << 32`` of two words that come from the halves of the old value."""
        parts = _parts(new)
        if parts is None:
            return None
        low, high = parts
        added = self._sum(low, high)
        if added is not None:
            return added
        first, second = self._step(low, self._is_low), self._step(high, self._is_high)
        if first is None or second is None or first[0] != second[0] or first[0] not in _BITWISE:
            return None
        return first[0], self._joined(first[1], second[1])

    def _is_low(self, word: Inst) -> bool:
        return word.op.name == "trunc" and word.of is I32 and word.args[0] is self.old

    def _is_high(self, word: Inst) -> bool:
        if word.op.name != "trunc" or word.of is not I32:
            return False
        shifted = word.args[0]
        return shifted.op.name == "shr" and shifted.args[0] is self.old and const_value(shifted.args[1]) == 32

    def _sum(self, low: Inst, high: Inst) -> Found | None:
        """ADDS and ADC, or SUBS and SBC: the carry of the low half goes into the high one."""
        if low.op.name not in ("add", "sub") or high.op.name != "add":
            return None
        first = self._step(low, self._is_low)
        if first is None:
            return None
        addend = low.args[1] if self._is_low(low.args[0]) else low.args[0]
        for rest, carried in (high.args, high.args[::-1]):
            if carried.op.name != "zext":
                continue
            carry = carried.args[0]
            if low.op.name == "add":
                second = ("add", self.const(I32, 0)) if self._is_high(rest) else self._step(rest, self._is_high)
                if second is not None and second[0] == "add" and _is_carry(carry, low, addend):
                    return "add", self._joined(addend, second[1])
            elif rest.op.name == "add" and carry.op.name == "ule" and carry.args == (addend, low.args[0]):
                other = next((y.args[0] for x, y in (rest.args, rest.args[::-1]) if self._is_high(x) and y.op.name == "not"), None)
                if other is not None and not depends(other, self.old):
                    return "add", self.make("neg", I64, self._joined(addend, other))
        return None

    def _joined(self, low: Inst, high: Inst) -> Inst:
        wide = self.make("shl", I64, self.make("zext", I64, high), self.const(I64, 32))
        return self.make("or", I64, self.make("zext", I64, low), wide)


def _is_carry(carry: Inst, total: Inst, addend: Inst) -> bool:
    """True if *carry* is the carry out of the 32-bit sum *total*, in one of the forms the passes leave it in."""
    if carry.op.name == "ult":
        return carry.args[0] is total and carry.args[1] in total.args
    if carry.op.name == "carry":
        return set(carry.args[:2]) == set(total.args) and const_value(carry.args[2]) == 0
    value = const_value(addend)
    if carry.op.name == "ule" and value is not None:  # x + k carries if x >= 2^32 - k
        return carry.args[1] in total.args and carry.args[1] is not addend and const_value(carry.args[0]) == -value % (1 << 32)
    return False


def _parts(new: Inst) -> tuple[Inst, Inst] | None:
    """(low, high) words of ``zext lo | zext hi << 32``."""
    if new.op.name != "or":
        return None
    for a, b in (new.args, new.args[::-1]):
        if a.op.name == "zext" and b.op.name == "shl" and const_value(b.args[1]) == 32 and b.args[0].op.name == "zext":
            low, high = a.args[0], b.args[0].args[0]
            if low.type is I32 and high.type is I32:
                return low, high
    return None
