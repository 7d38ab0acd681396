"""In which order hot blocks of tier ``auto`` get native code. The thread is not started: its steps are called one by one."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import pytest

from runtime.background import HOT, Background
from runtime.covered import Covered, Live
from tests.backend.test_tier1 import LOOP, expected, run_loop
from tests.engine.harness import Harness

FIRST, SECOND, THIRD = (0x1000, 0), (0x2000, 0), (0x3000, 0)


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Iterator[Harness]:
    monkeypatch.setattr(Background, "notice", lambda self: self.engine.block.put("hot_stop", 0))
    made = Harness("arm", "auto")
    yield made
    made.close()


def background(harness: Harness) -> Background:
    tier1 = harness.engine.tier1
    assert isinstance(tier1, Background) and tier1.quick is not None
    return tier1


def test_ranges_across_pages() -> None:
    valid = ctypes.c_uint64(1)
    covered = Covered()
    covered.add(Live({}, [(0x0FF8, 0x10), (0x5000, 4)], ctypes.addressof(valid)))
    assert [covered.has(pc) for pc in (0x0FF6, 0x0FF8, 0x0FFE, 0x1000, 0x1006, 0x1008, 0x5000, 0x5004)] == [False, True, True, True, True, False, True, False]
    valid.value = 0
    assert not covered.has(0x1000)


def test_what_there_is_comes_before_what_must_be_made(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    tier1 = background(harness)
    steps: list[tuple[str, object]] = []
    monkeypatch.setattr(tier1, "take_hot", lambda: [FIRST, SECOND, THIRD])
    monkeypatch.setattr(tier1, "from_cache", lambda start: steps.append(("look", start)) or start == SECOND)
    monkeypatch.setattr(tier1.quick, "make", lambda start: steps.append(("make", start)))
    tier1._deal_with_blocks()
    assert steps == [("look", FIRST), ("look", SECOND), ("look", THIRD)]
    tier1._make_quick()
    tier1._make_quick()
    tier1._make_quick()
    assert steps[3:] == [("make", FIRST), ("make", THIRD)]


def test_a_block_inside_a_region_is_left_alone_once(harness: Harness) -> None:
    assert run_loop(harness, HOT + 1) == expected(HOT + 1)
    tier1, head = background(harness), harness.end - len(LOOP)
    valid = ctypes.c_uint64(1)
    tier1.covered.add(Live({}, [(head, len(LOOP))], ctypes.addressof(valid)))
    tier1._deal_with_blocks()
    tier1._make_quick()
    assert tier1.quick is not None and tier1.quick.counts["quick_blocks"] == 0
    assert run_loop(harness, HOT + 1) == expected(HOT + 1)
    tier1._deal_with_blocks()
    tier1._make_quick()
    assert tier1.quick.counts["quick_blocks"] > 0
