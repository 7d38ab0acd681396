"""Saturating vector rows: the value by lanes, and the cumulative bit QC of ``fp_flags`` where any lane saturates (rarely, so out of the hot path)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dbt.abi.cpu import FP_SATURATED
from dbt.backend.llvm.text import UNLIKELY, lanes, llvm_type
from dbt.backend.llvm.vectors import intrinsic_suffix, lane_type, splat
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


ROWS: dict[str, Callable[[Region, Inst], None]] = {
    **dict.fromkeys(_SUMS, _sum),
    **dict.fromkeys(("vuqxtn", "vsqxtn", "vsqxtun"), _narrow),
    **dict.fromkeys(("vsqdmulh", "vsqrdmulh"), _high_product),
    **dict.fromkeys(("vsqabs", "vsqneg"), _magnitude),
}
