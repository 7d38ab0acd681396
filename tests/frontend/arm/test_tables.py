"""The decode tables: no ambiguity, every function exists and takes its row's fields."""

import inspect
from random import Random

import pytest

from dbt.frontend.arm.tables import TABLES
from dbt.frontend.decode import DecodeError, DecodeTable, Row, overlaps

_WIDTHS = {"A32": 32, "A32 unconditional": 32, "T16": 16, "T32": 32}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_rows_do_not_overlap(table):
    assert overlaps(table.rows) == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_rows_fit_their_functions(table):
    for row in table.rows:
        assert row.width == _WIDTHS[table.name], row.text
        inspect.signature(row.call).bind(None, **row.decode(row.value))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_row_can_be_reached(table):
    rng = Random(1)
    for row in table.rows:
        table.random_insn(rng, row)


def _table(*texts):
    return DecodeTable("test", 0xF0, lambda: [Row("tests", text) for text in texts])


def test_the_more_specific_row_wins():
    table = _table("1010 Rn:4 -> general", "1010 1111 -> special")
    assert table.match(0xAF).name == "special"
    assert table.match(0xA3).name == "general"
    assert overlaps(table.rows) == []


def test_excluded_values_go_to_other_rows():
    table = _table("1010 Rn:4 -> general Rn!=3", "xxxx 0011 -> three")
    assert table.match(0xA3).name == "three"
    assert overlaps(table.rows) == []


def test_an_overlap_is_found():
    found = overlaps(_table("1010 Rn:4 -> one", "Rn:4 0011 -> other").rows)
    assert len(found) == 1
    assert "one" in found[0] and "other" in found[0]


def test_equal_rows_are_an_overlap():
    assert len(overlaps(_table("1010 Rn:4 -> one", "1010 Rm:4 -> other").rows)) == 1


def test_pieces_renames_and_constants():
    row = Row("tests", "a:2 1 b:2 0 a:2 -> f hi=2 n=b:a")
    assert row.decode(0b01_1_10_0_11) == {"hi": 2, "n": 0b10_01_11}


def test_hidden_fields_are_not_passed():
    assert Row("tests", "_n:4 m:4 -> f _n!=1").decode(0x23) == {"m": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1010 Rn:4", "has no '-> function'"),
        ("10q0 Rn:4 -> f", "neither bits nor field"),
        ("1010 Rn:4 -> f Rm!=3", "has no field Rm"),
        ("1010 Rn:4 -> f Rd=Rm", "has no field Rm"),
        ("1010 Rn:4 -> f loose", "neither name=value"),
    ],
)
def test_bad_rows_say_what_is_wrong(text, message):
    with pytest.raises(DecodeError, match=message):
        Row("tests", text)


def test_hidden_row_is_reported():
    table = _table("1010 0 n:3 -> wide", "1010 00 n:2 -> low", "1010 01 n:2 -> high")
    with pytest.raises(DecodeError, match="hide it"):
        table.random_insn(Random(1), table.match(0xA0) and next(row for row in table.rows if row.name == "wide"))
