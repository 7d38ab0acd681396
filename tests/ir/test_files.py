"""File tests: each ``*.test`` beside this file holds cases of the form::

    === what the case shows
    passes: forward dce
    (the unit, without its header)
    ---
    (the unit afterwards)

Pass names are those of ``dbt.ir.passes.PASSES``, and ``standard`` for all in the standard order. With ``--bless`` the
expected text is written instead of compared; read the diff.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from dbt.abi.archs import LAYOUTS
from dbt.ir.passes import STANDARD, dead_puts, run_passes
from dbt.ir.state import StateMap
from dbt.ir.text import parse_unit, print_unit
from dbt.ir.verify import check

HERE = Path(__file__).parent
HEADER = "unit case arch=arm\n"
STATE = StateMap(LAYOUTS["arm"].slots)


@dataclass
class Case:
    title: str
    passes: list[str]
    source: str
    expected: str

    def text(self) -> str:
        return f"=== {self.title}\npasses: {' '.join(self.passes)}\n{self.source}---\n{self.expected}"


def read(path: Path) -> list[Case]:
    cases = []
    for chunk in re.split(r"^=== ", path.read_text(), flags=re.MULTILINE)[1:]:
        title, passes, body = chunk.split("\n", 2)
        source, _, expected = body.partition("\n---\n")
        cases.append(Case(title, passes.removeprefix("passes:").split(), source.rstrip("\n") + "\n", expected.rstrip("\n") + "\n"))
    return cases


def result(case: Case) -> str:
    unit = check(parse_unit(HEADER + case.source), STATE.slots)
    names = [name for word in case.passes for name in (STANDARD if word == "standard" else (word,))]
    check(run_passes(unit, STATE, names), STATE.slots)
    return print_unit(unit).removeprefix(HEADER)


@pytest.mark.parametrize("path", sorted(HERE.glob("*.test")), ids=lambda path: path.stem)
def test_file(path: Path, bless: bool) -> None:
    cases = read(path)
    assert cases
    if bless:
        for case in cases:
            case.expected = result(case)
        path.write_text("\n".join(case.text() for case in cases))
        return
    for case in cases:
        assert result(case) == case.expected, f"{path.name}: {case.title}"


def test_imprecise_state_between_exits() -> None:
    """For engines that rebuild the state of a fault by other means, a put may go although a load stands between it and the next."""
    source = "b0:\n  %0:i32 = get.i32 r0\n  put.i32 %0, nf\n  %1:i32 = ld.i32 %0\n  put.i32 %1, nf\n  goto_ind %0, %0\n"
    unit = dead_puts(parse_unit(HEADER + source), STATE, precise=False)
    assert print_unit(unit) == HEADER + source.replace("  put.i32 %0, nf\n", "")
