"""Compiled stores that look for nothing: faults as exact as ever, and stores that look again from the moment somebody watches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbt.abi.exits import FAULT_UNMAPPED, FAULT_WRITE, Exit
from dbt.abi.memory import PAGE_EXEC, PAGE_READ, PAGE_VALID
from runtime import faults
from tests.engine.harness import CODE, Harness
from tests.engine.test_memory import arm

pytestmark = pytest.mark.skipif(not faults.supported(), reason="accesses without a check need an x86-64 host")

READ_ONLY = PAGE_VALID | PAGE_READ
DATA = 0x20000
FIXED = DATA + 0x1000  # may not be written
GAP = DATA + 0x2000  # not mapped

# A load and an addition that come before each store, in the same block, must not be done twice, nor the flags be lost.
BEFORE = (0xE5913000, 0xE2933001, 0xE5813000)  # ldr r3, [r1]; adds r3, r3, #1; str r3, [r1]
STORES = {
    "str r0, [r2]": 0xE5820000,
    "strb r0, [r2]": 0xE5C20000,
    "strh r0, [r2]": 0xE1C200B0,
    "strd r4, r5, [r2]": 0xE1C240F0,
    "stmdb r2!, {r4, r5, r6}": 0xE9220070,
    "vstr s0, [r2]": 0xED820A00,
    "vstr d0, [r2]": 0xED820B00,
    "vst1.32 {d0, d1}, [r2]": 0xF4020A8F,
}


@pytest.fixture
def harness() -> Iterator[Harness]:
    made = Harness(tier="1", code_flags=READ_ONLY | PAGE_EXEC)
    made.map(DATA, 0x1000)
    made.map(FIXED, 0x1000, READ_ONLY)
    yield made
    made.close()


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("place", [FIXED, GAP])
def test_fault_shows_the_state_before_the_store(harness: Harness, name: str, place: int) -> None:
    down = 12 if name.startswith("stmdb") else 0
    program = arm(*BEFORE, STORES[name])
    for before in (0xFFFFFFFF, 0x7FFFFFFF, 5):
        harness.put_memory({DATA: before.to_bytes(4, "little")})
        reason, _ = harness.run(program, 0, {"r0": 77, "r1": DATA, "r2": place + down}, {})
        assert reason == Exit.MEMORY_FAULT
        assert harness.vcpu.pc == harness.end - 4
        assert harness.vcpu.get("fault_addr") == place and harness.vcpu.get("fault_info") == FAULT_WRITE | (FAULT_UNMAPPED if place == GAP else 0)
        total = before + 1 & 0xFFFFFFFF
        shown = {name: harness.vcpu.get(name) for name in ("r2", "r3", "nf", "zf", "cf", "vf")}
        assert shown == {"r2": place + down, "r3": total, "nf": total, "zf": total, "cf": int(total == 0), "vf": int(total == 1 << 31)}
        assert harness.memory.u32(DATA) == total
    assert harness.engine.free_stores
    good, _ = harness.run(program, 0, {"r1": DATA, "r2": DATA + 64}, {})
    assert good == Exit.FETCH_FAULT, "the same compiled code, at a mapped address"


def test_store_multiple_into_a_page_that_may_not_be_written(harness: Harness) -> None:
    """The first words go to a page that may be written: they are stored, twice perhaps, and the registers are those of before."""
    harness.run(arm(*BEFORE, 0xE8A20071), 0, {"r0": 1, "r1": DATA, "r2": FIXED - 8, "r4": 4, "r5": 5, "r6": 6}, {DATA: bytes(4)})  # stm r2!, {r0, r4, r5, r6}
    assert harness.vcpu.get("fault_addr") == FIXED and harness.vcpu.get("r2") == FIXED - 8
    assert harness.memory.u32(DATA) == 1


COUNT = arm(0xE5913000, 0xE2833001, 0xE5813000, 0xE2522001, 0x1AFFFFFA)  # again: ldr r3, [r1]; add r3, r3, #1; str r3, [r1]; subs r2, r2, #1; bne again


def test_second_vcpu_has_stores_watched(harness: Harness) -> None:
    tier1 = harness.engine.tier1
    assert tier1 is not None
    harness.run(COUNT, 0, {"r1": DATA, "r2": 10}, {DATA: bytes(4)})
    assert harness.engine.free_stores and tier1.natives
    kind = tier1.kind
    other = harness.engine.new_vcpu()
    assert not harness.engine.free_stores and not tier1.natives and tier1.kind != kind
    harness.run(COUNT, 0, {"r1": DATA, "r2": 10}, {})
    assert tier1.natives and harness.memory.u32(DATA) == 20
    harness.engine.free_vcpu(other)


def test_code_that_may_be_written_has_stores_watched(harness: Harness) -> None:
    """A compiled loop stores to a page that then gets code: each change of that code counts."""
    code_at = DATA + 0x4000
    store = arm(0xE5810000, 0xE2522001, 0x1AFFFFFC)  # again: str r0, [r1]; subs r2, r2, #1; bne again
    harness.map(code_at, 0x1000, CODE)
    move_1, move_2, back = 0xE3A03001, 0xE3A03002, 0xE12FFF1E  # mov r3, #1; mov r3, #2; bx lr
    harness.run(store, 0, {"r0": move_1, "r1": code_at, "r2": 3}, {code_at + 4: back.to_bytes(4, "little")})
    assert harness.engine.free_stores
    for move, value in ((move_1, 1), (move_2, 2), (move_1, 1)):
        harness.run(store, 0, {"r0": move, "r1": code_at, "r2": 3}, {})
        harness.vcpu.pc = code_at
        harness.vcpu.put("r14", harness.end)
        assert harness.engine.run(harness.vcpu) == Exit.FETCH_FAULT and harness.vcpu.get("r3") == value
        assert not harness.engine.free_stores


def test_regions_over_code_that_may_be_written_are_not_entered(harness: Harness) -> None:
    harness.map(DATA + 0x4000, 0x1000, CODE)
    start = DATA + 0x4000
    assert not harness.engine.watch_code([(start, 8)], [harness.engine.fetch(start, 8)], 0)
    harness.engine.watch_stores()
