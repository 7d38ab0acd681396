"""Random IR as one guest instruction: tier 0 against the reference evaluator, whole state and memory. This is what holds the encoder's use of guest
cells as operands and destinations to account."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import pytest

from dbt.abi.archs import LAYOUTS
from dbt.abi.exits import Exit
from dbt.backend.tier0.encode import encode
from dbt.ir import sem
from dbt.ir.optable import OPS
from dbt.ir.random_ir import SCALAR, random_unit
from runtime.templates import pack
from tests.engine.harness import Harness
from tests.reference_eval import Evaluator, Memory, State

WINDOW = (0x50000, 64)
MOVES = ("vpair", "vhalf", "bitcast", "vdup", "vget", "vset", "vshuf", "vtbl", "vbsl", "vand", "vandn", "vnot")
LANES = tuple(
    op.name
    for op in OPS.values()
    if op.kind in ("lane", "widen", "narrow") and op.effects == "" and set(re.findall(r"[a-z]\w+(?=\()", op.sem or "?(")) <= set(vars(sem))
)
ROWS = (*SCALAR, *MOVES, *LANES)
SLOTS = {name: place for name, place in LAYOUTS["arm"].slots.items() if not name.startswith("fp")}
# Few slots that overlap make aliasing frequent.
CROWDED = {name: SLOTS[name] for name in ("r0", "r1", "r2", "nf", "cf", "q0", "d0", "d1", "d2", "s0", "s1", "s3")}


@pytest.fixture(scope="module")
def harness() -> Iterator[Harness]:
    made = Harness()
    made.map(WINDOW[0], WINDOW[1])
    yield made
    made.close()


def random_state(rng: random.Random) -> State:
    state = State("arm")
    for name, (_, type) in SLOTS.items():
        state[name] = rng.getrandbits(type.bits)
    return state


@pytest.mark.parametrize("seed", range(300))
def test_random_unit(harness: Harness, seed: int) -> None:
    rng = random.Random(f"units {seed}")
    slots = CROWDED if seed % 2 else SLOTS
    unit = random_unit(rng, slots, size=rng.choice((4, 12, 30)), blocks=rng.choice((1, 1, 3)), rows=ROWS, memory=WINDOW if seed % 3 == 0 else None)
    state, memory = random_state(rng), Memory()
    window = rng.randbytes(WINDOW[1])
    expected_window = memory.map(WINDOW[0], window)

    code = (0x4000_0000 + seed).to_bytes(4, "little")
    at = harness.end - 4
    harness.engine.templates.add(pack(encode(unit, 4, 0, True), 0, code, 0, True))
    registers = {name: state[name] for name in SLOTS}
    exit, vcpu = harness.run(code, 0, registers, {WINDOW[0]: window})
    outcome = Evaluator(state, memory).run(unit, at)

    assert (exit, vcpu.pc) == (Exit.FETCH_FAULT, outcome.address)
    wrong = {name: (hex(vcpu.get(name)), hex(state[name])) for name in SLOTS if vcpu.get(name) != state[name]}
    assert not wrong, f"seed {seed}: tier 0, reference"
    assert harness.memory.read(*WINDOW) == bytes(expected_window)
