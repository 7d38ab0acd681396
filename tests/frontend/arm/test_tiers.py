"""Random straight-line guest code on tier 0, as quick code and on tier 1 against the reference engine: whole state and memory, at the end or at a fault.

``DBT_FUZZ`` is the number of programs a tier and instruction set, divided by 4 for tier 1.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import pytest

from dbt.abi.arm import MODE_BIG_ENDIAN, MODE_IT_SHIFT, MODE_THUMB
from dbt.abi.exits import Exit
from dbt.abi.memory import PAGE_MASK, PAGE_SIZE
from dbt.frontend.arm import frontend
from dbt.frontend.arm.tables import A32_COND, T16, T32
from dbt.frontend.base import lift_insn
from dbt.frontend.decode import DecodeTable, Row
from dbt.ir.unit import Unit
from tests.engine.harness import Harness
from tests.frontend.arm.differential import insn_bytes, random_state
from tests.frontend.arm.oracle import DATA, DATA_MIDDLE, DATA_SIZE
from tests.frontend.arm.test_differential import CASES
from tests.reference_eval import Evaluator, Memory, State

PROGRAMS = int(os.environ.get("DBT_FUZZ", "12"))
LENGTH = 14
BASES = ("r4", "r7")  # point into the data; no instruction of a program writes them
_MEMORY = ("load_store", "load_store_multiple", "synchronization")
_SLOTS = (*(f"r{i}" for i in range(15)), "cf", "vf", "qf", "ge", "tpidrurw")
PROGRAM_AREA = 0x75300000  # no address that the registers are likely to give
_TIER_1_RUNS = 3  # the first ones count and compile


@dataclass
class Step:
    """One instruction: its mode, bytes and unit."""

    mode: int
    code: bytes
    unit: Unit


def _writes_base(unit: Unit) -> bool:
    return any(inst.op.name == "put" and inst.attr("slot") in BASES for inst in unit.insts())


def _steps(rng: Random, mode: int) -> Iterator[Step]:
    thumb = bool(mode & MODE_THUMB)
    wanted: list[tuple[DecodeTable, Row]] = [(t, r) for t, r in CASES if t in ((T16, T32) if thumb else (A32_COND,)) and r.name != "preload"]
    made = 0
    while made < LENGTH or mode >> MODE_IT_SHIFT:
        if thumb and not mode >> MODE_IT_SHIFT and rng.random() < 0.15:
            code = (0xBF00 | rng.randrange(14) << 4 | rng.randrange(1, 16)).to_bytes(2, "little")
        else:
            table, row = rng.choice(wanted)
            word = table.random_insn(rng, row)
            memory = row.module.endswith(_MEMORY)
            if memory and ("Rn" not in row.fields or f"r{row.extract('Rn', word)}" not in BASES):
                continue
            if table is A32_COND:
                word = word & 0x0FFFFFFF | (rng.randrange(14) if rng.random() < 0.3 else 14) << 28
            code = insn_bytes(word, thumb, row.width)
        unit, lifted = lift_insn(frontend, mode, code)
        if lifted.ends or _writes_base(unit):
            continue
        yield Step(mode, code, unit)
        mode = lifted.next_mode
        made += 1


def _slots(state: State) -> dict[str, int]:
    return {slot: state[slot] for slot in _SLOTS} | {"n": state["nf"] >> 31, "z": int(state["zf"] == 0)}


@pytest.fixture(scope="module", params=["0", "quick", "1"], ids=["tier0", "quick", "tier1"])
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    made = Harness(tier=request.param)
    made.map(DATA, DATA_SIZE)
    yield made
    made.close()


def _expected(steps: list[Step], state: State, memory: Memory, pc: int) -> tuple[int, bool]:
    """Run the reference engine; gives where it stops, and whether by a fault."""
    for step in steps:
        outcome = Evaluator(state, memory).run(step.unit, pc)
        if outcome.exit == "fault":
            return pc, True
        pc += len(step.code)
        assert outcome.address == pc
    return pc, False


def _run(harness: Harness, start: int, mode: int, state: State, data: bytes) -> Exit:
    vcpu = harness.vcpu
    harness.memory.poke(DATA, data)
    for slot in (*_SLOTS, "nf", "zf", "tpidruro"):
        vcpu.put(slot, state[slot])
    vcpu.pc, vcpu.mode = start, mode
    vcpu.clear_reservation()
    return harness.engine.run(vcpu)


@pytest.mark.parametrize("mode", [0, MODE_THUMB, MODE_BIG_ENDIAN], ids=["a32", "t32", "a32be"])
def test_random_programs(harness: Harness, mode: int) -> None:
    tier_1 = harness.engine.tier == "1"
    for seed in range(PROGRAMS // 4 if tier_1 else PROGRAMS):
        rng = Random(f"{mode} {seed}")
        steps = list(_steps(rng, mode))
        code = b"".join(step.code for step in steps)
        before, data = random_state(rng, True), rng.randbytes(DATA_SIZE)
        for base in BASES:
            before[base] = DATA_MIDDLE + 8 * rng.randrange(8)
        want, memory = before.copy(), Memory()
        want_data = memory.map(DATA, data)
        harness.end = PROGRAM_AREA + PAGE_SIZE * (2 * seed + 1)  # an area of its own, followed by a page that is not mapped
        start = harness.load(code)
        memory.map(start & PAGE_MASK, harness.memory.read(start & PAGE_MASK, harness.end - (start & PAGE_MASK)))
        end, fault = _expected(steps, want, memory, start)
        for _ in range(_TIER_1_RUNS if tier_1 else 1):
            why = _run(harness, start, mode, before, data)
        vcpu = harness.vcpu
        got = before.copy()
        for slot in (*_SLOTS, "nf", "zf"):
            got[slot] = vcpu.get(slot)
        listing = ", ".join(step.code.hex() for step in steps)
        assert (why, vcpu.pc) == (Exit.MEMORY_FAULT if fault else Exit.FETCH_FAULT, end), f"seed {seed}: {listing}"
        differences = {slot: (hex(value), hex(_slots(want)[slot])) for slot, value in _slots(got).items() if value != _slots(want)[slot]}
        assert not differences, f"seed {seed}: {listing}"
        assert harness.memory.read(DATA, DATA_SIZE) == bytes(want_data), f"seed {seed}: {listing}"
