"""Random encodings of every decode row, on random states, against the oracle.

``DBT_FUZZ`` is the number of encodings a row (default 4).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from random import Random

import pytest

from dbt.abi.x86 import CANONICAL_BITS
from dbt.frontend.x86.decode import Encoding
from dbt.frontend.x86.tables import Row, random_insn, rows
from tests.frontend.x86.differential import Comparison, random_state
from tests.frontend.x86.oracle import DATA_SIZE, REGISTERS, Oracle, flags_of

ITERATIONS = int(os.environ.get("DBT_FUZZ", "4"))
UNCOMPARED = {
    "cpuid": "a model of its own: see test_system",
    "rdtsc": "the time", "rdtscp": "the time",
    "privileged": "the oracle runs 32-bit code as a kernel would",
    "int_": "the oracle has no interrupt gates", "int1": "hypervisors differ",
    "clflush": "the oracle does not touch the memory",
}  # fmt: skip

# Known differences: function -> (which encodings, what is right). The authority is the SDM, or what QEMU does since a fix later than the oracle's.
Which = Callable[[Encoding, Row, bool], bool]
KNOWN: dict[str, tuple[Which, str]] = {
    "neg": (lambda e, row, long: e.lock, "the oracle works out the flags of a locked NEG wrongly"),
    "test": (lambda e, row, long: row.digit == 1, "the oracle does not know the alias of TEST"),
    "nop": (lambda e, row, long: e.opcode == 0x18, "the oracle does not know all reserved NOPs"),
    "crc32": (lambda e, row, long: e.operand_16, "the oracle does not take both prefixes"),
    "push": (lambda e, row, long: any(code in row.text for code in ("ES", "CS", "SS", "DS", "FS", "GS")), "the oracle has other selectors"),
    "ret": (lambda e, row, long: bool(e.immediates) and e.immediates[0] < 0, "the oracle sign-extends what RET releases"),
    "mov": (lambda e, row, long: row.digit == 0 and e.reg == 8, "the oracle mistakes REX.R for part of the opcode"),
    "lahf": (lambda e, row, long: e.rex != 0, "with REX the oracle writes SPL instead of AH"),
    "sahf": (lambda e, row, long: e.rex != 0, "with REX the oracle reads SPL instead of AH"),
    "cmpxchg": (lambda e, row, long: long, "the oracle zero-extends registers that stay"),
    "popcnt": (lambda e, row, long: e.operand_16 and bool(e.wide), "the oracle prefers prefix 66 to REX.W"),
    "shrd": (lambda e, row, long: bool(e.wide), "OF, which is undefined, follows the oracle's narrower forms"),
    "enter": (lambda e, row, long: e.operand_16 or e.immediates[1] & 31 > 1 or not 0 <= e.immediates[0] < 0x400,
              "the oracle's stack frames differ for odd forms, and it does not try the new top of the stack"),
}
# With prefix 66 the oracle, like AMD's processors, cuts rIP in 64-bit code.
_NEAR = ("jcc", "jmp", "call", "ret", "call_indirect", "jmp_indirect", "loop", "loope", "loopne", "jcxz")


def _skipped(row: Row, code: bytes, long: bool) -> bool:
    e = Encoding(code, long)
    if long and e.operand_16 and row.name in _NEAR:
        return True
    return row.name in KNOWN and KNOWN[row.name][0](e, row, long)


ARCHES = ("i386", "x86_64")
ELSEWHERE = ("simd", "fxsave", "x87", "segment", "far_transfer")  # modules with tests of their own
CASES = [(arch, row) for arch in ARCHES for row in rows(arch == "x86_64") if row.name not in UNCOMPARED and not row.module.startswith(ELSEWHERE)]


@pytest.fixture(scope="module")
def oracles() -> dict[str, Oracle]:
    return {arch: Oracle(arch) for arch in ARCHES}


def _check(oracle: Oracle, row: Row, rng: Random) -> bool:
    """One random encoding; True if it was compared."""
    long = oracle.long
    code = random_insn(rng, row, long)
    if _skipped(row, code, long):
        return False
    state, data = random_state(rng, oracle.arch), rng.randbytes(DATA_SIZE)
    if row.name in _NEAR:
        data = b"".join([rng.getrandbits(CANONICAL_BITS - 1).to_bytes(8, "little") for _ in range(DATA_SIZE // 8)])  # addresses of user space, mostly
    before = {name: hex(state[name]) for name in REGISTERS[oracle.arch]}
    result = Comparison(oracle, code, state, data)
    assert not result.differences, f"{oracle.arch} {row.text}: bytes {code.hex()}: {result.differences}; before: {before}, eflags {flags_of(state):#x}"
    return True


@pytest.mark.parametrize(("arch", "row"), CASES, ids=lambda x: x if isinstance(x, str) else x.text.partition("->")[0].strip().replace(" ", "_") + x.name)
def test_row(oracles: dict[str, Oracle], arch: str, row: Row) -> None:
    rng = Random(f"{arch} {row.text}")
    compared = 0
    for _ in range(ITERATIONS * 10):
        compared += _check(oracles[arch], row, rng)
        if compared >= ITERATIONS:
            return
    assert compared or row.name in KNOWN, f"{row.text}: nothing was compared"


@pytest.mark.fuzz
def test_fuzz(oracles: dict[str, Oracle], fuzz_rounds: Iterator[int]) -> None:
    for seed in fuzz_rounds:
        rng = Random(seed)
        arch, row = rng.choice(CASES)
        _check(oracles[arch], row, rng)
