"""Advanced SIMD against unicorn: every row with random encodings and states, in plain Python and on tier 0."""

from __future__ import annotations

import pytest

from dbt.abi.arm import MODE_BIG_ENDIAN, MODE_THUMB
from dbt.frontend.arm import frontend
from dbt.frontend.arm.asimd_modified_imm import expand_imm
from dbt.frontend.base import lift_insn
from tests.frontend.arm.simd_differential import ITERATIONS, check, row_id, rows

ROWS = rows("asimd")


@pytest.mark.parametrize(("table", "row"), ROWS, ids=row_id)
def test_rows_in_python(table, row, simd_oracle, simd_evaluator):
    check(table, row, simd_oracle, simd_evaluator, max(2, ITERATIONS // 4))


@pytest.mark.parametrize(("table", "row"), ROWS, ids=row_id)
def test_rows_on_tier_0(table, row, simd_oracle, tier0):
    check(table, row, simd_oracle, lambda word, unit, before: tier0.run(word, before), ITERATIONS, seed=2)


@pytest.mark.parametrize(("table", "row"), ROWS, ids=row_id)
def test_rows_on_tier_1(table, row, simd_oracle, tier1):
    check(table, row, simd_oracle, lambda word, unit, before: tier1.run(word, before), max(1, ITERATIONS // 8), seed=3)


@pytest.mark.parametrize(("table", "row"), rows("asimd_load_store"), ids=row_id)
def test_big_endian_data(table, row, simd_oracle, tier0):
    check(table, row, simd_oracle, lambda word, unit, before: tier0.run(word, before, MODE_BIG_ENDIAN), ITERATIONS, seed=4, mode=MODE_BIG_ENDIAN)


@pytest.mark.parametrize(
    ("op", "cmode", "imm8", "value"),
    [
        (0, 0b0000, 0xAB, 0x000000AB_000000AB),
        (0, 0b0110, 0xAB, 0xAB000000_AB000000),
        (0, 0b1010, 0xAB, 0xAB00_AB00_AB00_AB00),
        (0, 0b1100, 0xAB, 0x0000ABFF_0000ABFF),
        (0, 0b1101, 0xAB, 0x00ABFFFF_00ABFFFF),
        (0, 0b1110, 0xAB, 0xABABABAB_ABABABAB),
        (1, 0b1110, 0b10100101, 0xFF00FF00_00FF00FF),
        (0, 0b1111, 0x70, 0x3F800000_3F800000),  # 1.0
        (0, 0b1111, 0x80, 0xC0000000_C0000000),  # -2.0
    ],
)
def test_expand_imm(op, cmode, imm8, value):
    assert expand_imm(op, cmode, imm8) == value


@pytest.mark.parametrize(
    "word",
    [
        0xF2001842,  # VADD.I8 Q0, Q0, Q1 with an odd Vd
        0xF2300040,  # VHADD of 64-bit lanes
        0xF2810300,  # VSUBW with an odd Vn
        0xF2B00800,  # VEXT of doublewords from byte 8
        0xF3B80C00,  # VDUP with imm4 == 1000
        0xF3BE0100,  # VUZP of 64-bit lanes
        0xF40007AF,  # VST1 of one register aligned to 16 bytes
        0xF4A00CFF,  # VLD1 to all lanes with size 3
    ],
)
def test_undefined(word):
    assert lift_insn(frontend, 0, word.to_bytes(4, "little"))[1].undefined


@pytest.mark.parametrize(
    ("a32", "t32"),
    [
        (0xF2010842, 0xEF010842),  # VADD.I8 D0, D1, D2
        (0xF3010842, 0xFF010842),  # VSUB.I8 D0, D1, D2
        (0xF4210A0F, 0xF9210A0F),  # VLD1.8 {D0, D1}, [R1]
    ],
)
def test_t32_lifts_as_a32(a32, t32):
    def ops(mode, data):
        unit, _ = lift_insn(frontend, mode, data)
        return [(inst.op.name, inst.attrs) for inst in unit.insts() if inst.op.name != "const"]

    halves = (t32 >> 16).to_bytes(2, "little") + (t32 & 0xFFFF).to_bytes(2, "little")
    assert ops(0, a32.to_bytes(4, "little")) == ops(MODE_THUMB, halves)
