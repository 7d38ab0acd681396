"""The interpreter's dispatch: comparisons become one jump table that every case jumps through."""

import re

import llvmlite.binding as llvm
import pytest

from runtime import image
from runtime.kernels.jump_table import join

CHAINED = """define i64 @f(i64 %x, i64 %y) {
entry:
  %code = and i64 %x, 7
  switch i64 %code, label %second [
    i64 0, label %zero
    i64 1, label %zero
  ]

second:                                           ; preds = %entry
  switch i64 %code, label %other [
    i64 2, label %two
  ]

zero:                                             ; preds = %entry, %entry
  br label %end

two:                                              ; preds = %second
  br label %end

other:                                            ; preds = %second
  br label %end

end:                                              ; preds = %other, %two, %zero
  %r = phi i64 [ 10, %zero ], [ 20, %two ], [ %y, %other ]
  ret i64 %r
}
"""


def cases(text: str) -> dict[int, str]:
    return {int(number): label for number, label in re.findall(r"    i64 (\d+), label %(\S+)", text)}


def test_chained_switches_become_one_with_a_case_for_each_value() -> None:
    joined = join(CHAINED)
    llvm.parse_assembly(joined).verify()
    assert joined.count("switch ") == 1
    assert cases(joined) == {0: "zero", 1: "zero", 2: "two", **dict.fromkeys(range(3, 8), "other")}


@pytest.mark.parametrize("text", [CHAINED.replace("and i64 %x, 7", "and i64 %x, 5"), CHAINED.replace("and i64 %x, 7", "add i64 %x, 7")])
def test_without_a_mask_of_low_bits_the_default_stays(text: str) -> None:
    joined = join(text)
    llvm.parse_assembly(joined).verify()
    assert joined.count("switch ") == 1
    assert cases(joined) == {0: "zero", 1: "zero", 2: "two"}


def test_a_phi_hears_from_the_block_that_took_the_case_over() -> None:
    text = CHAINED.replace("i64 2, label %two", "i64 2, label %end").replace("[ 20, %two ]", "[ 20, %second ]")
    text = text.replace("two:                                              ; preds = %second\n  br label %end\n\n", "")
    joined = join(text)
    llvm.parse_assembly(joined).verify()
    assert "[ 20, %entry ]" in joined


def test_every_kind_of_record_has_its_own_jump_in_the_image() -> None:
    kernels = image.load()
    code = kernels._linked.code
    jumps = len(re.findall(rb"\xff[\xe0-\xe7]", code))  # jmp register
    assert jumps > 100
