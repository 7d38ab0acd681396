"""The verifier finds each kind of mistake, and all of them at once."""

from __future__ import annotations

import pytest

from dbt.abi.archs import LAYOUTS
from dbt.ir.optable import OPS
from dbt.ir.text import parse_unit
from dbt.ir.types import I32, VOID
from dbt.ir.unit import Inst, Unit
from dbt.ir.verify import VerifyError, check, verify

SLOTS = LAYOUTS["arm"].slots
HEAD = """unit x arch=arm
b0:
  %0:i32 = const.i32 0x0
  %1:i1 = const.i1 0x1
  %2:i64 = const.i64 0x0
  %3:v64 = const.v64 0x0
"""
TAIL = "  goto %0, %0\n"


def findings(body: str) -> list[str]:
    return [str(finding) for finding in verify(parse_unit(HEAD + body), SLOTS)]


def test_good_unit() -> None:
    assert findings(TAIL) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%9:i32 = add.i32 %0, %1", "b0[4] add: operand 1 is i1, not i32"),
        ("%9:i32 = ld.i32 %3", "b0[4] ld: operand 0 is v64, not an address (i32 or i64)"),
        ("%9:f32 = fcvt.f32 %0", "b0[4] fcvt: operand 0 is i32, not f32 or f64"),
        ("%9:f32 = itof.f32 %3 signed=1", "b0[4] itof: operand 0 is v64, not an integer"),
        ("%9:i32 = zext.i32 %2", "b0[4] zext: i64 is not narrower than i32"),
        ("%9:i32 = trunc.i32 %1", "b0[4] trunc: i1 is not wider than i32"),
        ("%9:i32 = bitcast.i32 %2", "b0[4] bitcast: i64 and i32 differ in width"),
        ("%9:i32 = vget.i32 %2 lane=8 index=0", "b0[4] vget: i64 is no vector"),
        ("%9:i32 = vget.i32 %3 lane=8 index=8", "b0[4] vget: index is 8, not between 0 and 7"),
        ("%9:i32 = get.i32 r99", "b0[4] get: arm has no slot r99"),
        ("put.i64 %2, r0", "b0[4] put: slot r0 is i32, i64 has another size"),
        ("%9:i32 = ld.i32 %0 align=3", "b0[4] ld: align is 3, not a power of two up to 32"),
        ("%9:v64 = vadd.v64 %3, %3 lane=12", "b0[4] vadd: lane is 12, not one of 8, 16, 32, 64"),
        ("%9:v64 = vshl.v64 %3 lane=8 imm=9", "b0[4] vshl: imm is 9, not between 0 and 8"),
        ("%9:v64 = vshuf.v64 %3, %3 perm=(1,2)", "b0[4] vshuf: perm is (1, 2), not a tuple of 8 byte numbers"),
        ("%9:v64 = vshuf.v64 %3, %3 perm=(0,1,2,3,4,5,6,16)", "b0[4] vshuf: perm names a byte outside 0 to 15"),
        ("fence order=relaxed", "b0[4] fence: order is 'relaxed', not one of acquire, release, seq_cst"),
        ("%9:i1 = const.i1 2", "b0[4] const: value is 0x2, which does not fit i1"),
        ("--- 0x10 length=16 mode=0", "b0[4] mark: length is 16, not between 0 and 15"),
        ("goto %0, %0", "b0[4] goto: a terminator stands before the end of the block"),
    ],
)
def test_one_mistake(line: str, message: str) -> None:
    assert findings(f"  {line}\n{TAIL}") == [message]


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        ("", "b0: the block does not end in a terminator"),
        ("  br b7\n", "b0[4] br: no block is called b7"),
        ("  brif %0, b0, b0\n", "b0[4] brif: operand 0 is i32, not i1"),
        ("  goto %0, %0 hint=ret\n", "b0[4] goto: hint is 'ret', not one of jump, call, next"),
        ("  goto_ind %0, %0 hint=next\n", "b0[4] goto_ind: hint is 'next', not one of jump, call, ret"),
        ("  %9:i32 = get.i32 r0\n  goto %9, %0\n", "b0[5] goto: the address must be a const or a pcadd; use goto_ind"),
        ("  --- 0x0 length=4 mode=0\n  --- 0x4 length=4 mode=0\n  goto %0, %0 hint=next\n", "b0[6] goto: hint=next is for units of one instruction"),
        ("  %9:i32 = not.i32 %8\n  %8:i32 = not.i32 %0\n" + TAIL, "b0[4] not: operand 0, defined in b0, does not dominate its use"),
        ("  brif %1, b1, b2\nb1:\n  %9:i32 = not.i32 %0\n  br b2\nb2:\n  put.i32 %9, r0\n" + TAIL,
         "b2[0] put: operand 0, defined in b1, does not dominate its use"),
        ("  br b1\nb1: entry\n  put.i32 %0, r0\n  halt %0, %0\n", "b1[0] put: operand 0, defined in b0, does not dominate its use"),
    ],
)
def test_one_mistake_in_the_flow(tail: str, message: str) -> None:
    assert message in findings(tail)


def test_all_findings_are_reported() -> None:
    text = f"  %9:i32 = add.i32 %0, %1\n  %10:i32 = get.i32 r99\n  goto %0, %0\n{TAIL}b1:\n"
    assert len(findings(text)) == 4


def test_object_mistakes() -> None:
    """What the text form cannot even say."""
    unit = Unit("arm")
    assert [finding.sentence for finding in verify(unit)] == ["the unit has no block"]
    zero = Inst(OPS["const"], I32, (), (0,))
    unit.block("b0").insts = [zero, zero, Inst(OPS["add"], VOID, (zero, zero)), Inst(OPS["br"], I32, (), ("b0",))]
    unit.entries = ["b9"]
    sentences = [finding.sentence for finding in verify(unit)]
    assert "the same instruction object stands twice in the unit" in sentences
    assert "there is no instance for void" in sentences
    assert "the row has no type suffix, but the operation has i32" in sentences
    assert "entry b9 is no block" in sentences


def test_check() -> None:
    with pytest.raises(VerifyError, match="unit x is malformed:\nb0: the block does not end in a terminator"):
        check(parse_unit(HEAD), SLOTS)
