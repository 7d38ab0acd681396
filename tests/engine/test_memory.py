"""Loads, stores and fetches: alignment, page crossing, permissions, precise faults, and the address space's end. A32 code by hand (ARM ARM A5)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbt.abi.exits import FAULT_ALIGN, FAULT_EXCLUSIVE, FAULT_EXEC, FAULT_UNMAPPED, FAULT_WRITE, Exit
from dbt.abi.memory import PAGE_EXEC, PAGE_READ, PAGE_SIZE, PAGE_VALID
from runtime.memory import GuestFault
from tests.engine.harness import DATA, Harness

PAGE = 0x40000
READ_ONLY = PAGE_VALID | PAGE_READ
LDR = 0xE5921000  # ldr r1, [r2]
LDRH = 0xE1D210B0  # ldrh r1, [r2]
STR = 0xE5821000  # str r1, [r2]
STRH = 0xE1C210B0  # strh r1, [r2]
LDM = 0xE8B20032  # ldm r2!, {r1, r4, r5}
STM = 0xE8A20032  # stm r2!, {r1, r4, r5}
LDREX = 0xE1921F9F  # ldrex r1, [r2]
STREX = 0xE1820F91  # strex r0, r1, [r2]
NOP = 0xE1A00000
MOV_R0_5 = 0xE3A00005


def arm(*words: int) -> bytes:
    return b"".join(word.to_bytes(4, "little") for word in words)


@pytest.fixture(scope="module", params=["0", "1"])
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    made = Harness(tier=request.param)
    made.map(PAGE, 2 * PAGE_SIZE)
    made.map(PAGE + 4 * PAGE_SIZE, PAGE_SIZE, READ_ONLY)
    yield made
    made.close()


@pytest.mark.parametrize("offset", [0, 1, 2, 3, PAGE_SIZE - 4, PAGE_SIZE - 3, PAGE_SIZE - 2, PAGE_SIZE - 1])
def test_load_and_store_at_any_offset(harness: Harness, offset: int) -> None:
    at = PAGE + offset
    harness.memory.write(PAGE, bytes(2 * PAGE_SIZE))
    exit, vcpu = harness.run(arm(STR, LDR), 0, {"r1": 0x8899AABB, "r2": at})
    assert (exit, vcpu.pc, vcpu.get("r1")) == (Exit.FETCH_FAULT, harness.end, 0x8899AABB)
    assert harness.memory.read(at - (offset > 0), 6)[offset > 0 :][:5] == bytes.fromhex("bbaa998800")
    _, vcpu = harness.run(arm(STRH, LDRH), 0, {"r1": 0x12345, "r2": at})
    assert vcpu.get("r1") == 0x2345


def fault(harness: Harness, code: bytes, skipped: int, **regs: int) -> tuple[int, int]:
    """Run code whose instruction number *skipped* must fault; gives (fault_addr, fault_info)."""
    exit, vcpu = harness.run(code, 0, regs)
    assert exit == Exit.MEMORY_FAULT
    assert vcpu.pc == harness.end - len(code) + 4 * skipped
    return vcpu.get("fault_addr"), vcpu.get("fault_info")


def test_unmapped_page(harness: Harness) -> None:
    hole = PAGE + 2 * PAGE_SIZE
    assert fault(harness, arm(MOV_R0_5, NOP, LDR, MOV_R0_5), 2, r2=hole, r1=7) == (hole, FAULT_UNMAPPED)
    assert (harness.vcpu.get("r0"), harness.vcpu.get("r1")) == (5, 7)
    assert fault(harness, arm(STR), 0, r2=hole) == (hole, FAULT_UNMAPPED | FAULT_WRITE)


def test_read_only_page(harness: Harness) -> None:
    at = PAGE + 4 * PAGE_SIZE
    exit, _ = harness.run(arm(LDR), 0, {"r2": at})
    assert exit == Exit.FETCH_FAULT
    assert fault(harness, arm(LDR, STR), 1, r2=at) == (at, FAULT_WRITE)


@pytest.mark.parametrize("offset", [1, 2, 3])
def test_a_fault_on_the_second_page_stores_nothing(harness: Harness, offset: int) -> None:
    hole = PAGE + 2 * PAGE_SIZE
    harness.memory.write(hole - 4, b"abcd")
    assert fault(harness, arm(STR), 0, r2=hole - offset) == (hole, FAULT_UNMAPPED | FAULT_WRITE)
    assert harness.memory.read(hole - 4, 4) == b"abcd"


def test_load_multiple_that_faults_changes_no_register(harness: Harness) -> None:
    hole = PAGE + 2 * PAGE_SIZE
    address, info = fault(harness, arm(LDM), 0, r1=1, r2=hole - 8, r4=4, r5=5)
    assert (address, info) == (hole, FAULT_UNMAPPED)
    assert [harness.vcpu.get(r) for r in ("r1", "r2", "r4", "r5")] == [1, hole - 8, 4, 5]


def test_end_of_the_address_space(harness: Harness) -> None:
    last = (1 << 32) - PAGE_SIZE
    harness.map(last, PAGE_SIZE)
    assert fault(harness, arm(LDR), 0, r2=(1 << 32) - 2) == (0, FAULT_UNMAPPED)
    exit, vcpu = harness.run(arm(STR, LDR), 0, {"r2": (1 << 32) - 4, "r1": 77})
    assert (exit, vcpu.get("r1")) == (Exit.FETCH_FAULT, 77)


def test_exclusives(harness: Harness) -> None:
    harness.memory.write(PAGE, bytes(8))
    _, vcpu = harness.run(arm(LDREX, 0xE2811001, STREX), 0, {"r0": 9, "r2": PAGE})  # add r1, r1, #1
    assert (vcpu.get("r0"), harness.memory.u32(PAGE)) == (0, 1)
    _, vcpu = harness.run(arm(STREX), 0, {"r0": 9, "r1": 5, "r2": PAGE})
    assert (vcpu.get("r0"), harness.memory.u32(PAGE)) == (1, 1), "without a reservation"
    _, vcpu = harness.run(arm(LDREX, 0xF57FF01F, STREX), 0, {"r0": 9, "r2": PAGE})  # clrex
    assert vcpu.get("r0") == 1
    assert fault(harness, arm(LDREX), 0, r2=PAGE + 2) == (PAGE + 2, FAULT_ALIGN | FAULT_EXCLUSIVE)


def test_fetch_faults(harness: Harness) -> None:
    hole, data = PAGE + 2 * PAGE_SIZE, PAGE
    for target, info in ((hole, FAULT_EXEC | FAULT_UNMAPPED), (data, FAULT_EXEC)):
        exit, vcpu = harness.run(arm(0xE12FFF12), 0, {"r2": target})  # bx r2
        assert (exit, vcpu.pc, vcpu.get("fault_addr"), vcpu.get("fault_info")) == (Exit.FETCH_FAULT, target, target, info)


def test_thumb_instruction_across_pages(harness: Harness) -> None:
    code = 0x60000
    harness.map(code, PAGE_SIZE, DATA | PAGE_EXEC)
    movw = bytes.fromhex("41f23421")  # movw r1, #0x1234
    harness.memory.write(code + PAGE_SIZE - 2, movw[:2])
    vcpu = harness.vcpu
    vcpu.pc, vcpu.mode = code + PAGE_SIZE - 2, 1
    assert harness.engine.run(vcpu) == Exit.FETCH_FAULT
    assert (vcpu.pc, vcpu.get("fault_addr")) == (code + PAGE_SIZE - 2, code + PAGE_SIZE)
    harness.map(code + PAGE_SIZE, PAGE_SIZE, DATA | PAGE_EXEC)
    harness.memory.write(code + PAGE_SIZE, movw[2:] + bytes.fromhex("1047"))  # bx r2
    vcpu.put("r2", PAGE)
    assert harness.engine.run(vcpu) == Exit.FETCH_FAULT
    assert (vcpu.pc, vcpu.get("r1")) == (PAGE, 0x1234)


def test_python_side_checks(harness: Harness) -> None:
    memory = harness.memory
    with pytest.raises(GuestFault) as caught:
        memory.read(PAGE + 2 * PAGE_SIZE - 1, 2)
    assert (caught.value.address, caught.value.write) == (PAGE + 2 * PAGE_SIZE, False)
    with pytest.raises(GuestFault):
        memory.write(PAGE + 4 * PAGE_SIZE, b"x")
    assert memory.check(PAGE, 2 * PAGE_SIZE, write=True)
    assert not memory.check(PAGE, 2 * PAGE_SIZE + 1)
    assert not memory.check((1 << 32) - 1, 2)
    memory.write(PAGE + 10, b"text\0")
    assert memory.read_cstr(PAGE + 10) == b"text"
    with pytest.raises(ValueError, match="not in the guest's address space"):
        memory.set_flags(1, PAGE_SIZE, 0)
