"""What every view gives: lines that know their guest instruction."""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """One line of a view; ``pc`` is the guest address it belongs to, None for a line that belongs to no instruction (labels, declarations)."""

    pc: int | None
    text: str


def pc_text(pc: int | None, digits: int) -> str:
    """The left column: the guest address in *digits* hexadecimal digits, or as much space."""
    return " " * digits if pc is None else f"{pc:0{digits}x}"
