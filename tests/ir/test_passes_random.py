"""Random units keep their meaning under every pass, alone, in the standard order and in any order."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from dbt.abi.archs import LAYOUTS
from dbt.ir.cfg import loop_heads
from dbt.ir.passes import PASSES, STANDARD, run_passes
from dbt.ir.random_ir import SCALAR, random_unit
from dbt.ir.state import StateMap
from dbt.ir.text import parse_unit, print_unit
from dbt.ir.unit import Inst
from dbt.ir.verify import verify
from tests.reference_eval import Evaluator, Memory, State

ALL_SLOTS = LAYOUTS["arm"].slots
STATE = StateMap(ALL_SLOTS)
# Few slots, so that they are written and read often; with every kind of overlap.
SLOTS = {name: ALL_SLOTS[name] for name in ("r0", "r1", "nf", "zf", "cf", "vf", "q0", "d0", "d1", "s0", "s1", "s2", "s3")}
ROWS = (*SCALAR, "bitcast", "vpair", "vhalf")
MEMORY = (0x1000, 64)
MOST_BLOCKS = 60  # where to stop in a loop


class Tracer(Evaluator):
    """Records all that somebody could see: each memory access with the state at that moment, the state at the marks *watched*, and the exit."""

    def __init__(self, seed: int, watched: set[int]) -> None:
        rng = Random(seed)
        state = State("arm")
        for name, (_, type) in SLOTS.items():
            state[name] = rng.getrandbits(type.bits)
        memory = Memory()
        memory.map(MEMORY[0], rng.randbytes(MEMORY[1]))
        super().__init__(state, memory)
        self.watched = watched
        self.trace: list[tuple[object, ...]] = []

    def see(self, *what: object) -> None:
        self.trace.append((*what, bytes(self.state.data)))

    def at_mark(self, pc: int) -> None:
        if pc in self.watched:
            self.see("mark", pc)

    def _ld(self, inst: Inst, args: list[int]) -> int:
        self.see("ld", *args)
        return super()._ld(inst, args)

    def _st(self, inst: Inst, args: list[int]) -> int:
        self.see("st", *args)
        return super()._st(inst, args)


def traced(text: str, seed: int, watched: set[int]) -> list[tuple[object, ...]]:
    tracer = Tracer(seed, watched)
    try:
        outcome = tracer.run(parse_unit(text), 0x10000, limit=MOST_BLOCKS)
    except RuntimeError:
        return tracer.trace
    tracer.see(outcome.exit, outcome.address, outcome.mode)
    return tracer.trace


def check_same(seed: int, passes: tuple[str, ...]) -> None:
    """The unit made from *seed* does the same before and after *passes*, as far as both ran. The state counts at the loop heads that are left."""
    rng = Random(seed)
    size, blocks = rng.choice((4, 12, 25)), rng.choice((1, 1, 3, 6))
    before = print_unit(random_unit(rng, SLOTS, size=size, blocks=blocks, rows=ROWS, memory=MEMORY, loops=seed % 3 == 0))
    unit = run_passes(parse_unit(before), STATE, passes)
    assert not verify(unit, ALL_SLOTS), f"seed {seed}: {verify(unit, ALL_SLOTS)[0]}"
    after = print_unit(unit)
    heads = {unit.blocks[label].insts[0].attr("pc") for label in loop_heads(unit)}
    for state in range(3):
        expected, got = traced(before, state, heads), traced(after, state, heads)
        if not {"reloads", "reloads_in_order"}.isdisjoint(passes):  # what takes accesses away, and only loads
            expected, got = ([entry for entry in trace if entry[0] != "ld"] for trace in (expected, got))
        length = min(len(expected), len(got))
        assert length or not expected, f"seed {seed}: {passes} ends before anything is seen"
        assert got[:length] == expected[:length], f"seed {seed}, state {state}\n{before}\nafter {passes}\n{after}"


@pytest.mark.parametrize("start", range(0, 160, 40))
def test_standard_order(start: int) -> None:
    for seed in range(start, start + 40):
        check_same(seed, STANDARD)


@pytest.mark.parametrize("name", PASSES)
def test_each_pass_alone(name: str) -> None:
    for seed in range(1000, 1025):
        check_same(seed, (name,))


def test_any_order() -> None:
    for seed in range(2000, 2025):
        check_same(seed, tuple(Random(seed).choices(list(PASSES), k=6)))


@pytest.mark.fuzz
def test_fuzz(fuzz_rounds: Iterator[int]) -> None:
    for seed in fuzz_rounds:
        check_same(seed, STANDARD if seed % 2 else tuple(Random(seed).choices(list(PASSES), k=6)))
