"""The builder's methods, made from the opcode table, and what they say to a wrong call."""

from __future__ import annotations

import pytest

from dbt.ir.builder import Builder, IRError
from dbt.ir.text import print_unit
from dbt.ir.types import F32, I1, I32, I64, V64
from dbt.ir.unit import Unit
from dbt.ir.verify import verify

SLOTS = {"r0": (0, I32), "cf": (8, I1)}


@pytest.fixture
def b() -> Builder:
    return Builder(Unit("arm"), {name: type for name, (_, type) in SLOTS.items()})


def test_a_small_unit(b: Builder) -> None:
    x = b.getreg("r0")
    later = b.new_label()
    b.putreg("cf", b.ult(b.and_(x, 0xFF), 7))
    b.putreg("r0", -1)
    b.br(then=later)
    assert b.done
    b.start(later)
    assert not b.done
    b.put(b.ld(I32, x, align=4), slot="r0")
    b.goto(b.pcadd(I32, value=4), 0)
    assert verify(b.unit, SLOTS) == []
    assert print_unit(b.unit) == """\
unit unit arch=arm
b0:
  %0:i32 = get.i32 r0
  %1:i32 = const.i32 0xff
  %2:i32 = and.i32 %0, %1
  %3:i32 = const.i32 0x7
  %4:i1 = ult.i32 %2, %3
  put.i1 %4, cf
  %5:i32 = const.i32 0xffffffff
  put.i32 %5, r0
  br b1
b1:
  %6:i32 = ld.i32 %0 align=4
  put.i32 %6, r0
  %7:i32 = pcadd.i32 0x4
  %8:i32 = const.i32 0x0
  goto %7, %8
"""


def test_labels_do_not_repeat(b: Builder) -> None:
    labels = [b.new_label() for _ in range(3)]
    assert len(set(labels)) == 3
    b.start(labels[0])
    with pytest.raises(ValueError, match="block b1 stands twice"):
        b.start(labels[0])


def test_wrong_calls(b: Builder) -> None:
    x, wide, bit, vector, real = b.i32(1), b.const(I64, 1), b.const(I1, 1), b.const(V64, 0), b.const(F32, 0)
    for call, message in (
        (lambda: b.add(x, wide), "add: operand 1 is i64, not i32"),
        (lambda: b.add(bit, bit), "add has no instance for i1"),
        (lambda: b.select(bit, x), "select takes 3 operands, not 2"),
        (lambda: b.add(1, 2), "add: no operand gives its type"),
        (lambda: b.vadd(vector, vector), "vadd needs the attribute 'lane'"),
        (lambda: b.vadd(vector, vector, lane=8, std=1), "vadd has no attribute std"),
        (lambda: b.ld(F32, x), "ld has no instance for f32"),
        (lambda: b.select(x, x, x), "select: operand 0 is i32, not i1"),
        (lambda: b.ftoi(I32, real, signed=1), "ftoi needs the attribute 'width'"),
    ):
        with pytest.raises(IRError, match=message):
            call()
    with pytest.raises(AttributeError, match="no IR opcode addd"):
        b.addd(x, x)
