"""Atomic instructions made of load-link and store-conditional: they do what the IR's atomic operations do."""

from __future__ import annotations

from random import Random

import pytest

from dbt.abi.archs import LLSC
from dbt.frontend.base import frontend_for, lift_insn
from dbt.frontend.x86 import FRONTENDS
from dbt.frontend.x86.decode import Encoding
from dbt.frontend.x86.tables import Row, random_insn, rows
from dbt.ir.unit import Unit
from tests.frontend.x86.differential import random_state
from tests.frontend.x86.oracle import CODE, DATA, DATA_SIZE
from tests.reference_eval import Evaluator, Memory, Outcome, State

RUNS, MOST_RUNS = 30, 3000  # of each row; more until something is stored: random registers often point where nothing is mapped
LOCKED = [(arch, row) for arch in ("i386", "x86_64") for row in rows(arch == "x86_64") if "lock" in row.words]
_ATOMIC = ("rmw_", "cas")


def _locked(rng: Random, row: Row, long: bool) -> bytes:
    while True:
        code = random_insn(rng, row, long)
        e = Encoding(code, long)
        if e.mod == 3 or e.lock:
            if e.lock:
                return code
            continue
        if len(code) < 15 and Encoding(b"\xf0" + code, long).length == len(code) + 1:
            return b"\xf0" + code


def _evaluate(unit: Unit, state: State, data: bytes) -> tuple[State, bytes, Outcome]:
    after, memory = state.copy(), Memory()
    mapped = memory.map(DATA, data)
    outcome = Evaluator(after, memory).run(unit, CODE)
    return after, bytes(mapped), outcome


@pytest.mark.parametrize(("arch", "row"), LOCKED, ids=[f"{arch} {row.text}" for arch, row in LOCKED])
def test_a_pair_does_what_the_atomic_operation_does(arch: str, row: Row) -> None:
    rng = Random(f"{arch} {row.text}")
    long = arch == "x86_64"
    runs = changed = 0
    while runs < RUNS or not changed and runs < MOST_RUNS:
        runs += 1
        code = _locked(rng, row, long)
        one, lifted = lift_insn(FRONTENDS[arch], 0, code)
        pair, same = lift_insn(FRONTENDS[arch + LLSC], 0, code)
        assert lifted == same
        state, data = random_state(rng, arch), rng.randbytes(DATA_SIZE)
        for _ in range(2):  # a comparison that has failed has loaded what makes it succeed
            want, got = _evaluate(one, state, data), _evaluate(pair, state, data)
            assert (got[0].differences(want[0]), got[1], got[2].exit, got[2].address) == ({}, want[1], want[2].exit, want[2].address), code.hex()
            changed += want[1] != data
            state = want[0]
        names = [inst.op.name for inst in pair.insts()]
        wide = row.name == "cmpxchg_pair" and Encoding(code, long).wide
        assert ("stcond" in names) != bool(wide), code.hex()
        assert not (names.count("stcond") and sum(name.startswith(_ATOMIC) for name in names) > 1), "one more way, for misaligned operands"
    assert changed, "no run stored anything"


def test_other_guests_have_no_second_frontend() -> None:
    assert frontend_for("arm", "llsc") is frontend_for("arm")
    assert frontend_for("x86_64", "llsc") is not frontend_for("x86_64")
