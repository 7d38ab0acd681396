"""Tier 1 in the engine: hot code becomes native, changed code does not stay so, forks and ends do not wait."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator

import pytest

from dbt.abi.exits import Exit
from tests.engine.children import status_of_child
from tests.engine.harness import Harness
from tests.patience import SECONDS

LOOP = struct.pack("<4I", 0xE0811000, 0xE2211007, 0xE2500001, 0x1AFFFFFB)  # add r1, r1, r0; eor r1, r1, #7; subs r0, r0, #1; bne


def expected(count: int, mask: int = 7) -> int:
    total = 0
    while count:
        total = (total + count & 0xFFFFFFFF) ^ mask
        count -= 1
    return total


@pytest.fixture(params=["1", "auto"])
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    made = Harness("arm", request.param)
    yield made
    made.close()


def run_loop(harness: Harness, count: int, code: bytes = LOOP) -> int:
    vcpu = harness.vcpu
    at = harness.end - len(code)
    if harness.engine.fetch(at, len(code)) != code:  # writing the same bytes again is a change too
        harness.load(code)
    vcpu.pc, vcpu.mode = at, 0
    vcpu.put("r0", count)
    vcpu.put("r1", 0)
    assert harness.engine.run(vcpu) == Exit.FETCH_FAULT
    assert vcpu.pc == harness.end
    return vcpu.get("r1")


def until_native(harness: Harness) -> None:
    """Run the loop until a region exists."""
    assert harness.engine.tier1 is not None
    end = time.monotonic() + SECONDS
    while not harness.engine.tier1.natives and time.monotonic() < end:
        assert run_loop(harness, 5000) == expected(5000)
    assert harness.engine.tier1.natives, harness.engine.tier1.stats()


def test_hot_loop_becomes_native(harness: Harness) -> None:
    until_native(harness)
    before = harness.engine.stats()["insns_interpreted"]
    assert run_loop(harness, 20000) == expected(20000)
    assert harness.engine.stats()["insns_interpreted"] - before < 1000  # type: ignore[operator]
    assert harness.engine.stats()["regions_failed"] == 0


def test_changed_code_is_translated_again(harness: Harness) -> None:
    until_native(harness)
    changed = LOOP[:4] + struct.pack("<I", 0xE2211009) + LOOP[8:]
    assert run_loop(harness, 100, changed) == expected(100, 9)
    assert run_loop(harness, 5000, changed) == expected(5000, 9)


def test_child_of_a_fork_goes_on(harness: Harness) -> None:
    until_native(harness)
    assert status_of_child(harness.engine, lambda: run_loop(harness, 3000) == expected(3000)) == 0
    assert run_loop(harness, 3000) == expected(3000)
