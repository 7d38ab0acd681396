"""Every Debian case in every tier setting is equal to qemu-arm."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs.cases import CASES, Case
from tests.programs.reference import TIERS, difference, reference, translated

pytestmark = pytest.mark.debian


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_equal_to_qemu(case: Case, tier: str, sysroot: Path) -> None:
    want = reference(case, sysroot)
    got = translated(case, sysroot, tier, timeout=120)
    assert not difference(want, got), difference(want, got) + "\n" + got.stderr.decode(errors="replace")
