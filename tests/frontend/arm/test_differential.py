"""Random encodings of every integer decode row, on random states, against the oracle.

``DBT_FUZZ`` is the number of encodings a row (default 4). Runs in which our frontend takes an UNPREDICTABLE encoding as undefined are not compared.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random

import pytest

from dbt.abi.arm import MODE_BIG_ENDIAN, MODE_IT_SHIFT, MODE_THUMB
from dbt.frontend.arm import frontend
from dbt.frontend.arm.context import Context
from dbt.frontend.arm.tables import A32_COND, T16, T32, TABLES, shared_space
from dbt.frontend.base import lift_insn
from dbt.frontend.decode import DecodeTable, Row
from tests.frontend.arm.differential import Comparison, insn_bytes, random_memory, random_state
from tests.frontend.arm.oracle import CODE, Oracle

ITERATIONS = int(os.environ.get("DBT_FUZZ", "4"))
INTEGER_MODULES = {
    "data_processing", "multiply", "saturate", "parallel", "bitfield", "load_store", "load_store_multiple", "branch", "synchronization", "system",
}  # fmt: skip
MEMORY_MODULES = {"load_store", "load_store_multiple", "synchronization", "branch"}

# Known differences: function -> (what the oracle does, why ours is right).
KNOWN = {
    "yield_": ("stopped by goto, the oracle by undefined", "the oracle stops at YIELD and WFE with an internal exception"),
    "strex": ("stopped by fault, the oracle by goto", "without a reservation the oracle never looks at the address"),
    "stlex": ("stopped by fault, the oracle by goto", "without a reservation the oracle never looks at the address"),
}
KNOWN.update(dict.fromkeys(
    ("stl", "lda", "ldrd_imm", "ldrd_reg", "strd_imm", "strd_reg", "ldm", "stm", "ldm_t16", "stm_t16", "push_t16", "pop_t16"),
    ("stopped by fault, the oracle by goto", "the oracle is an older QEMU that lets these accesses be misaligned"),
))  # fmt: skip
UNCOMPARED = {
    "it": "the oracle runs an IT block as one instruction: see test_it_blocks",
}


def _module(row: Row) -> str:
    return row.module.rsplit(".", 1)[1]


def _cases() -> list[tuple[DecodeTable, Row]]:
    return [(table, row) for table in TABLES for row in table.rows if _module(row) in INTEGER_MODULES]


CASES = [(table, row) for table, row in _cases() if row.name not in UNCOMPARED]


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return Oracle()


@pytest.fixture
def unpredictable(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Grows whenever the frontend takes an encoding as UNPREDICTABLE."""
    seen: list[bool] = []
    original = Context.unpredictable

    def noted(self: Context) -> None:
        seen.append(True)
        original(self)

    monkeypatch.setattr(Context, "unpredictable", noted)
    return seen


def _random_place(table: DecodeTable, rng: Random) -> tuple[int, int]:
    """A mode and a pc."""
    mode = (MODE_THUMB if table in (T16, T32) else 0) | (MODE_BIG_ENDIAN if rng.random() < 0.2 else 0)
    return mode, CODE + (rng.choice((0, 2, 6)) if mode & MODE_THUMB else 0)


def _check(oracle: Oracle, unpredictable: list[bool], table: DecodeTable, row: Row, mode: int, rng: Random, pc: int = CODE) -> bool:
    """One random encoding; True if it was compared."""
    word = table.random_insn(rng, row)
    if table is A32_COND:
        word = word & 0x0FFFFFFF | (rng.randrange(14) if rng.random() < 0.3 else 14) << 28
    code = insn_bytes(word, table in (T16, T32), row.width)
    state, memory = random_state(rng, _module(row) in MEMORY_MODULES), random_memory(rng)
    before = {slot: hex(state[slot]) for slot in state.layout.slots if slot[0] not in "dqs"}
    del unpredictable[:]
    result = Comparison(oracle, code, mode, state, memory, pc)
    if unpredictable:
        return False
    if row.name in KNOWN and result.differences == [KNOWN[row.name][0]]:
        return True
    assert not result.differences, f"{row.text}: bytes {code.hex()}, mode {mode:#x}, pc {pc:#x}: {result.differences}; before: {before}"
    return True


@pytest.mark.parametrize(("table", "row"), CASES, ids=lambda x: x.name)
def test_row(oracle: Oracle, unpredictable: list[bool], table: DecodeTable, row: Row) -> None:
    rng = Random(row.text)
    compared = 0
    for _ in range(max(ITERATIONS, 1) * 10):
        mode, pc = _random_place(table, rng)
        compared += _check(oracle, unpredictable, table, row, mode, rng, pc)
        if compared >= ITERATIONS:
            break
    assert compared, f"{row.text}: nothing but UNPREDICTABLE encodings"


@pytest.mark.fuzz
def test_fuzz(oracle: Oracle, unpredictable: list[bool], fuzz_rounds: Iterator[int]) -> None:
    for seed in fuzz_rounds:
        rng = Random(seed)
        table, row = rng.choice(CASES)
        mode, pc = _random_place(table, rng)
        _check(oracle, unpredictable, table, row, mode, rng, pc)


@pytest.mark.parametrize(("table", "row"), [(t, r) for t, r in CASES if t in (T16, T32)], ids=lambda x: x.name)
def test_row_in_it_block(oracle: Oracle, unpredictable: list[bool], table: DecodeTable, row: Row) -> None:
    """As the last instruction of an IT block (before that, the oracle would not stop)."""
    if row.name in ("cbz", "b_t1", "b_t3", "setend", "cps", "bkpt"):
        pytest.skip("UNPREDICTABLE in an IT block, or unconditional")
    rng = Random("it " + row.text)
    for _ in range(ITERATIONS):
        itstate = rng.randrange(14) << 4 | 8
        _check(oracle, unpredictable, table, row, MODE_THUMB | itstate << MODE_IT_SHIFT, rng)


def _random_word(rng: Random, thumb: bool) -> bytes:
    """A random A32 or 32-bit T32 instruction outside the VFP and Advanced SIMD space."""
    while True:
        word = rng.getrandbits(32)
        if thumb:
            if word >> 27 in (0x1D, 0x1E, 0x1F) and shared_space(word) is None:
                return insn_bytes(word, True, 32)
        else:
            word |= 0xE0000000
            kind = word >> 24 & 15
            if kind not in (12, 13, 14) and (word >> 28 == 14 or kind not in (2, 3) and (kind != 4 or word >> 20 & 1)):
                return word.to_bytes(4, "little")


@pytest.mark.parametrize("thumb", [False, True], ids=["a32", "t32"])
def test_the_same_words_are_undefined(oracle: Oracle, unpredictable: list[bool], thumb: bool) -> None:
    rng = Random(7)
    for _ in range(400 * ITERATIONS):
        code = _random_word(rng, thumb)
        row, word, _ = frontend.decode(int(thumb), code)
        if row is not None and word & row.should_mask != row.should_value or row is None and code[1] == 0xF8 and code[0] & 0x1F == 0x0F:
            continue  # should-be bits are ours to choose; the oracle has stores relative to the PC
        del unpredictable[:]
        _, lifted = lift_insn(frontend, int(thumb), code)
        asked = row is not None and row.name == "udf"
        why = oracle.run(code, int(thumb), random_state(rng, True), random_memory(rng))[0]
        if not unpredictable and (row is None or row.name != "yield_"):
            assert (lifted.undefined or asked) == (why == "undefined"), f"bytes {code.hex()} as {row}: the oracle says {why}"
