"""Saturating vector rows: the value by lanes, and the cumulative bit QC of ``fp_flags`` where any lane saturates (rarely, so out of the hot path)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dbt.abi.cpu import FP_SATURATED
from dbt.backend.llvm.text import UNLIKELY, lanes, llvm_type
from dbt.backend.llvm.vectors import counts, intrinsic_suffix, lane_type, shifted_right, splat
from dbt.ir.unit import Inst

if TYPE_CHECKING:
    from dbt.backend.llvm.region import Region

_SUMS = {"vuqadd": ("uadd", "add"), "vsqadd": ("sadd", "add"), "vuqsub": ("usub", "sub"), "vsqsub": ("ssub", "sub")}


def _finish(r: Region, inst: Inst, type: str, result: str, saturated: str) -> None:
    """*inst* is *result* (of LLVM type *type*); *saturated* has an i1 for each lane."""
    t = r.text
    count = int(type[1:].split(" x ")[0])
    r.define(inst, t.cast(result, type, llvm_type(inst.type)))
    any_lane = t.value(f"icmp ne i{count} {t.value(f'bitcast <{count} x i1> {saturated} to i{count}')}, 0")
    note, done = t.new_label("saturated"), t.new_label("done")
    t.do(f"br i1 {any_lane}, label %{note}, label %{done}{UNLIKELY}")
    t.label(note)
    flags = r.load_field("fp_flags", "i32")
    r.store_field("fp_flags", t.value(f"or i32 {flags}, {FP_SATURATED}"), "i32")
    t.do(f"br label %{done}")
    t.label(done)


def _operands(r: Region, inst: Inst, type: str) -> list[str]:
    return [r.text.cast(r.operand(arg), llvm_type(arg.type), type) for arg in inst.args]


def _sum(r: Region, inst: Inst) -> None:
    t, type = r.text, lane_type(inst)
    a, b = _operands(r, inst, type)
    saturating, plain = _SUMS[inst.op.name]
    result = t.value(f"call {type} @llvm.{saturating}.sat.{intrinsic_suffix(type)}({type} {a}, {type} {b})")
    _finish(r, inst, type, result, t.value(f"icmp ne {type} {result}, {t.value(f'{plain} {type} {a}, {b}')}"))


def _narrow(r: Region, inst: Inst) -> None:
    """The wide lane, held between the least and the greatest number of the narrow one."""
    t, lane = r.text, int(inst.attr("lane"))  # type: ignore[call-overload]
    wide, narrow = lanes(128, 2 * lane), lanes(64, lane)
    (operand,) = _operands(r, inst, wide)
    signed = inst.op.name == "vsqxtn"
    greatest = (1 << lane - signed) - 1
    kind = "u" if inst.op.name == "vuqxtn" else "s"
    held = t.value(f"call {wide} @llvm.{kind}min.{intrinsic_suffix(wide)}({wide} {operand}, {wide} {splat(wide, greatest)})")
    if kind == "s":
        least = splat(wide, -greatest - 1 if signed else 0)
        held = t.value(f"call {wide} @llvm.smax.{intrinsic_suffix(wide)}({wide} {held}, {wide} {least})")
    _finish(r, inst, narrow, t.value(f"trunc {wide} {held} to {narrow}"), t.value(f"icmp ne {wide} {held}, {operand}"))


def _high_product(r: Region, inst: Inst) -> None:
    """High half of twice the product: only the square of the least number does not fit."""
    t, lane, type = r.text, int(inst.attr("lane")), lane_type(inst)  # type: ignore[call-overload]
    wide = lanes(2 * inst.of.bits, 2 * lane)
    operands = _operands(r, inst, type)
    x, y = (t.value(f"sext {type} {operand} to {wide}") for operand in operands)
    product = t.value(f"mul {wide} {x}, {y}")
    if inst.op.name == "vsqrdmulh":
        product = t.value(f"add {wide} {product}, {splat(wide, 1 << lane - 2)}")
    high = t.value(f"trunc {wide} {t.value(f'ashr {wide} {product}, {splat(wide, lane - 1)}')} to {type}")
    least = -(1 << lane - 1)
    x_least, y_least = (t.value(f"icmp eq {type} {operand}, {splat(type, least)}") for operand in operands)
    count = inst.of.bits // lane
    both = t.value(f"and <{count} x i1> {x_least}, {y_least}")
    _finish(r, inst, type, t.value(f"select <{count} x i1> {both}, {type} {splat(type, -least - 1)}, {type} {high}"), both)


def _magnitude(r: Region, inst: Inst) -> None:
    """Absolute value or negation: that of the least number does not fit."""
    t, type = r.text, lane_type(inst)
    (operand,) = _operands(r, inst, type)
    least = -(1 << int(inst.attr("lane")) - 1)  # type: ignore[call-overload]
    is_least = t.value(f"icmp eq {type} {operand}, {splat(type, least)}")
    plain = (t.value(f"call {type} @llvm.abs.{intrinsic_suffix(type)}({type} {operand}, i1 false)") if inst.op.name == "vsqabs"
             else t.value(f"sub {type} zeroinitializer, {operand}"))  # fmt: skip
    count = int(type[1:].split(" x ")[0])
    _finish(r, inst, type, t.value(f"select <{count} x i1> {is_least}, {type} {splat(type, -least - 1)}, {type} {plain}"), is_least)


def _shift(r: Region, inst: Inst) -> None:
    """By the signed low byte of each lane: to the left, a lane that does not come back the same saturates."""
    t, type, lane = r.text, lane_type(inst), int(inst.attr("lane"))  # type: ignore[call-overload]
    a, amounts = _operands(r, inst, type)
    signed, rounding = inst.op.name.startswith("vs"), "r" in inst.op.name
    truth, right = f"<{inst.of.bits // lane} x i1>", "ashr" if signed else "lshr"
    count = counts(t, type, lane, amounts)
    limit = splat(type, -1)
    if signed:
        limit = t.value(f"xor {type} {t.value(f'ashr {type} {a}, {splat(type, lane - 1)}')}, {splat(type, (1 << lane - 1) - 1)}")
    left = t.value(f"shl {type} {a}, {count}")
    fits = t.value(f"icmp ult {type} {count}, {splat(type, lane)}")
    changed = t.value(f"icmp ne {type} {t.value(f'{right} {type} {left}, {count}')}, {a}")
    something = t.value(f"icmp ne {type} {a}, zeroinitializer")
    lost = t.value(f"select {truth} {fits}, {truth} {changed}, {truth} {something}")
    held = t.value(f"select {truth} {lost}, {type} {limit}, {type} {t.value(f'select {truth} {fits}, {type} {left}, {type} zeroinitializer')}")
    backwards = t.value(f"icmp slt {type} {count}, zeroinitializer")
    result = t.value(f"select {truth} {backwards}, {type} {shifted_right(t, type, a, count, right, rounding)}, {type} {held}")
    _finish(r, inst, type, result, t.value(f"select {truth} {backwards}, {truth} zeroinitializer, {truth} {lost}"))


def _to_unsigned_shift(r: Region, inst: Inst) -> None:
    """Left by ``imm``: 0 for a negative lane, the greatest number for one that does not come back the same."""
    t, type, lane, imm = r.text, lane_type(inst), int(inst.attr("lane")), int(inst.attr("imm"))  # type: ignore[call-overload]
    (a,) = _operands(r, inst, type)
    truth = f"<{inst.of.bits // lane} x i1>"
    left = back = "zeroinitializer"
    if imm < lane:
        left = t.value(f"shl {type} {a}, {splat(type, imm)}")
        back = t.value(f"lshr {type} {left}, {splat(type, imm)}")
    negative, lost = t.value(f"icmp slt {type} {a}, zeroinitializer"), t.value(f"icmp ne {type} {a}, {back}")
    held = t.value(f"select {truth} {lost}, {type} {splat(type, -1)}, {type} {left}")
    _finish(r, inst, type, t.value(f"select {truth} {negative}, {type} zeroinitializer, {type} {held}"), t.value(f"or {truth} {negative}, {lost}"))


ROWS: dict[str, Callable[[Region, Inst], None]] = {
    **dict.fromkeys(_SUMS, _sum),
    **dict.fromkeys(("vuqxtn", "vsqxtn", "vsqxtun"), _narrow),
    **dict.fromkeys(("vsqdmulh", "vsqrdmulh"), _high_product),
    **dict.fromkeys(("vsqabs", "vsqneg"), _magnitude),
    **dict.fromkeys(("vuqshlv", "vsqshlv", "vuqrshlv", "vsqrshlv"), _shift),
    "vsqshlu": _to_unsigned_shift,
}
