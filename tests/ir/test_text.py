"""The text form: round trip, what it looks like, and what the parser says to malformed text."""

from __future__ import annotations

from random import Random

import pytest

from dbt.abi.archs import LAYOUTS
from dbt.ir.random_ir import COMPUTING, random_unit
from dbt.ir.text import ParseError, parse_unit, print_unit
from dbt.ir.verify import verify

SLOTS = {name: slot for name, slot in LAYOUTS["arm"].slots.items() if name != "fp_mode"}

EXAMPLE = """\
unit block_10084 arch=arm
b0:
  --- 0x10084 length=4 mode=0
  %0:i32 = get.i32 r1
  %1:i32 = const.i32 0x4
  %2:i32 = add.i32 %0, %1
  %3:i32 = ld.i32 %2 align=4
  %4:i32 = pcadd.i32 -8
  %5:v64 = const.v64 0x0
  %6:v64 = vshuf.v64 %5, %5 perm=(0,1,2,3,12,13,14,15)
  put.i32 %3, r0
  %7:i1 = eq.i32 %3, %1
  brif %7, b1, b2
b1: entry
  fence order=acquire
  goto %4, %1 hint=call
b2:
  exception %4, %1 kind=undefined
"""


def test_example_round_trip() -> None:
    assert print_unit(parse_unit(EXAMPLE)) == EXAMPLE


def test_spacing_numbers_and_comments_do_not_matter() -> None:
    text = EXAMPLE.replace("%1", "%41").replace("  ", "\t").replace("align=4", "align=4   ; a load").replace("\nb1", "\n\n; cold\nb1")
    assert print_unit(parse_unit(text)) == EXAMPLE


def test_comment_for_an_instruction() -> None:
    text = print_unit(parse_unit(EXAMPLE), lambda inst: "ldr r0, [r1, #4]" if inst.op.name == "mark" else None)
    assert "--- 0x10084 length=4 mode=0                     ; ldr r0, [r1, #4]\n" in text
    assert print_unit(parse_unit(text)) == EXAMPLE


@pytest.mark.parametrize("seed", range(12))
def test_random_round_trip(seed: int) -> None:
    """Units of all computing rows, floating point and vectors included, are well-formed and survive the round trip."""
    unit = random_unit(Random(seed), SLOTS, size=200, blocks=4, rows=COMPUTING, memory=(0x1000, 64), loops=True)
    assert verify(unit, SLOTS) == []
    text = print_unit(unit)
    assert print_unit(parse_unit(text)) == text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%0:i32 = addd.i32 %0, %0", "line 3: no opcode 'addd'"),
        ("%0:i32 = add.i8 %0, %0", "line 3: add has no instance 'i8'; it has i32, i64"),
        ("%0:i32 = add %0, %0", "line 3: add has no instance ''"),
        ("br.i32 b0", "line 3: br has no instance 'i32'; it has none"),
        ("%0:i32 = add.i32 %0", "line 3: add takes 2 operands, not 1"),
        ("add.i32 %0, %0", "line 3: add gives a value"),
        ("%0:i32 = br b0", "line 3: br gives no value"),
        ("%0:i64 = const.i32 1", "line 3: const gives i32, not i64"),
        ("%0:i32 = const.i32", "line 3: const needs the attribute value"),
        ("%0:i32 = const.i32 1 2", "line 3: const does not take '2'"),
        ("br b0 align=4", "line 3: br has no attribute align"),
        ("x = const.i32 1", "line 3: 'x' is no value; write %NUMBER:TYPE"),
        ("put.i32 %9, r0", "line 3: %9 is not defined"),
        ("%0:i32 = const.i32 1\n%0:i32 = const.i32 1", "line 4: %0 is defined twice"),
        ("b0:", "line 3: block b0 stands twice"),
        ("%0:v64 = vshuf.v64 %0, %0 perm=(1,x)", r"line 3: '\(1,x\)' is no list of numbers"),
        ("---", "line 3: mark needs the attribute pc"),
    ],
)
def test_malformed(line: str, message: str) -> None:
    with pytest.raises(ParseError, match=message):
        parse_unit(f"unit x arch=arm\nb0:\n{line}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected 'unit NAME arch=ARCH'; the text is empty"),
        ("b0:", "line 1: expected 'unit NAME arch=ARCH', not 'b0:'"),
        ("unit x", "line 1: expected 'unit NAME arch=ARCH'"),
        ("unit x arch=arm\nbr b0", "line 2: an operation before the first block label"),
    ],
)
def test_malformed_header(text: str, message: str) -> None:
    with pytest.raises(ParseError, match=message):
        parse_unit(text)
