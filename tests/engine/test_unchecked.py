"""Loads of compiled code that rely on the host's page protection: the fault is the guest's, exact to the instruction, and comes again and again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbt.abi.exits import FAULT_ALIGN, FAULT_UNMAPPED, Exit
from runtime import faults, objects
from tests.engine.harness import Harness
from tests.engine.test_memory import arm

pytestmark = pytest.mark.skipif(not faults.supported(), reason="loads without a check need an x86-64 host")

DATA = 0x20000
GAP = DATA + 0x1000  # not mapped

# adds r1, r1, #1 sets flags and a register before each load; the load comes second.
BEFORE = 0xE2911001
LOADS = {
    "ldr r0, [r2]": 0xE5920000,
    "ldrb r0, [r2]": 0xE5D20000,
    "ldrsh r0, [r2]": 0xE1D200F0,
    "ldrd r4, r5, [r2]": 0xE1C240D0,
    "ldm r2, {r4, r5, r6}": 0xE8920070,
    "vldr s0, [r2]": 0xED920A00,
    "vldr d0, [r2]": 0xED920B00,
    "vld1.32 {d0, d1}, [r2]": 0xF4220A8F,
}


@pytest.fixture(params=["host", "tlb"])
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    made = Harness(tier="1", memory=request.param)
    made.map(DATA, 0x1000)
    yield made
    made.close()


@pytest.mark.parametrize("name", LOADS)
def test_fault_shows_the_state_before_the_load(harness: Harness, name: str) -> None:
    program = arm(BEFORE, LOADS[name])
    for r1 in (0xFFFFFFFF, 0x7FFFFFFF, 5):
        reason, _ = harness.run(program, 0, {"r0": 77, "r1": r1, "r2": GAP}, {})
        assert reason == Exit.MEMORY_FAULT
        assert harness.vcpu.pc == harness.end - 4
        assert harness.vcpu.get("fault_addr") == GAP and harness.vcpu.get("fault_info") & FAULT_UNMAPPED
        total = r1 + 1 & 0xFFFFFFFF
        shown = {name: harness.vcpu.get(name) for name in ("r0", "r1", "nf", "zf", "cf", "vf")}
        assert shown == {"r0": 77, "r1": total, "nf": total, "zf": total, "cf": r1 >> 31 & (total == 0), "vf": int(total == 1 << 31)}
    good, _ = harness.run(program, 0, {"r2": DATA}, {DATA: bytes(16)})
    assert good == Exit.FETCH_FAULT, "the same compiled code, at a mapped address"


def test_load_across_the_end_of_a_mapping(harness: Harness) -> None:
    harness.run(arm(BEFORE, LOADS["ldr r0, [r2]"]), 0, {"r2": GAP - 2}, {})
    assert harness.vcpu.get("fault_addr") == GAP
    harness.map(GAP, 0x1000)
    harness.memory.poke(GAP - 2, b"\x01\x02\x03\x04")
    harness.run(arm(BEFORE, LOADS["ldr r0, [r2]"]), 0, {"r2": GAP - 2}, {})
    assert harness.vcpu.get("r0") == 0x04030201


def test_load_multiple_checks_alignment_first(harness: Harness) -> None:
    reason, _ = harness.run(arm(BEFORE, LOADS["ldm r2, {r4, r5, r6}"]), 0, {"r2": DATA + 2}, {})
    assert reason == Exit.MEMORY_FAULT
    assert harness.vcpu.get("fault_info") & FAULT_ALIGN


def test_address_space_wraps(harness: Harness) -> None:
    harness.map(0xFFFFF000, 0x1000)
    harness.map(0, 0x1000)
    harness.memory.poke(0xFFFFFFFE, b"\x11\x22")
    harness.memory.poke(0, b"\x33\x44")
    harness.run(arm(BEFORE, LOADS["ldr r0, [r2]"]), 0, {"r2": 0xFFFFFFFE}, {})
    assert harness.vcpu.get("r0") == 0x44332211


def test_linked_object_keeps_its_faults() -> None:
    linked = objects.LinkedObject(b"\xc3" * 16, b"", 0, 16, {}, [], [], faults=bytes(range(16)))
    assert objects.load(objects.dump(linked)).faults == bytes(range(16))


def test_handler_is_its_source() -> None:
    keystone = pytest.importorskip("keystone")
    assembled, _ = keystone.Ks(keystone.KS_ARCH_X86, keystone.KS_MODE_64).asm(faults.X86_64_SOURCE)
    assert bytes(assembled) == faults.X86_64_CODE
