"""No outcome that the architecture forbids, in a short run; docs/memory-order.md has the counts of long ones."""

from __future__ import annotations

import sys

import pytest

from tests.litmus import table

INSTANCES = 256


@pytest.mark.parametrize(("tier", "rounds"), [("0", 12), ("auto", 30)])
def test_no_forbidden_outcome(tier: str, rounds: int) -> None:
    found = table.run([sys.executable, "-m", "dbt", "run", "--tier", tier], rounds)
    assert set(found) == {(test.name, variant) for test in table.TESTS for variant in table.VARIANTS}
    assert all(sum(counts.values()) == rounds * INSTANCES for counts in found.values())
    assert table.forbidden(found) == []


def test_forbidden_outcomes_are_noticed() -> None:
    found = table.parse("test=SB variant=dmb outcomes 0,0:1 1,0:5\ntest=SB variant=plain outcomes 0,0:9\ntest=CoRR variant=plain outcomes 1,0:2\n")
    assert table.forbidden(found) == ["SB dmb: a b = (0, 0): 1 times", "CoRR plain: a b = (1, 0): 2 times"]


def test_table_counts_the_weak_outcome() -> None:
    text = table.text(table.parse("test=SB variant=plain outcomes 0,0:1234 1,0:5\n"))
    assert "| SB | no ordering | a b | allowed | 1,234 | 00: 1,234, 10: 5 |" in text
