"""Forms: which bits of an instruction do not matter for the structure of its lifted code.

Most instructions that a program contains differ from ones seen before in register numbers and immediates alone. A frontend may say, for an
instruction, which bit fields are such (``dbt.frontend.base.HasForms``). All instructions of the same guest mode that agree in every other bit, and in the
*pattern* of these fields, make a *shape*: the same operations, with operands that are affine functions of the field values. ``runtime.shapes`` learns a shape
from a few members and checks it with others; native code then makes the templates of the rest.

A field's value is part of the pattern where it is special (the PC, a zero offset...), and so is which fields of one group hold the same
value, since equal registers share their cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

SPECIAL_VALUES = 32  # a field's special values are below this number
_SPECIAL = 0x80  # marks a special value in a pattern byte


@dataclass(frozen=True, slots=True)
class FormField:
    """A number in the instruction, taken as one little-endian number: ``pieces`` are (shift right, mask, shift left), as in ``dbt.frontend.decode``; bit v of
    ``special`` says that the value v is no free operand; fields of the same ``group`` (0: none) are compared with each other."""

    pieces: tuple[tuple[int, int, int], ...]
    special: int = 0
    group: int = 0

    def extract(self, insn: int) -> int:
        total = 0
        for shift, mask, left in self.pieces:
            total |= (insn >> shift & mask) << left
        return total

    def insert(self, insn: int, value: int) -> int:
        """*insn* with the field set to *value*."""
        for shift, mask, left in self.pieces:
            insn = insn & ~(mask << shift) | (value >> left & mask) << shift
        return insn

    @property
    def width(self) -> int:
        return max(left + mask.bit_length() for _, mask, left in self.pieces)

    @property
    def bits(self) -> int:
        """Mask of the instruction's bits that belong to the field."""
        total = 0
        for shift, mask, _ in self.pieces:
            total |= mask << shift
        return total


@dataclass(frozen=True)
class Form:
    """The free fields of an instruction of ``length`` bytes."""

    length: int
    fields: tuple[FormField, ...]

    @cached_property
    def fixed(self) -> int:
        """Mask of the bits that all instructions of a shape have in common."""
        free = 0
        for field in self.fields:
            free |= field.bits
        return (1 << 8 * self.length) - 1 & ~free

    def values(self, insn: int) -> list[int]:
        return [field.extract(insn) for field in self.fields]

    def pattern(self, values: list[int]) -> int:
        """A byte a field: the value if it is special, else the number of the first field of its group with the same value."""
        pattern = 0
        for i, (field, value) in enumerate(zip(self.fields, values, strict=True)):
            if value < SPECIAL_VALUES and field.special >> value & 1:
                byte = _SPECIAL | value
            else:
                byte = i
                if field.group:
                    byte = next((j for j in range(i) if self.fields[j].group == field.group and values[j] == value), i)
            pattern |= byte << 8 * i
        return pattern

    def shape(self, insn: int) -> tuple[int, int]:
        """What the instructions of a shape agree in, beside the guest mode: the fixed bits and the pattern."""
        return insn & self.fixed, self.pattern(self.values(insn))
