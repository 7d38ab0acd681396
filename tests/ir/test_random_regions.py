"""Random IR as a region: tier 1, with and without the passes, against the reference evaluator, whole state and memory."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from random import Random

import pytest

from dbt.abi.archs import LAYOUTS
from dbt.ir.random_ir import SCALAR, random_unit
from dbt.ir.text import parse_unit, print_unit
from dbt.pipeline import optimise
from tests.backend.machine import BASE, Machine
from tests.reference_eval import Evaluator, Memory, State

ROWS = (*SCALAR, "vpair", "vhalf", "bitcast")
WINDOW = (BASE + 0x100, 64)
SLOTS = {name: place for name, place in LAYOUTS["arm"].slots.items() if not name.startswith("fp")}
# Few slots that overlap, pinned ones and flags among them.
CROWDED = {name: SLOTS[name] for name in ("r0", "r1", "r2", "r8", "nf", "zf", "cf", "vf", "q0", "d0", "d1", "d2", "s0", "s1", "s3")}


def check_same(machine: Machine, seed: int) -> None:
    rng = Random(seed)
    slots = CROWDED if seed % 2 else SLOTS
    text = print_unit(random_unit(rng, slots, size=rng.choice((4, 15, 30)), blocks=rng.choice((1, 3, 6)), rows=ROWS, memory=WINDOW))
    state, memory = State("arm"), Memory()
    for name, (_, type) in SLOTS.items():
        state[name] = rng.getrandbits(type.bits)
    before = {name: state[name] for name in SLOTS}
    window = rng.randbytes(WINDOW[1])
    expected_window = memory.map(WINDOW[0], window)
    outcome = Evaluator(state, memory).run(parse_unit(text), 0)

    for passes in ((), None):
        region = machine.load(optimise(parse_unit(text), passes), level=rng.choice((0, 1, 2)))
        for name, value in before.items():
            machine.put(name, value)
        ctypes.memmove(ctypes.addressof(machine.memory) + WINDOW[0] - BASE, window, len(window))
        machine.run(region)
        wrong = {name: (hex(machine.get(name)), hex(state[name])) for name in SLOTS if machine.get(name) != state[name]}
        assert not wrong, f"seed {seed}, passes {passes}: tier 1, reference"
        assert machine.memory.raw[WINDOW[0] - BASE :][: len(window)] == bytes(expected_window), f"seed {seed}, passes {passes}"
        assert machine.get("pc") == outcome.address


def test_random_regions() -> None:
    machine = Machine()
    for seed in range(60):
        check_same(machine, seed)


@pytest.mark.fuzz
def test_fuzz(fuzz_rounds: Iterator[int]) -> None:
    for count, seed in enumerate(fuzz_rounds):
        if count % 200 == 0:
            machine = Machine()  # the arena of the last one fills up
        check_same(machine, seed)
