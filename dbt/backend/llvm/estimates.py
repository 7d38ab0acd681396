"""ARM's estimates of reciprocals and of their square roots, and the Newton steps that refine them.

The estimates are nine bits of a quotient or a root of small integers (ARM ARM, RecipEstimate and RecipSqrtEstimate). Single precision gives these integers
exactly once cut off, for each of the few operands there are: a test goes through all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dbt.backend.llvm import exactness, fallback
from dbt.backend.llvm.floats import either, either_bits, numbers_of, operands_of, quick
from dbt.backend.llvm.numbers import Numbers
from dbt.backend.llvm.scalars import Lowering
from dbt.backend.llvm.text import Text, llvm_type
from dbt.backend.llvm.vectors import lanewise, splat
from dbt.ir.unit import Inst

if TYPE_CHECKING:
    from dbt.backend.llvm.region import Region

_FRACTION = 23  # bits of the fraction of binary32; the estimate's eight bits are its highest
_LOW = _FRACTION - 8
_TWO, _THREE, _HALF = "2.0", "3.0", "0.5"


def _steps(t: Text, type: str, value: str, *steps: tuple[str, int]) -> str:
    """*value* through instructions with a constant second operand."""
    for instruction, constant in steps:
        value = t.value(f"{instruction} {type} {value}, {splat(type, constant)}")
    return value


def _quotient(t: Text, type: str, numerator: str, divisor: str, root: bool) -> str:
    """*numerator* / *divisor* (integers below 2^11), or the root of that, without the fraction."""
    real = type.replace("i32", "float")
    count = type[1:].split(" x ")[0]
    value = t.value(f"fdiv {real} splat (float {numerator}), {t.value(f'sitofp {type} {divisor} to {real}')}")
    if root:
        value = t.value(f"call {real} @llvm.sqrt.v{count}f32({real} {value})")
    return t.value(f"freeze {type} {t.value(f'fptosi {real} {value} to {type}')}")


def _reciprocal(t: Text, type: str, a: str) -> str:
    """Nine bits of 1 / a for a of 256 to 511 (0.5 to 1)."""
    quotient = _quotient(t, type, "0x4120000000000000", _steps(t, type, a, ("shl", 1), ("or", 1)), root=False)  # 2^19
    return _steps(t, type, quotient, ("add", 1), ("lshr", 1))


def _reciprocal_root(t: Text, type: str, a: str) -> str:
    """Nine bits of 1 / sqrt(a) for a of 128 to 511 (0.25 to 1)."""
    small = _steps(t, type, a, ("shl", 1), ("or", 1))
    large = _steps(t, type, a, ("or", 1), ("shl", 1))
    truth = t.value(f"icmp ult {type} {a}, {splat(type, 256)}")
    divisor = t.value(f"select <{type[1:].split(' x ')[0]} x i1> {truth}, {type} {small}, {type} {large}")
    return _steps(t, type, _quotient(t, type, "0x41B0000000000000", divisor, root=True), ("add", 1), ("lshr", 1))  # 2^28


def _unsigned(estimate: Callable[[Text, str, str], str], least: int) -> Lowering:
    """The estimate of a fraction of 32 bits; all ones for one below *least*."""

    def compute(t: Text, i: Inst, y: str, v: list[str]) -> str:
        found = _steps(t, y, estimate(t, y, _steps(t, y, v[0], ("lshr", _FRACTION))), ("shl", _FRACTION))
        small = t.value(f"icmp ult {y} {v[0]}, {splat(y, least)}")
        return t.value(f"select <{i.of.bits // 32} x i1> {small}, {y} {splat(y, -1)}, {y} {found}")

    return lanewise(compute)


def _assembled(t: Text, type: str, exponent: str, estimate: str) -> str:
    """The number of a biased exponent and the estimate, whose leading one is left out."""
    fraction = _steps(t, type, estimate, ("and", 0xFF), ("shl", _LOW))
    return t.value(f"or {type} {_steps(t, type, exponent, ('shl', _FRACTION))}, {fraction}")


def _estimate_reciprocal(r: Region, inst: Inst) -> None:
    """For normal numbers whose reciprocal is normal too."""
    t, numbers = r.text, Numbers(32, inst.of.bits // 32)
    type = numbers.integer
    bits = t.cast(r.operand(inst.args[0]), llvm_type(inst.of), type)
    exponent = _steps(t, type, bits, ("lshr", _FRACTION), ("and", 0xFF))
    estimate = _reciprocal(t, type, _steps(t, type, bits, ("lshr", _LOW), ("and", 0xFF), ("or", 0x100)))
    magnitude = _assembled(t, type, t.value(f"sub {type} {numbers.splat(253)}, {exponent}"), estimate)
    result = t.value(f"or {type} {magnitude}, {_steps(t, type, bits, ('and', 1 << 31))}")
    fine = t.value(f"icmp ult {type} {_steps(t, type, exponent, ('sub', 1))}, {numbers.splat(252)}")
    either_bits(r, inst, t.cast(result, type, llvm_type(inst.of)), numbers.every(t, fine))


def _estimate_root(r: Region, inst: Inst) -> None:
    """For positive normal numbers."""
    t, numbers = r.text, Numbers(32, inst.of.bits // 32)
    type = numbers.integer
    bits = t.cast(r.operand(inst.args[0]), llvm_type(inst.of), type)
    exponent = _steps(t, type, bits, ("lshr", _FRACTION))  # with the sign above it
    odd = t.value(f"icmp ne {type} {_steps(t, type, exponent, ('and', 1))}, zeroinitializer")
    whole, half = _steps(t, type, bits, ("lshr", _LOW), ("and", 0xFF), ("or", 0x100)), _steps(t, type, bits, ("lshr", _LOW + 1), ("and", 0x7F), ("or", 0x80))
    estimate = _reciprocal_root(t, type, t.value(f"select {numbers.truth} {odd}, {type} {half}, {type} {whole}"))
    result = _assembled(t, type, _steps(t, type, t.value(f"sub {type} {numbers.splat(380)}, {exponent}"), ("lshr", 1)), estimate)
    fine = t.value(f"icmp ult {type} {_steps(t, type, exponent, ('sub', 1))}, {numbers.splat(254)}")
    either_bits(r, inst, t.cast(result, type, llvm_type(inst.of)), numbers.every(t, fine))


def _newton_step(r: Region, inst: Inst) -> None:
    """2 - a * b, or (3 - a * b) / 2, as arithmetic in the standard environment (see ``floats``): neither the product nor the result may be special."""
    t, numbers = r.text, numbers_of(inst)
    if numbers is None or numbers.bits != 32 or not inst.attr("std"):
        fallback.lower(r, inst)
        return
    root, real = inst.op.name == "vfrsqrts", numbers.real
    a, b = operands_of(r, inst, numbers)
    product = t.value(f"fmul {real} {a}, {b}")
    result = t.value(f"fsub {real} {numbers.number(_THREE if root else _TWO)}, {product}")
    fine = t.value(f"or {numbers.truth} {numbers.normal(t, product)}, {exactness.zero(t, numbers, 'fmul', [a, b, product])}")
    difference = t.value(f"or {numbers.truth} {numbers.normal(t, result)}, {numbers.is_zero(t, result)}")
    fine = numbers.both(t, fine, difference, *[numbers.not_denormal(t, operand) for operand in (a, b)])
    if root:
        result = t.value(f"fmul {real} {result}, {numbers.number(_HALF)}")
    inexact = quick(r, rounding=True, inexact=True, standard=True)
    either(r, inst, numbers, result, t.value(f"and i1 {inexact}, {numbers.every(t, fine)}"))


PURE: dict[str, Lowering] = {"vurecpe": _unsigned(_reciprocal, 1 << 31), "vursqrte": _unsigned(_reciprocal_root, 1 << 30)}
ROWS: dict[str, Callable[[Region, Inst], None]] = {
    "vfrecpe": _estimate_reciprocal,
    "vfrsqrte": _estimate_root,
    **dict.fromkeys(("vfrecps", "vfrsqrts"), _newton_step),
}
