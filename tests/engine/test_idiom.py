"""Exclusive pairs as atomic operations on an engine: faults where the guest would have them, reservations, parallel vCPUs."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from dbt.abi.exits import FAULT_ALIGN, FAULT_UNMAPPED, FAULT_WRITE, Exit
from dbt.abi.memory import PAGE_READ, PAGE_SIZE, PAGE_VALID
from runtime.engine import Engine
from tests.engine.harness import Harness
from tests.engine.test_memory import arm

DATA, READ_ONLY, HOLE = 0x90000, 0x92000, 0x94000
MOV_R6_1 = 0xE3A06001
ADD = (0xE1921F9F, 0xE2811001, 0xE1820F91, 0xE3500000, 0x1AFFFFFA)  # 1: ldrex r1, [r2]; add r1, r1, #1; strex r0, r1, [r2]; cmp r0, #0; bne 1b
# 1: ldrex r1, [r2]; cmp r1, r3; bne 2f; strex r0, r4, [r2]; cmp r0, #0; bne 1b; 2: mov r6, #1
CAS = (0xE1921F9F, 0xE1510003, 0x1A000002, 0xE1820F94, 0xE3500000, 0x1AFFFFF9, MOV_R6_1)
RSB = (0xE1921F9F, 0xE2611001, 0xE1820F91, 0xE3500000, 0x1AFFFFFA)  # as ADD with rsb r1, r1, #1
FORMS = {"rmw": ADD, "cas": CAS, "load": RSB}
STREX_AT = {"rmw": 2, "cas": 3, "load": 2}


@pytest.fixture(params=["0", "1", "plain"])
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    made = Harness(tier="0" if request.param == "0" else "1", idiom=request.param != "plain")
    made.map(DATA, PAGE_SIZE)
    made.map(READ_ONLY, PAGE_SIZE, PAGE_VALID | PAGE_READ)
    yield made
    made.close()


def run(harness: Harness, words: tuple[int, ...], address: int, **regs: int) -> tuple[Exit, int]:
    """Run; gives the exit and the number of the instruction where it stopped."""
    start = {"r0": 9, "r1": 8, "r2": address, "r3": 0, "r4": 5, "r6": 7}
    exit, vcpu = harness.run(arm(MOV_R6_1, *words), 0, {**start, **regs})
    return exit, (vcpu.pc - (harness.end - 4 * len(words))) // 4


@pytest.mark.parametrize("form", FORMS)
def test_a_fault_of_the_load_is_the_loads(harness: Harness, form: str) -> None:
    for address, info in ((HOLE, FAULT_UNMAPPED), (DATA + 2, FAULT_ALIGN)):
        assert run(harness, FORMS[form], address) == (Exit.MEMORY_FAULT, 0)
        vcpu = harness.vcpu
        assert (vcpu.get("fault_addr"), vcpu.get("fault_info") & (FAULT_WRITE | FAULT_UNMAPPED | FAULT_ALIGN)) == (address, info)
        assert [vcpu.get(r) for r in ("r0", "r1", "r6")] == [9, 8, 1], "as before the load"


@pytest.mark.parametrize("form", FORMS)
def test_read_only_memory_faults_at_the_store(harness: Harness, form: str) -> None:
    assert run(harness, FORMS[form], READ_ONLY) == (Exit.MEMORY_FAULT, STREX_AT[form])
    vcpu = harness.vcpu
    assert vcpu.get("fault_info") & FAULT_WRITE
    assert vcpu.get("r1") == {"rmw": 1, "cas": 0, "load": 1}[form], "what was computed from the value loaded"


def test_a_comparison_that_fails_does_not_touch_read_only_memory(harness: Harness) -> None:
    assert run(harness, CAS, READ_ONLY, r3=1)[0] == Exit.FETCH_FAULT
    assert [harness.vcpu.get(r) for r in ("r0", "r1", "r6")] == [9, 0, 1]


def test_memory_that_becomes_writable(harness: Harness) -> None:
    """The native code is used again after the fault was replayed by tier 0."""
    for _ in range(2):
        assert run(harness, ADD, READ_ONLY)[0] == Exit.MEMORY_FAULT
    harness.map(READ_ONLY, PAGE_SIZE)
    for count in range(1, 4):
        assert run(harness, ADD, READ_ONLY)[0] == Exit.FETCH_FAULT
        assert (harness.vcpu.get("r1"), harness.memory.u32(READ_ONLY)) == (count, count)


@pytest.mark.parametrize("form", FORMS)
def test_an_older_reservation_is_gone(harness: Harness, form: str) -> None:
    """ldrex from one address, the idiom on another, strex to the first: the second link has taken the place of the first."""
    harness.memory.write(DATA, bytes(16))
    older = 0xE1957F9F  # ldrex r7, [r5]
    store = 0xE1858F94  # strex r8, r4, [r5]
    run(harness, (older, *FORMS[form], store), DATA, r5=DATA + 8, r8=9)
    assert (harness.vcpu.get("r8"), harness.memory.u32(DATA + 8)) == (1, 0)
    harness.memory.write(DATA, bytes(4))
    run(harness, (*FORMS[form], store), DATA, r5=DATA, r8=9)
    assert harness.vcpu.get("r8") == 1, "a store-conditional has used the reservation"


def test_a_store_conditional_on_the_other_path_can_succeed(harness: Harness) -> None:
    """1: ldrex; cmp r1, r3; bne 2f; strex r0, r4; b 3f; 2: strex r0, r5; 3: cmp r0, #0; bne 1b"""
    words = (0xE1921F9F, 0xE1510003, 0x1A000001, 0xE1820F94, 0xEA000000, 0xE1820F95, 0xE3500000, 0x1AFFFFF7)
    for old, stored in ((0, 5), (1, 6)):
        harness.memory.write(DATA, old.to_bytes(4, "little"))
        assert run(harness, words, DATA, r5=6)[0] == Exit.FETCH_FAULT
        assert harness.memory.u32(DATA) == stored


def test_code_on_the_page_is_forgotten(harness: Harness) -> None:
    """An atomic operation on an instruction that has been executed: add to MOV r0, #n, and call it."""
    function = DATA + 0x100
    harness.map(DATA, PAGE_SIZE, 15)
    harness.memory.write(function, arm(0xE3A00000, 0xE12FFF1E))  # mov r0, #0; bx lr
    call = 0xE12FFF32  # blx r2
    for count in range(1, 4):
        run(harness, (call, 0xE1A09000, *ADD, call), function)  # mov r9, r0 after the first call
        assert (harness.vcpu.get("r9"), harness.vcpu.get("r0")) == (count - 1, count)


def test_parallel_operations_lose_nothing(harness: Harness) -> None:
    """Two vCPUs count with different forms on one word: additions, and additions as compare-and-swap."""
    count = 20_000
    harness.memory.write(DATA, bytes(4))
    again = (0xE2577001, 0x1A000000)  # subs r7, r7, #1; bne (patched below)
    add = (*ADD, again[0], 0x1AFFFFF8)
    # 1: ldr r3, [r2]; add r4, r3, #1; 2: ldrex r1, [r2]; cmp r1, r3; bne 1b; strex r0, r4, [r2]; cmp r0, #0; bne 2b; subs r7, r7, #1; bne 1b
    swap = (0xE5923000, 0xE2834001, 0xE1921F9F, 0xE1510003, 0x1AFFFFFA, 0xE1820F94, 0xE3500000, 0x1AFFFFF9, again[0], 0x1AFFFFF5)
    vcpus = [harness.engine.new_vcpu() for _ in range(2)]
    code = 0x98000
    harness.map(code, PAGE_SIZE, 15)
    stop = 0xE12FFF1E  # bx lr
    harness.memory.write(code, arm(*add, stop))
    harness.memory.write(code + 0x100, arm(*swap, stop))
    for vcpu, at in zip(vcpus, (code, code + 0x100), strict=True):
        vcpu.pc, vcpu.mode = at, 0
        for name, value in (("r2", DATA), ("r7", count), ("r14", harness.end)):
            vcpu.put(name, value)
    threads = [threading.Thread(target=harness.engine.run, args=(vcpu,)) for vcpu in vcpus]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert harness.memory.u32(DATA) == 2 * count


def test_the_first_design_has_no_idiom() -> None:
    engine = Engine("arm", tier="1", atomics="flush", persistent=False)
    assert not engine.idiom
    engine.close()
