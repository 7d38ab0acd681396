"""Random units keep their meaning under every pass, alone and in the standard order, as the reference evaluator sees it."""

from __future__ import annotations

from random import Random

import pytest

from dbt.ir.cfg import loop_heads
from dbt.ir.passes import PASSES, STANDARD, run_passes
from dbt.ir.random_ir import SCALAR, random_unit
from dbt.ir.state import StateMap
from dbt.ir.text import parse_unit, print_unit
from dbt.ir.types import F32, I1, I32, I64, V64, V128
from dbt.ir.verify import verify
from tests.ir.reference import Machine, run

# A small state with every kind of overlap that a guest has.
SLOTS = {
    "r0": (0, I32), "r1": (8, I32), "nf": (16, I32), "zf": (24, I32), "cf": (32, I1), "vf": (40, I1), "x": (48, I64),
    "q0": (64, V128), "d0": (64, V64), "d1": (72, V64), "s0": (64, F32), "s1": (68, F32), "s2": (72, F32), "s3": (76, F32),
}  # fmt: skip
ROWS = (*SCALAR, "bitcast", "vpair", "vhalf")
MEMORY = (0x1000, 64)


def traced(text: str, seed: int, watched: set[int]) -> Machine:
    machine = Machine(SLOTS, seed)
    machine.watched = watched
    run(parse_unit(text), machine)
    return machine


def check_same(text: str, passes: tuple[str, ...], seed: int) -> None:
    """The unit *text* does the same before and after *passes*, as far as both ran."""
    unit = run_passes(parse_unit(text), StateMap(SLOTS), passes)
    assert not verify(unit, SLOTS), f"seed {seed}: {verify(unit, SLOTS)[0]}"
    after = print_unit(unit)
    heads = {unit.blocks[label].insts[0].attr("pc") for label in loop_heads(unit)}
    for state in range(3):
        expected, got = traced(text, state, heads), traced(after, state, heads)
        length = min(len(expected.trace), len(got.trace))
        assert length or not expected.trace, f"seed {seed}: {passes} ends before anything is seen"
        assert got.trace[:length] == expected.trace[:length], f"seed {seed}, state {state}\n{text}\nafter {passes}\n{after}"


def make(seed: int) -> str:
    rng = Random(seed)
    blocks = rng.choice((1, 1, 3, 6))
    return print_unit(random_unit(rng, SLOTS, size=rng.choice((4, 12, 25)), blocks=blocks, rows=ROWS, memory=MEMORY, loops=seed % 3 == 0))


@pytest.mark.parametrize("start", range(0, 240, 40))
def test_standard_order(start: int) -> None:
    for seed in range(start, start + 40):
        check_same(make(seed), STANDARD, seed)


@pytest.mark.parametrize("name", PASSES)
def test_each_pass_alone(name: str) -> None:
    for seed in range(1000, 1040):
        check_same(make(seed), (name,), seed)


def test_random_order() -> None:
    for seed in range(2000, 2040):
        order = tuple(Random(seed).choices(list(PASSES), k=6))
        check_same(make(seed), order, seed)
