"""The decode tables: no ambiguity, every function exists and takes its row's operands, and lengths agree with the block builder's."""

from __future__ import annotations

import ctypes
import inspect
from pathlib import Path
from random import Random

import pytest

from dbt.abi.records import CODES, RECORD_BYTES
from dbt.abi.x86_length import MAX_LENGTH
from dbt.backend.tier0.encode import encode
from dbt.frontend.base import lift_insn
from dbt.frontend.x86 import FRONTENDS, tables
from dbt.frontend.x86.decode import Encoding
from dbt.frontend.x86.tables import Row, TableError, match, random_insn, rows
from tests.engine.harness import Harness
from tests.frontend.x86.matrix import document

DOCS = Path(__file__).resolve().parents[3] / "docs"
ARCHES = pytest.mark.parametrize("arch", ["i386", "x86_64"])


@ARCHES
def test_every_row_can_be_reached(arch: str) -> None:
    long = arch == "x86_64"
    rng = Random(1)
    for row in rows(long):
        e = Encoding(random_insn(rng, row, long), long)
        assert match(e, long) is row


@ARCHES
def test_rows_fit_their_functions(arch: str) -> None:
    long = arch == "x86_64"
    for row in rows(long):
        e = Encoding(random_insn(Random(2), row, long), long)
        inspect.signature(row.call).bind(None, *[code(e, 32) for code in row.codes], **row.arguments(e))


def test_overlaps_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for first, second in (
        ("00 Eb,Gb -> a", "00 Eb,Gb -> b"), ("FF /2 Ev -> a", "FF /2 mem Ev -> b"), ("50+r Zv -> a", "57 -> b"), ("0F 38 F0 Gy,Eb -> a", "F2 0F 38 F0 -> b"),
    ):  # fmt: skip
        one, other = Row("m", first), Row("m", second)
        with pytest.raises(TableError, match="overlaps"):
            tables._check(one.map, other.first, [one, other])


@pytest.mark.parametrize(("first", "second"), [
    ("FF /2 Ev -> a", "FF /3 Ev -> b"), ("8D mem Gv,M -> a", "8D reg -> b"), ("NP 0F 10 -> a", "66 0F 10 -> b"), ("06 -> a i386", "06 -> b x64"),
])  # fmt: skip
def test_different_encodings_do_not_overlap(first: str, second: str) -> None:
    assert Row("m", first).excludes(Row("m", second))


@pytest.mark.parametrize(("text", "message"), [
    ("00 Eb,Gb", "has no '-> function'"), ("Eb -> f", "does not start with an opcode"), ("00 Eb,Gq9 -> f", "'Gq9' is no operand"),
    ("00 Eb -> f loose", "'loose' is neither"),
])  # fmt: skip
def test_bad_rows_say_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        Row("m", text)


def _random_bytes(rng: Random, long: bool) -> bytes:
    """Prefixes, an opcode of any map, and what may follow."""
    prefixes = [rng.choice((0x66, 0x67, 0xF0, 0xF2, 0xF3, 0x2E, 0x64, 0x48, 0x41)) for _ in range(rng.choice((0, 0, 1, 1, 2, 3, 14, 16)))]
    escapes = rng.choice((b"", b"", b"\x0f", b"\x0f\x38", b"\x0f\x3a"))
    return (bytes(prefixes) + escapes + rng.randbytes(MAX_LENGTH))[: MAX_LENGTH + 1]


@ARCHES
def test_the_block_builder_finds_the_same_lengths(arch: str) -> None:
    harness = Harness(arch)
    length_of = harness.engine.image.function("x86_length", ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
    rng = Random(3)
    long = arch == "x86_64"
    for _ in range(4000):
        data = _random_bytes(rng, long)
        buffer = ctypes.create_string_buffer(data + bytes(16))
        want = FRONTENDS[arch].insn_length(0, data)
        assert length_of(ctypes.addressof(buffer), 0, len(data), int(long)) == want, data.hex()
        cut = rng.randrange(1, want + 1)  # no byte behind the limit is looked at
        got = length_of(ctypes.addressof(buffer), 0, cut, int(long))
        assert got == want if cut == want else cut < got <= MAX_LENGTH, (data.hex(), cut)
    harness.close()


@ARCHES
def test_too_long_is_a_protection_fault_and_cut_off_is_undefined(arch: str) -> None:
    frontend = FRONTENDS[arch]
    assert frontend.insn_length(0, b"\x66" * 15) == MAX_LENGTH
    assert frontend.insn_length(0, b"\x81\xc0\x01") > 3


@ARCHES
def test_every_row_has_records(arch: str) -> None:
    long = arch == "x86_64"
    rng = Random(4)
    for row in rows(long):
        unit, lifted = lift_insn(FRONTENDS[arch], 0, random_insn(rng, row, long))
        assert encode(unit, lifted.length, lifted.next_mode, lifted.ends).records or row.name in ("nop", "nop_or_xchg", "prefetch"), row.text


def test_the_instruction_matrix_is_current() -> None:
    assert (DOCS / "x86-instructions.md").read_text() == document(), "run: python -m tests.frontend.x86.matrix > docs/x86-instructions.md"


@ARCHES
@pytest.mark.parametrize("offset", [-4, -3, -2, 5])
def test_both_ways_of_a_conditional_jump_leave(arch: str, offset: int) -> None:
    """Also to the byte before the instruction, whose distance is -1."""
    unit, lifted = lift_insn(FRONTENDS[arch], 0, bytes([0x70, offset & 0xFF]))
    records = encode(unit, lifted.length, lifted.next_mode, lifted.ends).records
    codes = [int.from_bytes(records[at : at + 2], "little") for at in range(0, len(records), RECORD_BYTES)]
    assert codes.count(CODES["goto"]) == 2
