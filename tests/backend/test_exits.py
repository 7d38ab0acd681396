"""Ways out of a region: chaining, jump cache, requests, invalidation, several entries, loops."""

from __future__ import annotations

import ctypes

import pytest

from dbt.abi.arm import cpu as LAYOUT
from dbt.abi.exits import EXCEPTIONS, Exit
from dbt.abi.memory import JUMP_BITS, JUMP_ENTRIES, JUMP_ENTRY_BITS, jump_entry, jump_tag
from dbt.backend.llvm import object as backend
from dbt.backend.llvm.convention import VALID_SYMBOL, entry_symbol
from dbt.backend.llvm.region import Entry, lower
from dbt.frontend.base import frontend_for
from dbt.ir.builder import Builder
from dbt.ir.types import F32, V64, V128
from dbt.ir.unit import Unit
from dbt.pipeline import lift_region, optimise, passes
from runtime.arena import Placed, write_word
from tests.backend.machine import Machine

ARM = frontend_for("arm")
BASE = 0x8000


@pytest.fixture
def machine() -> Machine:
    return Machine()


def start(pc: int = 0x8000) -> tuple[Unit, Builder]:
    unit = Unit("arm")
    b = Builder(unit, LAYOUT.slot_types)
    b.mark(pc=pc, length=4, mode=0)
    return unit, b


def adder(machine: Machine, pc: int, target: int, slot: str = "r1") -> Placed:
    """A region that adds 1 to *slot* and goes to *target*."""
    unit, b = start(pc)
    b.putreg(slot, b.add(b.getreg(slot), 1))
    b.goto(b.i32(target), b.i32(0))
    return machine.load(unit, [Entry("b0", pc, 0)])


@pytest.mark.parametrize("slot", ["r1", "r10"])
def test_chained_regions_pass_registers_on(machine: Machine, slot: str) -> None:
    first, second = adder(machine, 0x8000, 0x8100, slot), adder(machine, 0x8100, 0x8200, slot)
    machine.put(slot, 5)
    machine.run(first)
    assert (machine.get("pc"), machine.get(slot)) == (0x8100, 6)
    write_word(machine.get("chain_from"), second.address(entry_symbol(0)))
    machine.run(first)
    assert (machine.get("pc"), machine.get(slot)) == (0x8200, 8)


def test_invalid_region_returns_where_it_was_entered(machine: Machine) -> None:
    region = adder(machine, 0x8000, 0x8100)
    machine.put("r1", 5)
    write_word(region.address(VALID_SYMBOL), 0)
    machine.run(region)
    assert (machine.get("pc"), machine.get("r1")) == (0x8000, 5)


def test_indirect_jump_uses_the_jump_cache(machine: Machine) -> None:
    unit, b = start()
    b.putreg("r9", 7)
    b.goto_ind(b.getreg("r14"), b.and_(b.getreg("r2"), 1), hint="ret")
    region, target = machine.load(unit), adder(machine, 0x12340, 0x8200)
    for name, value in (("r14", 0x12340), ("r2", 1), ("r1", 0)):
        machine.put(name, value)
    machine.run(region)
    assert (machine.get("pc"), machine.get("mode"), machine.get("r9"), machine.calls) == (0x12340, 1, 7, ["jump_miss"])
    index = (0x12340 ^ 0x12340 >> JUMP_BITS) >> 1 & JUMP_ENTRIES - 1
    at = machine.cpu + LAYOUT.offset("jump_cache") + (index << JUMP_ENTRY_BITS)
    for field, value in (("tag", jump_tag(0x12340, 1)), ("native", target.address(entry_symbol(0)))):
        ctypes.c_uint64.from_address(at + jump_entry.offset(field)).value = value
    machine.run(region)
    assert (machine.get("pc"), machine.get("r1"), len(machine.calls)) == (0x8200, 1, 1)


def test_system_call_and_exception(machine: Machine) -> None:
    unit, b = start()
    b.putreg("r7", 4)
    b.syscall(b.i32(0x8004), b.i32(1), imm=3)
    assert machine.run(machine.load(unit)) == Exit.SYSCALL
    assert (machine.get("pc"), machine.get("mode"), machine.get("exit_arg"), machine.get("r7")) == (0x8004, 1, 3, 4)
    unit, b = start()
    b.exception(b.i32(0x8000), b.i32(0), kind="undefined", imm=9)
    assert machine.run(machine.load(unit)) == Exit.EXCEPTION
    assert (machine.get("exit_arg"), machine.get("exit_detail")) == (EXCEPTIONS["undefined"][0], 9)


def loop(b: Builder) -> None:
    """b0: r1 += 1, r10 ^= r1 until r1 == r2, then on to 0x9000."""
    total = b.add(b.getreg("r1"), 1)
    b.putreg("r1", total)
    b.putreg("r10", b.xor(b.getreg("r10"), total))
    b.brif(b.eq(total, b.getreg("r2")), then="out", orelse="b0")
    b.start("out")
    b.mark(pc=0x8004, length=4, mode=0)
    b.goto(b.i32(0x9000), b.i32(0))


def test_loop_runs_inside_the_region_and_polls(machine: Machine) -> None:
    unit, b = start()
    loop(b)
    region = machine.load(unit)
    for name, value in (("r1", 0), ("r2", 1000), ("r10", 0)):
        machine.put(name, value)
    machine.run(region)
    expected = 0
    for i in range(1, 1001):
        expected ^= i
    assert (machine.get("pc"), machine.get("r1"), machine.get("r10")) == (0x9000, 1000, expected)
    machine.put("r1", 0)
    machine.put("request", 1)
    machine.run(region)
    assert (machine.get("pc"), machine.get("r1")) == (0x8000, 0), "a request is seen before the first instruction"


def test_second_entry(machine: Machine) -> None:
    unit, b = start()
    loop(b)
    region = machine.load(unit, [Entry("b0", 0x8000, 0), Entry("out", 0x8004, 0)])
    for name, value in (("r1", 3), ("r2", 4), ("r10", 6)):
        machine.put(name, value)
    machine.run(region, entry=1)
    assert (machine.get("pc"), machine.get("r1"), machine.get("r10")) == (0x9000, 3, 6)
    machine.run(region)
    assert (machine.get("r1"), machine.get("r10")) == (4, 2)


def test_overlapping_vector_slots(machine: Machine) -> None:
    """q0, d1 and s1 share bytes: reads see the latest write whatever its name."""
    unit, b = start()
    b.put(b.get(V128, slot="q1"), slot="q0")
    b.put(b.get(V64, slot="d4"), slot="d1")
    b.put(b.get(F32, slot="s10"), slot="s1")
    b.put(b.get(V128, slot="q0"), slot="q3")
    b.goto(b.i32(0x9000), b.i32(0))
    region = machine.load(unit)
    machine.put("q1", 0x0F0E0D0C0B0A09080706050403020100)
    machine.put("d4", 0x1111222233334444)
    machine.put("s10", 0xAABBCCDD)
    machine.run(region)
    assert machine.get("q3") == machine.get("q0") == 0x1111222233334444_AABBCCDD_03020100


def test_a_jump_with_many_cases_goes_through_a_table(machine: Machine) -> None:
    """``add pc, pc, r0, lsl #4`` with a case every sixteen bytes: each sets r1 to a number of its own and leaves; what is no case leaves at the jump."""
    jump, cases = 0xE08FF200, [BASE + 8 + (at << 4) for at in (0, 1, 3, 7, 12, 20, 33, 34)]
    words = {BASE: jump, **{pc: 0xE3A01000 + number for number, pc in enumerate(cases)}, **{pc + 4: 0xE12FFF1E for pc in cases}}
    starts = [(pc, 0) for pc in (BASE, *cases)]
    region = lift_region(ARM, lambda pc, size: words[pc].to_bytes(4, "little")[:size], starts[:1], starts, guesses={starts[0]: starts[1:]})
    optimise(region.unit, passes("arm"))
    text = lower(region.unit, [Entry(f"at_{BASE:x}", BASE, 0)], LAYOUT, linear=True)
    assert ".LJTI" in backend.compile_assembly(text), "a table of host addresses"
    placed = machine.load(region.unit, [Entry(f"at_{BASE:x}", BASE, 0)])
    for at in range(40):
        pc = BASE + 8 + (at << 4)
        machine.put("r0", at)
        machine.put("r1", 99)
        machine.put("r14", 0x9000)
        machine.run(placed)
        assert (machine.get("pc"), machine.get("r1")) == ((0x9000, cases.index(pc)) if pc in cases else (pc, 99))
