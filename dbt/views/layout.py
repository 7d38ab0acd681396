"""Puts the stages of a dump on the page: one after another, or side by side instruction by instruction."""

from __future__ import annotations

from dbt.pipeline import STAGES
from dbt.views.lines import Line, pc_text

Stages = dict[str, list[Line]]


def stacked(stages: Stages, digits: int) -> str:
    """Each stage under a heading, the guest address to the left of every line."""
    parts = []
    for name, lines in stages.items():
        parts.append(f"== {name}: {STAGES[name]}")
        parts += [f"{pc_text(line.pc, digits)}  {line.text}".rstrip() for line in lines]
        parts.append("")
    return "\n".join(parts)


def columns(stages: Stages, digits: int) -> str:
    """A column a stage. The lines of one guest instruction stand beside each other; lines without one stand where they came."""
    widths = {name: max([len(name), *[len(line.text) for line in lines]]) for name, lines in stages.items()}
    head = " | ".join([" " * digits, *[f"{name:<{width}}" for name, width in widths.items()]])
    rows = [head.rstrip(), "-+-".join(["-" * digits, *["-" * width for width in widths.values()]])]
    groups = {name: _grouped(lines) for name, lines in stages.items()}
    for pc in _order(groups):
        height = max(len(group.get(pc, ())) for group in groups.values())
        for i in range(height):
            cells = []
            for name, group in groups.items():
                texts = group.get(pc, [])
                cells.append(f"{texts[i] if i < len(texts) else '':<{widths[name]}}")
            rows.append(" | ".join([pc_text(pc, digits), *cells]).rstrip())
        rows.append(" " * digits + " |")
    return "\n".join(rows[:-1]) + "\n"


def _grouped(lines: list[Line]) -> dict[int | None, list[str]]:
    """The texts of each guest address; a label belongs to the instruction that follows it."""
    groups: dict[int | None, list[str]] = {}
    waiting: list[str] = []
    for line in lines:
        if line.pc is None:
            waiting.append(line.text)
        else:
            groups.setdefault(line.pc, []).extend([*waiting, line.text])
            waiting = []
    if waiting:
        groups.setdefault(None, []).extend(waiting)
    return groups


def _order(groups: dict[str, dict[int | None, list[str]]]) -> list[int | None]:
    """Every address, in the order of the first stage that has it; what belongs to none comes last."""
    order = dict.fromkeys(pc for group in groups.values() for pc in group if pc is not None)
    return [*order, *([None] if any(None in group for group in groups.values()) else [])]
