"""What the comparison with unicorn leaves out: faults, alignment, literals, conditions, FPSCR's parts and the T32 encodings."""

from __future__ import annotations

from random import Random
from struct import pack, unpack

import pytest

from dbt.abi.arm import MODE_THUMB
from dbt.abi.cpu import FP_MODE_ALT_HALF, FP_MODE_DEFAULT_NAN, FP_MODE_FLUSH_IN, FP_MODE_FLUSH_OUT
from dbt.abi.exits import FAULT_ALIGN, Exit
from dbt.abi.memory import PAGE_SIZE
from dbt.frontend.arm.tables import A32_UNCOND, match_t32
from tests.engine.harness import Harness
from tests.frontend.arm.simd_differential import rows

_DATA = 0x40000
_UNMAPPED = _DATA + PAGE_SIZE
_OLD = 0x1111111111111111


@pytest.fixture(scope="module")
def harness() -> Harness:
    made = Harness("arm", "0")
    made.put_memory({_DATA: bytes(range(256)) * (PAGE_SIZE // 256)})
    return made


def _a32(*words: int) -> bytes:
    return b"".join([word.to_bytes(4, "little") for word in words])


@pytest.mark.parametrize(
    ("word", "bytes_before"),
    [
        (0xECB90B10, 60),  # VLDMIA R9!, {D0-D7}
        (0xED390B10, -4),  # VLDMDB R9!, {D0-D7}: the last doubleword crosses
        (0xECB90A08, 28),  # VLDMIA R9!, {S0-S7}
        (0xF429070D, 4),  # VLD1.8 {D0}, [R9]!
        (0xF429000D, 24),  # VLD4.8 {D0-D3}, [R9]!
        (0xF4A9030D, 3),  # VLD4.8 {D0[0]-D3[0]}, [R9]!
        (0xF4A90F0D, 3),  # VLD4.8 {D0[]-D3[]}, [R9]!
        (0xED990B00, 4),  # VLDR D0, [R9]
    ],
)
def test_a_load_that_faults_changes_no_register(harness, word, bytes_before):
    base = _UNMAPPED - bytes_before
    reason, cpu = harness.run(_a32(word), regs={"r9": base, **{f"d{i}": _OLD for i in range(8)}})
    assert reason == Exit.MEMORY_FAULT
    assert cpu.get("r9") == base and cpu.pc == harness.end - 4
    assert {cpu.get(f"d{i}") for i in range(8)} == {_OLD}
    assert _UNMAPPED - 16 < cpu.get("fault_addr") < _UNMAPPED + 64


@pytest.mark.parametrize(
    ("word", "address", "faults"),
    [
        (0xED990B00, 4, False),  # VLDR D0, [R9] is word-aligned
        (0xED990B00, 2, True),
        (0xF429070F, 1, False),  # VLD1.8 {D0}, [R9]
        (0xF429071F, 8, False),  # VLD1.8 {D0}, [R9:64]
        (0xF429071F, 4, True),
        (0xF429023F, 16, True),  # VLD1.8 {D0-D3}, [R9:256]
        (0xF429023F, 32, False),
        (0xF4A9083F, 2, True),  # VLD1.32 {D0[0]}, [R9:32]
        (0xF4A9083F, 4, False),
        (0xF409071F, 4, True),  # VST1.8 {D0}, [R9:64]
    ],
)
def test_alignment(harness, word, address, faults):
    reason, cpu = harness.run(_a32(word), regs={"r9": _DATA + address})
    assert (reason == Exit.MEMORY_FAULT) == faults
    if faults:
        assert cpu.get("fault_info") & FAULT_ALIGN


def test_literals(harness):
    """A32: the address plus 8 and the offset; T32: the address plus 4, word-aligned, and the offset."""
    value = 0x0123456789ABCDEF
    data = value.to_bytes(8, "little")
    _, cpu = harness.run(_a32(0xED9F0B00, 0xEA000001) + data, regs={"d0": 0})  # VLDR D0, [PC]; B over the data
    assert cpu.get("d0") == value
    vldr = b"\x9f\xed\x01\x0b"
    _, cpu = harness.run(b"\x00\xbf" + vldr + b"\x03\xe0" + data, MODE_THUMB, {"d0": 0})  # NOP; VLDR D0, [PC, #4]; B
    assert harness.end % 4 == 0 and cpu.get("d0") == value


@pytest.mark.parametrize(("zf", "result"), [(0, 3.0), (1, 1.0)])
def test_conditions(harness, zf, result):
    """VADDEQ.F64 D0, D1, D1 with Z set (zf is 0) or not."""
    one, half = [int.from_bytes(pack("<d", number), "little") for number in (1.0, 1.5)]
    _, cpu = harness.run(_a32(0x0E310B01), regs={"zf": zf, "d0": one, "d1": half, "fp_mode": 0})
    assert unpack("<d", cpu.get("d0").to_bytes(8, "little"))[0] == result


@pytest.mark.parametrize(
    ("fpscr", "mode"),
    [
        (0, 0),
        (1 << 22, 1),
        (2 << 22, 2),
        (3 << 22, 3),
        (1 << 24, FP_MODE_FLUSH_IN | FP_MODE_FLUSH_OUT),
        (1 << 25, FP_MODE_DEFAULT_NAN),
        (1 << 26, FP_MODE_ALT_HALF),
    ],
)
def test_fpscr_sets_the_mode(harness, fpscr, mode):
    """VMSR FPSCR, R0; VMRS R1, FPSCR."""
    value = fpscr | 0xA8000013
    _, cpu = harness.run(_a32(0xEEE10A10, 0xEEF11A10), regs={"r0": value, "r1": 0})
    assert cpu.get("fp_mode") == mode
    assert cpu.get("fp_flags") == 0x08000013
    assert cpu.get("r1") == value


def test_trap_enables_do_not_stick(harness):
    """FPSCR bits 8 to 15 read as zero: exceptions are never trapped."""
    _, cpu = harness.run(_a32(0xEEE10A10, 0xEEF11A10), regs={"r0": 0x00009F00, "r1": 5})
    assert cpu.get("r1") == 0


def test_system_registers(harness):
    """VMRS of FPEXC is undefined at user level; MVFR0 tells of 32 doublewords with both precisions."""
    reason, _ = harness.run(_a32(0xEEF80A10))
    assert reason == Exit.EXCEPTION
    _, cpu = harness.run(_a32(0xEEF70A10), regs={"r0": 0})
    assert cpu.get("r0") & 0xFFF == 0x222


def _to_t32(word: int) -> int:
    """The T32 word of an A32 Advanced SIMD encoding (ARM ARM A6.3.18)."""
    if word >> 25 == 0xF2 >> 1:
        return 0xEF000000 | (word >> 24 & 1) << 28 | word & 0x00FFFFFF
    return 0xF9000000 | word & 0x00FFFFFF


def test_every_row_has_its_t32_encoding():
    rng = Random(1)
    for table, row in rows("asimd"):
        assert table is A32_UNCOND
        word = table.random_insn(rng, row)
        assert match_t32(_to_t32(word)) == (row, word)
