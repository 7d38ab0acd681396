"""VFP against unicorn: every row with random encodings and states, in plain Python (moves, loads, stores) and on tier 0."""

from __future__ import annotations

import struct

import pytest

from dbt.abi.arm import MODE_BIG_ENDIAN
from dbt.frontend.arm.vfp_data import expand_imm
from dbt.ir.types import F32, F64
from tests.frontend.arm.simd_differential import ITERATIONS, check, row_id, rows

ROWS = rows("vfp", "fp_")
_MOVES = rows("vfp_transfer", "fp_load_store")


@pytest.mark.parametrize(("table", "row"), _MOVES, ids=row_id)
def test_moves_in_python(table, row, simd_oracle, simd_evaluator):
    check(table, row, simd_oracle, simd_evaluator, max(2, ITERATIONS // 4))


@pytest.mark.parametrize(("table", "row"), ROWS, ids=row_id)
def test_rows_on_tier_0(table, row, simd_oracle, tier0):
    check(table, row, simd_oracle, lambda word, unit, before: tier0.run(word, before), 2 * ITERATIONS, seed=2)


@pytest.mark.parametrize(("table", "row"), ROWS, ids=row_id)
def test_rows_on_tier_1(table, row, simd_oracle, tier1):
    check(table, row, simd_oracle, lambda word, unit, before: tier1.run(word, before), max(1, ITERATIONS // 8), seed=3)


@pytest.mark.parametrize(("table", "row"), rows("fp_load_store"), ids=row_id)
def test_big_endian_data(table, row, simd_oracle, tier0):
    check(table, row, simd_oracle, lambda word, unit, before: tier0.run(word, before, MODE_BIG_ENDIAN), ITERATIONS, seed=4, mode=MODE_BIG_ENDIAN)


@pytest.mark.parametrize("imm8", range(256))
def test_expand_imm(imm8):
    """(-1)^s * (16 + fraction) / 16 * 2^(exponent), exponent from -3 to 4."""
    exponent = (imm8 >> 4 & 7 ^ 4) - 3
    number = (16 + (imm8 & 15)) / 16 * 2.0**exponent * (-1 if imm8 >> 7 else 1)
    assert expand_imm(imm8, F32) == int.from_bytes(struct.pack("<f", number), "little")
    assert expand_imm(imm8, F64) == int.from_bytes(struct.pack("<d", number), "little")
