"""Every Debian case is equal to qemu-arm.

Tier 1 compiles all that runs before it goes on: there it is :data:`REPRESENTATIVES` only, unless DBT_ALL_TIERS=1. :data:`HEAVY` cases run in tier auto only.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.programs.cases import CASES, HEAVY, REPRESENTATIVES, Case
from tests.programs.reference import QEMU_TIMEOUT, TIERS, difference, reference, translated

LIMITS = {"0": 120, "auto": 120, "1": 240}  # seconds
SLACK = 30  # seconds, for what is not the two runs
ALL_TIERS = os.environ.get("DBT_ALL_TIERS") == "1"


def _runs() -> list[tuple[Case, str]]:
    runs = [(case, tier) for tier in TIERS for case in CASES if tier != "1" or ALL_TIERS or case.name in REPRESENTATIVES]
    return [(case, tier) for case, tier in runs if tier == "auto" or case.name not in HEAVY]


RUNS = _runs()

pytestmark = [pytest.mark.debian, pytest.mark.timeout(QEMU_TIMEOUT + max(LIMITS.values()) + SLACK)]


@pytest.mark.parametrize(("case", "tier"), RUNS, ids=[f"{case.name}-{tier}" for case, tier in RUNS])
def test_equal_to_qemu(case: Case, tier: str, sysroot: Path) -> None:
    want = reference(case, sysroot)
    got = translated(case, sysroot, tier, timeout=LIMITS[tier])
    assert not difference(want, got), difference(want, got) + "\n" + got.stderr.decode(errors="replace")
