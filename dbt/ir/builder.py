"""Builds IR. Frontends write ``b.add(x, y)``: one method a row of the opcode table, made from the table.

Every generated method takes the operands, then the attributes as keywords; rows whose type cannot be told from the
operands take it first: ``b.ld(I32, addr, align=4)``, ``b.zext(I64, x)``, ``b.get(I32, "r0")`` (or ``b.getreg("r0")``).
Plain Python ints are accepted as operands where another operand gives the type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dbt.ir import types as ty
from dbt.ir.optable import OPS, Op
from dbt.ir.types import TYPES, Type
from dbt.ir.unit import Block, Inst, Unit

_TYPE_FIRST = {"const", "pcadd", "get", "ld", "ldlink", "zext", "sext", "trunc", "bitcast", "vdup", "vget", "ftoi", "itof", "fcvt", "fcvt_h2f"}


# Opcode -> (type of each operand: VOID stands for T, None for any; types of the instances; defaults of the attributes).
_SHAPES: dict[str, tuple[tuple[Type | None, ...], frozenset[Type], dict[str, object]]] = {
    op.name: (tuple([ty.VOID if p == "T" else TYPES.get(p) for p in op.args]), frozenset([TYPES[name] for name in op.types]), dict(op.defaults))
    for op in OPS.values()
}


class IRError(Exception):
    """Malformed IR: the message names the operation and what is wrong with it."""


class Builder:
    """Appends to the current block of a unit. ``slots`` maps slot names to their natural type (from ``dbt.abi``)."""

    def __init__(self, unit: Unit, slots: dict[str, Type]) -> None:
        self.unit = unit
        self.slots = slots
        self.block: Block = next(iter(unit.blocks.values()), None) or unit.block("b0")
        self._labels = len(unit.blocks)

    # Blocks -------------------------------------------------------------------------------------------------------
    def new_label(self) -> str:
        """A label not used yet in the unit."""
        label = f"b{self._labels}"
        self._labels += 1
        return label

    def start(self, label: str) -> None:
        """Append a block *label* and continue there."""
        self.block = self.unit.block(label)

    @property
    def done(self) -> bool:
        """True if the current block has its terminator."""
        return self.block.terminator is not None

    # Emission -----------------------------------------------------------------------------------------------------
    def emit(self, op: Op, of: Type, args: tuple[Inst, ...], attrs: tuple[object, ...]) -> Inst:
        inst = Inst(op, of, args, attrs)
        self.block.insts.append(inst)
        return inst

    def const(self, type: Type, value: int) -> Inst:
        """The constant *value* modulo the width of *type*."""
        return self.emit(OPS["const"], type, (), (value & ((1 << type.bits) - 1),))

    def i32(self, value: int) -> Inst:
        return self.const(ty.I32, value)

    def getreg(self, slot: str) -> Inst:
        """Read *slot* with its natural type."""
        return self.emit(OPS["get"], self.slots[slot], (), (slot,))

    def put(self, value: Inst | int, *, slot: str) -> Inst:
        value = value if isinstance(value, Inst) else self.const(self.slots[slot], value)
        return self.emit(OPS["put"], value.type, (value,), (slot,))

    def putreg(self, slot: str, value: Inst | int) -> None:
        self.put(value, slot=slot)

    def _operand(self, value: Inst | int, type: Type | None, op: Op) -> Inst:
        if isinstance(value, Inst):
            return value
        if type is None:
            raise IRError(f"{op.name}: an int operand needs another operand that gives its type")
        return self.const(type, value)

    def _build(self, op: Op, type: Type | None, operands: tuple[Inst | int, ...], attrs: dict[str, object]) -> Inst:
        if len(operands) != len(op.args):
            raise IRError(f"{op.name} takes {len(op.args)} operands, not {len(operands)}")
        patterns, types, defaults = _SHAPES[op.name]
        if type is None and op.types:
            type = next((v.type for v, p in zip(operands, op.args, strict=True) if p == "T" and isinstance(v, Inst)), None)
            if type is None:
                raise IRError(f"{op.name}: no operand gives its type")
        args: list[Inst] = []
        for value, pattern in zip(operands, patterns, strict=True):
            want = type if pattern is ty.VOID else pattern
            arg = value if isinstance(value, Inst) else self._operand(value, want, op)
            if want is not None and arg.type is not want:
                raise IRError(f"{op.name}: operand {len(args)} is {arg.type}, not {want}")
            args.append(arg)
        if op.types and type not in types:
            raise IRError(f"{op.name} has no instance for {type}")
        values = {**defaults, **attrs} if attrs else defaults
        try:
            row = tuple([values[name] for name in op.attrs])
        except KeyError as missing:
            raise IRError(f"{op.name} needs the attribute {missing}") from None
        if len(values) != len(row):
            raise IRError(f"{op.name} has no attribute {next(name for name in values if name not in op.attrs)}")
        return self.emit(op, type or ty.VOID, tuple(args), row)

    def __getattr__(self, name: str) -> Callable[..., Inst]:
        # Reached only for names that are no row: the rows' methods are set on the class at the end of this file.
        raise AttributeError(f"no IR opcode {name}")


def _method(op: Op) -> Callable[..., Inst]:
    if op.name in _TYPE_FIRST:

        def typed(self: Builder, type: Type, *operands: Inst | int, **attrs: Any) -> Inst:
            return self._build(op, type, operands, attrs)

        return typed

    if op.args == ("T", "T") and not op.attrs:
        types = _SHAPES[op.name][1]

        def binary(self: Builder, a: Inst | int, b: Inst | int) -> Inst:
            # Most of what frontends emit: the checks of _build in fewer steps, and _build itself to complain.
            if b.__class__ is int and a.__class__ is Inst:
                b = self.const(a.type, b)
            elif a.__class__ is int and b.__class__ is Inst:
                a = self.const(b.type, a)
            if a.__class__ is not Inst or b.__class__ is not Inst or a.type is not b.type or a.type not in types:
                return self._build(op, None, (a, b), {})
            inst = Inst(op, a.type, (a, b))
            self.block.insts.append(inst)
            return inst

        return binary

    def plain(self: Builder, *operands: Inst | int, **attrs: Any) -> Inst:
        return self._build(op, None, operands, attrs)

    return plain


def _name(op: Op) -> str:
    """Opcode names that are Python keywords get a trailing underscore."""
    return op.name + "_" if op.name in ("and", "or", "not", "yield") else op.name


for _row in OPS.values():
    if _name(_row) not in Builder.__dict__:
        _made = _method(_row)
        _made.__name__, _made.__doc__ = _name(_row), _row.doc
        setattr(Builder, _name(_row), _made)
