"""Tables of numbers that have a sentence each."""

from __future__ import annotations

from enum import IntEnum

TYPE_CHECKING = False  # as in typing, whose import costs time at every start

if TYPE_CHECKING:
    from typing import Self


class Row(IntEnum):
    """A numbered row: ``NAME = number, "sentence"``; the sentence is its docstring."""

    def __new__(cls, value: int, text: str) -> Self:
        member = int.__new__(cls, value)
        member._value_ = value
        member.__doc__ = text
        return member
