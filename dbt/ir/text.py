"""The text form of the IR: printer and parser.

The form is stable, holds no address of the host, and parses back to the same IR::

    unit block_10084 arch=arm
    b0:
      --- 0x10084 length=4 mode=0
      %0:i32 = get.i32 r1
      %1:i32 = const.i32 0x4
      %2:i32 = add.i32 %0, %1
      %3:i32 = ld.i32 %2 align=4
      put.i32 %3, r0
      br b1
    b1: entry
      ...

Values are numbered in the order in which they are defined. Operands come first, then the attributes that speak for themselves
(:data:`BARE`), then the others as ``name=value``; one that has its default is left out. ``---`` is the row ``mark``. ``; ...`` is a comment.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from dbt.ir.builder import IRError
from dbt.ir.optable import OPS
from dbt.ir.types import TYPES, VOID
from dbt.ir.unit import Inst, Unit

BARE = ("value", "slot", "then", "orelse")  # attributes printed without their name
COMMENT_COLUMN = 50

_DEFAULTS = {op.name: dict(op.defaults) for op in OPS.values()}
_VALUE = re.compile(r"%(\d+)(?::(\w+))?$")
_INT = re.compile(r"-?(0x[0-9a-f]+|\d+)$")
_LABEL = re.compile(r"([\w.$]+):(\s+entry)?$")


# Printing -------------------------------------------------------------------------------------------------------------
def number_values(unit: Unit) -> dict[Inst, int]:
    """The number that the text form gives to each value of *unit*."""
    numbers: dict[Inst, int] = {}
    for inst in unit.insts():
        if inst.type is not VOID:
            numbers[inst] = len(numbers)
    return numbers


def _attr_text(name: str, value: object) -> str:
    if isinstance(value, int):
        return hex(value) if name in ("value", "pc") and value >= 0 else str(int(value))
    if isinstance(value, str):
        return value
    assert isinstance(value, (tuple, list, bytes)), value
    return "(" + ",".join(map(str, value)) + ")"


def inst_text(inst: Inst, numbers: dict[Inst, int]) -> str:
    """One line for *inst*, without indentation; a value that has no number prints as ``%?``."""
    op = inst.op
    if op.name == "mark":
        pc, length, mode = inst.attrs
        return f"--- {_attr_text('pc', pc)} length={length} mode={mode}"
    words = [f"%{numbers.get(arg, '?')}" for arg in inst.args]
    named = []
    defaults = _DEFAULTS[op.name]
    for name, value in zip(op.attrs, inst.attrs, strict=True):
        if name in BARE:
            words.append(_attr_text(name, value))
        elif name not in defaults or defaults[name] != value:
            named.append(f"{name}={_attr_text(name, value)}")
    head = op.name if inst.of is VOID else f"{op.name}.{inst.of.name}"
    if inst.type is not VOID:
        head = f"%{numbers.get(inst, '?')}:{inst.type.name} = {head}"
    text = f"{head} {', '.join(words)}" if words else head
    return f"{text} {' '.join(named)}" if named else text


def print_unit(unit: Unit, comment: Callable[[Inst], str | None] | None = None) -> str:
    """The text of *unit*. *comment* may give a remark for an instruction (such as the disassembly of a ``mark``)."""
    numbers = number_values(unit)
    lines = [f"unit {unit.name} arch={unit.arch}"]
    for block in unit.blocks.values():
        lines.append(f"{block.label}: entry" if block.label in unit.entries else f"{block.label}:")
        for inst in block.insts:
            line = "  " + inst_text(inst, numbers)
            remark = comment(inst) if comment else None
            lines.append(f"{line:<{COMMENT_COLUMN}}; {remark}" if remark else line)
    return "\n".join(lines) + "\n"


# Parsing --------------------------------------------------------------------------------------------------------------
class ParseError(IRError):
    """Text that is no IR; the message gives the line number."""


class _Parser:
    """Parses one unit. Operands may be defined further down (blocks in any order), so they are resolved at the end."""

    def __init__(self) -> None:
        self.unit: Unit | None = None
        self.values: dict[int, Inst] = {}
        self.pending: list[tuple[int, Inst, list[int]]] = []

    def line(self, number: int, text: str) -> None:
        words = [word.rstrip(",") for word in text.split()]
        if words[0] == "unit":
            self._header(number, words)
        elif self.unit is None:
            raise ParseError(f"line {number}: expected 'unit NAME arch=ARCH', not {text!r}")
        elif label := _LABEL.match(text):
            if label[1] in self.unit.blocks:
                raise ParseError(f"line {number}: block {label[1]} stands twice")
            self.unit.block(label[1])
            if label[2]:
                self.unit.entries.append(label[1])
        else:
            self._inst(number, words)

    def _header(self, number: int, words: list[str]) -> None:
        if len(words) != 3 or not words[2].startswith("arch="):
            raise ParseError(f"line {number}: expected 'unit NAME arch=ARCH'")
        self.unit = Unit(words[2][5:], words[1])

    def _inst(self, number: int, words: list[str]) -> None:
        assert self.unit is not None
        if not self.unit.blocks:
            raise ParseError(f"line {number}: an operation before the first block label")
        target = None
        if words[0] == "---":
            words = ["mark", f"pc={words[1]}", *words[2:]] if len(words) > 1 else ["mark"]
        elif len(words) > 2 and words[1] == "=":
            target = _VALUE.match(words[0])
            if target is None:
                raise ParseError(f"line {number}: {words[0]!r} is no value; write %NUMBER:TYPE")
            words = words[2:]
        name, _, suffix = words[0].partition(".")
        op = OPS.get(name)
        if op is None:
            raise ParseError(f"line {number}: no opcode {name!r}")
        if (suffix not in op.types) if op.types else suffix:
            raise ParseError(f"line {number}: {name} has no instance {suffix!r}; it has {', '.join(op.types) or 'none'}")
        operands = []
        attrs = dict(op.defaults)
        bare = [attr for attr in op.attrs if attr in BARE]
        for word in words[1:]:
            attr, equals, value = word.partition("=")
            if value_ref := _VALUE.match(word):
                operands.append(int(value_ref[1]))
            elif equals:
                attrs[attr] = self._attr(number, value)
            elif bare:
                attrs[bare.pop(0)] = self._attr(number, word)
            else:
                raise ParseError(f"line {number}: {name} does not take {word!r}")
        if len(operands) != len(op.args):
            raise ParseError(f"line {number}: {name} takes {len(op.args)} operands, not {len(operands)}")
        for attr in op.attrs:
            if attr not in attrs:
                raise ParseError(f"line {number}: {name} needs the attribute {attr}")
        for attr in attrs:
            if attr not in op.attrs:
                raise ParseError(f"line {number}: {name} has no attribute {attr}")
        inst = Inst(op, TYPES[suffix] if suffix else VOID, (), tuple([attrs[attr] for attr in op.attrs]))
        self._define(number, inst, target)
        self.pending.append((number, inst, operands))
        next(reversed(self.unit.blocks.values())).insts.append(inst)

    def _attr(self, number: int, text: str) -> object:
        if _INT.match(text):
            return int(text, 0)
        if text.startswith("("):
            items = [item for item in text.strip("()").split(",") if item]
            if not text.endswith(")") or not all(map(_INT.match, items)):
                raise ParseError(f"line {number}: {text!r} is no list of numbers")
            return tuple([int(item, 0) for item in items])
        return text

    def _define(self, number: int, inst: Inst, target: re.Match[str] | None) -> None:
        if (inst.type is VOID) != (target is None):
            raise ParseError(f"line {number}: {inst.op.name} gives {'no' if target else 'a'} value")
        if target is not None:
            if int(target[1]) in self.values:
                raise ParseError(f"line {number}: %{target[1]} is defined twice")
            if target[2] and target[2] != inst.type.name:
                raise ParseError(f"line {number}: {inst.op.name} gives {inst.type}, not {target[2]}")
            self.values[int(target[1])] = inst

    def finish(self) -> Unit:
        if self.unit is None:
            raise ParseError("line 1: expected 'unit NAME arch=ARCH'; the text is empty")
        for number, inst, operands in self.pending:
            for operand in operands:
                if operand not in self.values:
                    raise ParseError(f"line {number}: %{operand} is not defined")
            inst.args = tuple([self.values[operand] for operand in operands])
        return self.unit


def parse_unit(text: str) -> Unit:
    """The unit that *text* describes; ParseError with a line number if it is malformed. Types and dominance are ``verify``'s part."""
    parser = _Parser()
    for number, line in enumerate(text.splitlines(), 1):
        line = line.partition(";")[0].strip()
        if line:
            parser.line(number, line)
    return parser.finish()
