"""Conversions, and rounding to integral values, inline on the terms of ``floats``: where nothing but Inexact can be raised, and that is set or does not
arise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dbt.abi.cpu import FP_MODE_ALT_HALF
from dbt.backend.llvm import fallback
from dbt.backend.llvm.floats import STRICT, either, either_bits, numbers_of, quick, reports_denormals, untouched
from dbt.backend.llvm.numbers import Numbers
from dbt.backend.llvm.text import Text, llvm_type
from dbt.ir.unit import Inst

if TYPE_CHECKING:
    from dbt.backend.llvm.region import Region

_BY_MODE, _NEAREST, _ZERO = -1, 0, 3
_ROUNDINGS = {_NEAREST: "roundeven", 1: "ceil", 2: "floor", _ZERO: "trunc", 4: "round"}
_SIGNIFICANT = {32: 24, 64: 53}  # bits of a number: integers up to 2 to that power are numbers
_HALF_BIAS, _HALF_FRACTION = 15, 10
_HALF_BITS = 16


def _attr(inst: Inst, name: str) -> int:
    value: int = inst.attr(name)  # type: ignore[assignment]
    return value


def _power_of_two(exponent: int) -> str:
    """LLVM writes floating-point constants as doubles, in hexadecimal where they must be exact."""
    return f"0x{1023 + exponent << 52:016X}"


def _numbers(inst: Inst, scalar_bits: int) -> Numbers | None:
    return numbers_of(inst) if "lane" in inst.op.attrs else Numbers(scalar_bits, 1)


def _rounding(inst: Inst) -> tuple[int, bool]:
    """(how to round, whether only because the guest's environment is to nearest)."""
    choice = _attr(inst, "round")
    return (choice, False) if choice != _BY_MODE else (_NEAREST, not inst.attr("std"))


def _exact_or_noted(r: Region, exact: str) -> str:
    """i1: *exact*, or Inexact is set already."""
    return r.text.value(f"or i1 {quick(r, rounding=False, inexact=True, standard=True)}, {exact}")


def _nearest(r: Region, good: str) -> str:
    """i1: *good*, and the guest's environment rounds to nearest."""
    return r.text.value(f"and i1 {quick(r, rounding=True, inexact=False)}, {good}")


def _precision(r: Region, inst: Inst) -> None:
    if inst.attr("std"):
        fallback.lower(r, inst)
        return
    t = r.text
    source, numbers = inst.args[0].type, Numbers(inst.of.bits, 1)
    widen = source.bits < inst.of.bits
    operand = r.operand(inst.args[0])
    wide = Numbers(source.bits, 1)
    result = _converted(r, widen, wide, numbers, operand)
    zero = wide.is_zero(t, operand)
    narrow = Numbers(32, 1)
    plain = t.value(f"or i1 {zero}, {narrow.normal(t, operand if widen else result)}")
    good = t.value(f"and i1 {quick(r, rounding=not widen, inexact=False)}, {plain}")
    if not widen:
        cut = (1 << _SIGNIFICANT[64] - _SIGNIFICANT[32]) - 1  # what a normal result loses
        lost = t.value(f"and i64 {t.cast(operand, wide.real, wide.integer)}, {cut}")
        good = t.value(f"and i1 {good}, {_exact_or_noted(r, t.value(f'icmp eq i64 {lost}, 0'))}")
    either(r, inst, numbers, result, good)


def _converted(r: Region, widen: bool, source: Numbers, target: Numbers, operand: str) -> str:
    """The host's conversion between precisions, for x86 guests one that LLVM leaves in place (``floats.computed``)."""
    if reports_denormals(r):
        arguments = f"{source.real} {operand}, {STRICT.partition(', ')[2] if widen else STRICT}"
        name = f"{'fpext' if widen else 'fptrunc'}.{target.suffix}.{source.suffix}"
        return r.text.value(f"call {target.real} @llvm.experimental.constrained.{name}({arguments}) strictfp")
    return r.text.value(f"{'fpext' if widen else 'fptrunc'} {source.real} {operand} to {target.real}")


def _from_integer(r: Region, inst: Inst) -> None:
    """Exact where the integer is small; a result is never tiny, so that a scale changes its exponent alone."""
    t, source, fbits = r.text, inst.args[0].type, _attr(inst, "fbits")
    numbers = _numbers(inst, inst.of.bits)
    rounding, by_mode = _rounding(inst)
    if numbers is None or rounding != _NEAREST:
        fallback.lower(r, inst)
        return
    signed = inst.attr("signed")
    integers = numbers if numbers.count > 1 or "lane" in inst.op.attrs else Numbers(source.bits, 1)
    operand = t.cast(r.operand(inst.args[0]), llvm_type(source), integers.integer)
    result = t.value(f"{'sitofp' if signed else 'uitofp'} {integers.integer} {operand} to {numbers.real}")
    if fbits:
        result = t.value(f"fmul {numbers.real} {result}, {numbers.number(_power_of_two(-fbits))}")
    limit = 1 << _SIGNIFICANT[numbers.bits]
    if integers.bits < _SIGNIFICANT[numbers.bits]:
        r.define(inst, t.cast(result, numbers.real, llvm_type(inst.type)))
        return
    moved = t.value(f"add {integers.integer} {operand}, {integers.splat(limit)}") if signed else operand
    small = integers.every(t, t.value(f"icmp ule {integers.integer} {moved}, {integers.splat(2 * limit if signed else limit)}"))
    good = t.value(f"or i1 {quick(r, rounding=by_mode, inexact=True, standard=not by_mode)}, {small}")
    either(r, inst, numbers, result, good)


def _rounded(t: Text, numbers: Numbers, operand: str, rounding: int) -> str:
    return t.value(f"call {numbers.real} @llvm.{_ROUNDINGS[rounding]}.{numbers.suffix}({numbers.real} {operand})")


def _to_integer(r: Region, inst: Inst) -> None:
    """In range. Unsigned: negative numbers, of which some round to zero, are the helper's."""
    t, source, fbits = r.text, inst.args[0].type, _attr(inst, "fbits")
    numbers = _numbers(inst, source.bits)
    rounding, by_mode = _rounding(inst)
    if numbers is None or (rounding != _ZERO and not r.features.rounding):
        fallback.lower(r, inst)
        return
    lanes, signed = "lane" in inst.op.attrs, bool(inst.attr("signed"))
    width = numbers.bits if lanes else _attr(inst, "width")
    integer = numbers.integer if lanes else f"i{max(32, width)}"
    operand = t.cast(r.operand(inst.args[0]), llvm_type(source), numbers.real)
    scaled = t.value(f"fmul {numbers.real} {operand}, {numbers.number(_power_of_two(fbits))}") if fbits else operand
    whole = scaled if rounding == _ZERO else _rounded(t, numbers, scaled, rounding)
    if signed:  # by integers: a comparison of numbers would set the host's flag of denormal operands, which this operation does not
        inside = t.value(f"icmp slt {numbers.integer} {numbers.magnitude(t, whole)}, {numbers.splat(numbers.power(width - 1))}")
    else:
        inside = t.value(f"fcmp olt {numbers.real} {whole}, {numbers.number(_power_of_two(width))}")
        inside = numbers.both(t, inside, t.value(f"fcmp oge {numbers.real} {scaled}, {numbers.number('0.0')}"))
    plain = signed or width < 32
    converted = t.value(f"{'fptosi' if plain else 'fptoui'} {numbers.real} {whole} to {integer}")
    clean = t.value(f"freeze {integer} {converted}")  # poison where it is not inside
    if rounding == _ZERO:
        whole = t.value(f"{'sitofp' if plain else 'uitofp'} {integer} {clean} to {numbers.real}")
    integral = numbers.every(t, numbers.same_magnitude(t, whole, scaled))
    good = t.value(f"and i1 {_exact_or_noted(r, integral)}, {untouched(r, inst, numbers, [operand], inside)}")
    if by_mode:
        good = _nearest(r, good)
    if not lanes and inst.of.bits > max(32, width):
        clean = t.value(f"{'sext' if signed else 'zext'} {integer} {clean} to i{inst.of.bits}")
        integer = f"i{inst.of.bits}"
    either_bits(r, inst, t.cast(clean, integer, llvm_type(inst.type)), good)


def _to_integral(r: Region, inst: Inst) -> None:
    t, numbers = r.text, _numbers(inst, inst.of.bits)
    if numbers is None or not r.features.rounding:
        fallback.lower(r, inst)
        return
    rounding, by_mode = _rounding(inst)
    operand = t.cast(r.operand(inst.args[0]), llvm_type(inst.of), numbers.real)
    result = _rounded(t, numbers, operand, rounding)
    good = untouched(r, inst, numbers, [operand], numbers.is_number(t, operand))  # by integers, as in _to_integer
    if inst.attr("exact"):
        integral = numbers.every(t, numbers.same_magnitude(t, result, operand))
        good = t.value(f"and i1 {good}, {_exact_or_noted(r, integral)}")
    if by_mode:
        good = _nearest(r, good)
    either(r, inst, numbers, result, good)


# Half precision -----------------------------------------------------------------------------------------------------------
def _ieee_half(r: Region) -> str:
    """i1: binary16 is IEEE's, not ARM's alternative format."""
    alternative = r.text.value(f"and i32 {r.load_field('fp_mode', 'i32')}, {FP_MODE_ALT_HALF}")
    return r.text.value(f"icmp eq i32 {alternative}, 0")


def _from_half(r: Region, inst: Inst) -> None:
    """Finite numbers: fraction and exponent in the place of those of a single, whose exponent is then put right by a product. Denormals become exact too."""
    t, singles = r.text, Numbers(32, 4 if inst.op.name == "vfcvt_h2f" else 1)
    type, source = singles.integer, inst.args[0].type
    bits = r.operand(inst.args[0])
    if singles.count > 1:
        bits = t.value(f"zext <4 x i16> {t.cast(bits, llvm_type(source), '<4 x i16>')} to {type}")
    move = _SIGNIFICANT[32] - 1 - _HALF_FRACTION
    placed = t.value(f"shl {type} {t.value(f'and {type} {bits}, {singles.splat(0x7FFF)}')}, {singles.splat(move)}")
    scaled = t.value(f"fmul {singles.real} {t.cast(placed, type, singles.real)}, {singles.number(_power_of_two(127 - _HALF_BIAS))}")
    sign = t.value(f"shl {type} {t.value(f'and {type} {bits}, {singles.splat(0x8000)}')}, {singles.splat(_HALF_BITS)}")
    result = t.cast(t.value(f"or {type} {t.cast(scaled, singles.real, type)}, {sign}"), type, singles.real)
    exponent = t.value(f"and {type} {bits}, {singles.splat(0x7C00)}")
    finite = singles.every(t, t.value(f"icmp ne {type} {exponent}, {singles.splat(0x7C00)}"))
    numbers = Numbers(inst.type.bits // singles.count, singles.count)
    if numbers.bits == 64:
        result = t.value(f"fpext float {result} to double")
    either(r, inst, numbers, result, t.value(f"and i1 {_ieee_half(r)}, {finite}"))


def _to_half(r: Region, inst: Inst) -> None:
    """Normal results and zeros, to nearest even in integers: half of what is cut off is added, less one where the last bit that stays is 0."""
    t, source = r.text, inst.args[0].type
    lanes = inst.op.name == "vfcvt_f2h"
    numbers = Numbers(32, 4) if lanes else Numbers(source.bits, 1)
    type = numbers.integer
    operand = r.operand(inst.args[0])
    bits = t.cast(operand, llvm_type(source), type)
    fraction = _SIGNIFICANT[numbers.bits] - 1
    bias, cut = (1 << numbers.bits - 2 - fraction) - 1, fraction - _HALF_FRACTION
    magnitude = t.value(f"and {type} {bits}, {numbers.splat((1 << numbers.bits - 1) - 1)}")
    odd = t.value(f"and {type} {t.value(f'lshr {type} {magnitude}, {numbers.splat(cut)}')}, {numbers.splat(1)}")
    grown = t.value(f"add {type} {t.value(f'add {type} {magnitude}, {odd}')}, {numbers.splat((1 << cut - 1) - 1)}")
    rounded = t.value(f"sub {type} {t.value(f'lshr {type} {grown}, {numbers.splat(cut)}')}, {numbers.splat(bias - _HALF_BIAS << _HALF_FRACTION)}")
    least, beyond = bias + 1 - _HALF_BIAS << fraction, (bias + _HALF_BIAS + 1 << fraction) - (1 << cut - 1)  # 2^-14; 65520, which rounds to infinity
    zero = t.value(f"icmp eq {type} {magnitude}, {numbers.splat(0)}")
    normal = t.value(f"icmp ult {type} {t.value(f'sub {type} {magnitude}, {numbers.splat(least)}')}, {numbers.splat(beyond - least)}")
    positive = t.value(f"select {numbers.truth} {zero}, {type} {numbers.splat(0)}, {type} {rounded}")
    high = t.value(f"lshr {type} {bits}, {numbers.splat(numbers.bits - _HALF_BITS)}")
    result = t.value(f"or {type} {positive}, {t.value(f'and {type} {high}, {numbers.splat(0x8000)}')}")
    rest = t.value(f"and {type} {magnitude}, {numbers.splat((1 << cut) - 1)}")
    exact = numbers.every(t, t.value(f"icmp eq {type} {rest}, {numbers.splat(0)}"))
    fine = numbers.every(t, t.value(f"or {numbers.truth} {zero}, {normal}"))
    good = t.value(f"and i1 {fine}, {t.value(f'and i1 {_ieee_half(r)}, {_exact_or_noted(r, exact)}')}")
    if not inst.attr("std"):
        good = _nearest(r, good)
    if lanes:
        result = t.cast(t.value(f"trunc {type} {result} to <4 x i16>"), "<4 x i16>", llvm_type(inst.type))
    elif numbers.bits == 64:
        result = t.value(f"trunc i64 {result} to i32")
    either_bits(r, inst, result, good)


ROWS: dict[str, Callable[[Region, Inst], None]] = {
    "fcvt": _precision,
    **dict.fromkeys(("itof", "vitof"), _from_integer),
    **dict.fromkeys(("ftoi", "vftoi"), _to_integer),
    **dict.fromkeys(("frint", "vfrint"), _to_integral),
    **dict.fromkeys(("fcvt_h2f", "vfcvt_h2f"), _from_half),
    **dict.fromkeys(("fcvt_f2h", "vfcvt_f2h"), _to_half),
}
