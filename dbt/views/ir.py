"""IR, line by line, with the guest address of each operation."""

from __future__ import annotations

from collections.abc import Callable

from dbt.ir.text import inst_text, number_values
from dbt.ir.unit import Inst, Unit
from dbt.views.lines import Line


def mark_fields(mark: Inst) -> tuple[int, int, int]:
    """(pc, length, mode) of a ``mark``."""
    pc, length, mode = mark.attrs
    assert isinstance(pc, int) and isinstance(length, int) and isinstance(mode, int)
    return pc, length, mode


def view(unit: Unit, title: Callable[[int, int, int], str]) -> list[Line]:
    """The unit's text; *title(pc, length, mode)* stands where a guest instruction begins."""
    numbers = number_values(unit)
    lines: list[Line] = []
    pc: int | None = None
    for block in unit.blocks.values():
        lines.append(Line(None, f"{block.label}: entry" if block.label in unit.entries else f"{block.label}:"))
        for inst in block.insts:
            if inst.op.name == "mark":
                pc, length, mode = mark_fields(inst)
                lines.append(Line(pc, "; " + title(pc, length, mode)))
            else:
                lines.append(Line(pc, "  " + inst_text(inst, numbers)))
    return lines
