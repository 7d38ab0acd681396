"""Every Debian case is equal to the reference emulator, for every architecture.

Tier 1 compiles all that runs before it goes on: there it is :data:`REPRESENTATIVES` only, unless DBT_ALL_TIERS=1. The x86 architectures share all but the
frontend and the ABI with ARM: they run :data:`X86_CASES` in tier auto, and all with DBT_ALL_TIERS=1. :data:`HEAVY` cases run in tier auto only.
"""

from __future__ import annotations

import os

import pytest

from tests.conftest import sysroot_of
from tests.patience import SECONDS
from tests.programs.cases import CASES, HEAVY, REPRESENTATIVES, X86_CASES, Case
from tests.programs.guests import GUESTS, Guest
from tests.programs.reference import QEMU_TIMEOUT, TIERS, difference, reference, translated

SLACK = 30  # seconds, for what is not the two runs
ALL_TIERS = os.environ.get("DBT_ALL_TIERS") == "1"


def _wanted(guest: Guest, case: Case, tier: str) -> bool:
    if tier != "auto" and case.name in HEAVY:
        return False
    if ALL_TIERS:
        return True
    if guest.arch != "arm":
        return tier == "auto" and case.name in X86_CASES
    return tier != "1" or case.name in REPRESENTATIVES


# The tiers of a case one after the other: the reference runs once for them.
RUNS = [(guest, case, tier) for guest in GUESTS for case in CASES for tier in TIERS if _wanted(guest, case, tier)]

pytestmark = [pytest.mark.debian, pytest.mark.timeout(QEMU_TIMEOUT + SECONDS + SLACK)]


@pytest.mark.parametrize(("guest", "case", "tier"), RUNS, ids=[f"{guest.debian}-{case.name}-{tier}" for guest, case, tier in RUNS])
def test_equal_to_qemu(guest: Guest, case: Case, tier: str) -> None:
    sysroot = sysroot_of(guest)
    want = reference(case, sysroot)
    got = translated(case, sysroot, tier, timeout=SECONDS)
    assert not difference(want, got), difference(want, got) + "\n" + got.stderr.decode(errors="replace")
