"""Guest memory in tier 1: fast and slow path, unaligned and page-crossing accesses, runs that share a check, precise faults."""

from __future__ import annotations

import ctypes

import pytest

from dbt.abi.arm import cpu as LAYOUT
from dbt.abi.exits import Exit
from dbt.ir.builder import Builder
from dbt.ir.types import I8, I16, I32, I64, V64, V128, Type
from dbt.ir.unit import Unit
from tests.backend.machine import BASE, SIZE, Machine

SLOTS = {8: "r1", 16: "r1", 32: "r1", 64: "d1", 128: "q1"}


@pytest.fixture
def machine() -> Machine:
    made = Machine()
    pattern = bytes((i * 7 + (i >> 8)) & 0xFF for i in range(SIZE))
    ctypes.memmove(made.memory, pattern, SIZE)
    return made


def start() -> tuple[Unit, Builder]:
    unit = Unit("arm")
    b = Builder(unit, LAYOUT.slot_types)
    b.mark(pc=0x8000, length=4, mode=0)
    return unit, b


def finish(b: Builder) -> None:
    b.goto(b.i32(0x9000), b.i32(0))


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("type", [I8, I16, I32, I64, V64, V128], ids=str)
def test_load_then_store(machine: Machine, type: Type, linear: bool) -> None:
    unit, b = start()
    value = b.ld(type, b.getreg("r0"))
    b.st(b.getreg("r2"), value)
    finish(b)
    region = machine.load(unit, linear=linear)
    size = type.bits // 8
    for source in (BASE, BASE + 1, BASE + 0xFFF, BASE + 0xFF8, BASE + SIZE - size):
        target = BASE + 0x3000 + (source & 0xFFF)
        for _ in range(2):  # by the slow path, then by the TLB
            machine.put("r0", source)
            machine.put("r2", target)
            assert machine.run(region) == Exit.NONE
            memory = bytes(machine.memory)
            assert memory[target - BASE :][:size] == memory[source - BASE :][:size]
    assert len(machine.calls) < 20, "most accesses hit the TLB"


def test_aligned_access_faults_when_misaligned(machine: Machine) -> None:
    unit, b = start()
    b.putreg("r1", b.ld(I32, b.getreg("r0"), align=4))
    finish(b)
    region = machine.load(unit)
    for address, fault in ((BASE, False), (BASE + 4, False), (BASE + 2, True), (BASE + 1, True)):
        machine.put("r0", address)
        assert (machine.run(region) == Exit.MEMORY_FAULT) is fault


def test_run_of_loads_shares_one_look_up(machine: Machine) -> None:
    unit, b = start()
    base = b.getreg("r0")
    loaded = [b.ld(I32, b.add(base, 4 * k), align=4) for k in range(4)]
    for k, value in enumerate(loaded):
        b.putreg(f"r{k + 4}", value)
    finish(b)
    region = machine.load(unit)
    memory = bytes(machine.memory)
    for address in (BASE, BASE, BASE + 0xFF8, BASE + 0xFF8):
        machine.calls.clear()
        machine.put("r0", address)
        machine.run(region)
        for k in range(4):
            assert machine.get(f"r{k + 4}") == int.from_bytes(memory[address - BASE + 4 * k :][:4], "little")
    assert machine.calls == ["ld_slow"] * 4, "a run across a page takes the slow path each time"


def test_fault_shows_the_state_of_its_instruction(machine: Machine) -> None:
    """Puts before the faulting instruction are visible, those after it and its own are not; pinned, other and flag slots alike."""
    unit, b = start()
    b.putreg("r1", 11)
    b.putreg("r9", 99)
    x = b.getreg("r3")
    b.put(b.carry(x, b.i32(0xFFFFFFF0), 0), slot="cf")
    b.mark(pc=0x8004, length=4, mode=0)
    value = b.ld(I32, b.getreg("r0"))
    b.putreg("r1", value)
    b.putreg("r9", value)
    b.mark(pc=0x8008, length=4, mode=0)
    b.put(b.carry(x, x, 0), slot="cf")
    finish(b)
    region = machine.load(unit)
    machine.put("r0", BASE + SIZE)
    machine.put("r3", 0x20)
    machine.put("cf", 0)
    assert machine.run(region) == Exit.MEMORY_FAULT
    assert (machine.get("pc"), machine.get("r1"), machine.get("r9"), machine.get("cf")) == (0x8004, 11, 99, 1)
    assert machine.get("fault_addr") == BASE + SIZE


def test_second_store_of_a_run_faults_with_its_own_pc(machine: Machine) -> None:
    unit, b = start()
    base = b.getreg("r0")
    b.st(base, b.i32(0x11223344))
    b.mark(pc=0x8004, length=4, mode=0)
    b.st(b.add(base, 4), b.i32(0x55667788))
    finish(b)
    region = machine.load(unit)
    machine.put("r0", BASE + SIZE - 4)
    assert machine.run(region) == Exit.MEMORY_FAULT
    assert machine.get("pc") == 0x8004
    assert bytes(machine.memory)[-4:] == bytes.fromhex("44332211"), "the first store was done"
