"""Floating point inline: the host's instruction where it gives the guest's result and no flag changes, the helper ``op`` elsewhere.

The idea ("hardfloat"): status flags are cumulative. Once Inexact is set, an operation whose result is a normal number can raise nothing new, and in
round-to-nearest the host computes the very same bits. While Inexact is not set, the operation's rounding error is computed too: if it is zero, nothing
is raised either (programs that keep integers in doubles stay there for long).

A result beyond the smallest normal number and below infinity proves that no operand was a NaN or an infinity and that nothing overflowed or was tiny,
so one check of the result is enough. Denormal operands are right too unless the environment flushes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dbt.abi.cpu import FP_INEXACT, FP_MODE_FLUSH_IN, FP_MODE_RMODE
from dbt.backend.llvm import fallback
from dbt.backend.llvm.text import LIKELY, llvm_type
from dbt.ir.types import Type
from dbt.ir.unit import Inst

if TYPE_CHECKING:
    from dbt.backend.llvm.region import Region

_EXPONENT_BITS = {32: 8, 64: 11}
_INTRINSICS = {"fsqrt": "sqrt", "fma": "fma"}
_TWO_TO_31 = "0x41E0000000000000"  # LLVM writes float constants as doubles, in hexadecimal where they must be exact
ROUND_BY_MODE, ROUND_NEAREST, ROUND_ZERO = -1, 0, 3


def quick(r: Region, *, rounding: bool, inexact: bool) -> str:
    """i1: the environment allows the host's instruction: operands are not flushed, and if asked for, rounding is to nearest and Inexact is set already."""
    forbidden = FP_MODE_FLUSH_IN | (FP_MODE_RMODE if rounding else 0)
    found = r.environment.get((rounding, inexact))
    if found is None:
        t = r.text
        bad = t.value(f"and i32 {r.load_field('fp_mode', 'i32')}, {forbidden}")
        if inexact:
            flags = t.value(f"and i32 {r.load_field('fp_flags', 'i32')}, {FP_INEXACT}")
            bad = t.value(f"or i32 {bad}, {t.value(f'xor i32 {flags}, {FP_INEXACT}')}")
        found = r.environment[rounding, inexact] = t.value(f"icmp eq i32 {bad}, 0")
    return found


def is_normal(r: Region, operand: str, type: Type) -> str:
    """i1: the magnitude lies between the smallest normal number and infinity, both excluded."""
    t, n = r.text, type.bits
    fraction = n - 1 - _EXPONENT_BITS[n]
    smallest, infinity = 1 << fraction, ((1 << _EXPONENT_BITS[n]) - 1) << fraction
    magnitude = t.value(f"and i{n} {t.cast(operand, llvm_type(type), f'i{n}')}, {(1 << n - 1) - 1}")
    above = t.value(f"sub i{n} {magnitude}, {smallest + 1}")
    return t.value(f"icmp ult i{n} {above}, {infinity - smallest - 1}")


def either(r: Region, inst: Inst, result: str, good: str) -> None:
    """*inst* is *result* where the i1 *good* holds, else what the helper says."""
    t = r.text
    slow, done, fast = t.new_label("soft"), t.new_label("done"), t.current
    t.do(f"br i1 {good}, label %{done}, label %{slow}{LIKELY}")
    t.label(slow)
    operands = [r.operand(arg) for arg in inst.args]
    other = fallback.call(r, inst, operands)
    end = t.current
    t.do(f"br label %{done}")
    t.label(done)
    r.define(inst, t.value(f"phi {llvm_type(inst.type)} [ {result}, %{fast} ], [ {other}, %{end} ]"))


def _both(r: Region, *conditions: str) -> str:
    result = conditions[0]
    for condition in conditions[1:]:
        result = r.text.value(f"and i1 {result}, {condition}")
    return result


def _arithmetic(r: Region, inst: Inst) -> None:
    t = r.text
    if inst.attr("std") or (inst.op.name == "fma" and not r.fma):
        fallback.lower(r, inst)
        return
    operands = [r.operand(arg) for arg in inst.args]
    allowed = quick(r, rounding=True, inexact=False)
    inexact = quick(r, rounding=True, inexact=True)
    type = llvm_type(inst.of)
    if inst.op.name in _INTRINSICS:
        arguments = ", ".join(f"{type} {operand}" for operand in operands)
        result = t.value(f"call {type} @llvm.{_INTRINSICS[inst.op.name]}.f{inst.of.bits}({arguments})")
    else:
        result = t.value(f"{inst.op.name} {type} {', '.join(operands)}")
    normal = is_normal(r, result, inst.of)
    done, exact, soft, fast = t.new_label("done"), t.new_label("exact"), t.new_label("soft"), t.current
    t.do(f"br i1 {_both(r, inexact, normal)}, label %{done}, label %{exact}")
    t.label(exact)
    proof = _EXACT[inst.op.name](r, inst.of, [*operands, result], normal)
    exact_end = t.current
    t.do(f"br i1 {_both(r, allowed, proof)}, label %{done}, label %{soft}{LIKELY}")
    t.label(soft)
    other = fallback.call(r, inst, operands)
    soft_end = t.current
    t.do(f"br label %{done}")
    t.label(done)
    r.define(inst, t.value(f"phi {type} [ {result}, %{fast} ], [ {result}, %{exact_end} ], [ {other}, %{soft_end} ]"))


def _is_zero(r: Region, type: Type, operand: str) -> str:
    return r.text.value(f"fcmp oeq {llvm_type(type)} {operand}, 0.0")


def _exact_sum(r: Region, type: Type, v: list[str], normal: str) -> str:
    """Knuth's TwoSum: the error of a + b, exactly, in round-to-nearest. A sum of zero is exact, and finite as its operands."""
    t, kind = r.text, llvm_type(type)
    a, b, total = v
    b_part = t.value(f"fsub {kind} {total}, {a}")
    a_part = t.value(f"fsub {kind} {total}, {b_part}")
    a_error, b_error = t.value(f"fsub {kind} {a}, {a_part}"), t.value(f"fsub {kind} {b}, {b_part}")
    exact = _is_zero(r, type, t.value(f"fadd {kind} {a_error}, {b_error}"))
    return _both(r, t.value(f"or i1 {normal}, {_is_zero(r, type, total)}"), exact)


def _exact_difference(r: Region, type: Type, v: list[str], normal: str) -> str:
    return _exact_sum(r, type, [v[0], r.text.value(f"fneg {llvm_type(type)} {v[1]}"), v[2]], normal)


def _product_is(r: Region, type: Type, a: str, b: str, value: str) -> str:
    """i1: a * b is exactly *value*: in double for f32, where no product needs rounding, else by a fused multiply-subtract, whose error would
    itself be lost only near the underflow threshold."""
    t = r.text
    if type.bits == 32:
        wide = [t.value(f"fpext float {x} to double") for x in (a, b, value)]
        return t.value(f"fcmp oeq double {t.value(f'fmul double {wide[0]}, {wide[1]}')}, {wide[2]}")
    if not r.fma:
        return "false"
    error = t.value(f"call double @llvm.fma.f64(double {a}, double {b}, double {t.value(f'fneg double {value}')})")
    large = t.value(f"fcmp ogt double {t.value(f'call double @llvm.fabs.f64(double {value})')}, {_ERROR_IS_NORMAL}")
    return _both(r, _is_zero(r, type, error), large)


def _exact_product(r: Region, type: Type, v: list[str], normal: str) -> str:
    """Also exact: a finite product with a factor of zero."""
    t = r.text
    a, b, product = v
    zero = t.value(f"or i1 {_is_zero(r, type, a)}, {_is_zero(r, type, b)}")
    no_nan = t.value(f"fcmp oeq {llvm_type(type)} {product}, 0.0")
    return t.value(f"or i1 {_both(r, zero, no_nan)}, {_both(r, normal, _product_is(r, type, a, b, product))}")


def _exact_quotient(r: Region, type: Type, v: list[str], normal: str) -> str:
    return _both(r, normal, _product_is(r, type, v[2], v[1], v[0]))


def _exact_root(r: Region, type: Type, v: list[str], normal: str) -> str:
    return _both(r, normal, _product_is(r, type, v[1], v[1], v[0]))


def _exact_fused(r: Region, type: Type, v: list[str], normal: str) -> str:
    """Exact if the product and the sum are."""
    t, kind = r.text, llvm_type(type)
    a, b, c, result = v
    product = t.value(f"fmul {kind} {a}, {b}")
    return _both(r, _exact_product(r, type, [a, b, product], is_normal(r, product, type)), _exact_sum(r, type, [product, c, result], normal))


_ERROR_IS_NORMAL = "0x0360000000000000"  # 2^-969: the rounding error of a larger product is a normal number
_EXACT: dict[str, Callable[[Region, Type, list[str], str], str]] = {
    "fadd": _exact_sum, "fsub": _exact_difference, "fmul": _exact_product, "fdiv": _exact_quotient, "fsqrt": _exact_root,
    "fma": _exact_fused,
}  # fmt: skip


def _compare(r: Region, inst: Inst) -> None:
    """8 less, 6 equal, 2 greater; NaNs are the helper's."""
    if inst.attr("std"):
        fallback.lower(r, inst)
        return
    t = r.text
    kind = llvm_type(inst.of)
    a, b = (r.operand(arg) for arg in inst.args)
    less, equal, ordered = (t.value(f"fcmp {how} {kind} {a}, {b}") for how in ("olt", "oeq", "ord"))
    result = t.value(f"select i1 {less}, i32 8, i32 {t.value(f'select i1 {equal}, i32 6, i32 2')}")
    either(r, inst, result, _both(r, quick(r, rounding=False, inexact=False), ordered))


def _convert(r: Region, inst: Inst) -> None:
    if inst.attr("std"):
        fallback.lower(r, inst)
        return
    source = inst.args[0].type
    widen = source.bits < inst.of.bits
    operand = r.operand(inst.args[0])
    result = r.text.value(f"{'fpext' if widen else 'fptrunc'} {llvm_type(source)} {operand} to {llvm_type(inst.of)}")
    allowed = quick(r, rounding=not widen, inexact=not widen)
    either(r, inst, result, _both(r, allowed, is_normal(r, result, inst.of)))


def _from_integer(r: Region, inst: Inst) -> None:
    """Exact where the fraction holds every integer of that width; else as arithmetic."""
    source = inst.args[0].type
    exact = source.bits <= 32 and inst.of.bits == 64
    rounding = int(inst.attr("round"))  # type: ignore[call-overload]
    if inst.attr("fbits") or rounding not in (ROUND_BY_MODE, ROUND_NEAREST) or inst.attr("std"):
        fallback.lower(r, inst)
        return
    instruction = "sitofp" if inst.attr("signed") else "uitofp"
    result = r.text.value(f"{instruction} i{source.bits} {r.operand(inst.args[0])} to {llvm_type(inst.of)}")
    if exact:
        r.define(inst, result)
    else:
        either(r, inst, result, quick(r, rounding=rounding == ROUND_BY_MODE, inexact=True))


def _to_integer(r: Region, inst: Inst) -> None:
    """Towards zero, in range; Inexact is set already or the value is integral."""
    t = r.text
    source, width = inst.args[0].type, int(inst.attr("width"))  # type: ignore[call-overload]
    if inst.attr("fbits") or inst.attr("round") != ROUND_ZERO or inst.attr("std") or width != 32 or not inst.attr("signed") or inst.of.bits != 32:
        fallback.lower(r, inst)
        return
    kind = llvm_type(source)
    operand = r.operand(inst.args[0])
    inside = t.value(f"fcmp olt {kind} {t.value(f'call {kind} @llvm.fabs.f{source.bits}({kind} {operand})')}, {_TWO_TO_31}")
    result = t.value(f"fptosi {kind} {operand} to i{width}")
    integral = t.value(f"fcmp oeq {kind} {t.value(f'sitofp i{width} {result} to {kind}')}, {operand}")
    quiet = t.value(f"select i1 {quick(r, rounding=False, inexact=True)}, i1 true, i1 {_both(r, integral, quick(r, rounding=False, inexact=False))}")
    either(r, inst, result, t.value(f"select i1 {inside}, i1 {quiet}, i1 false"))


ROWS: dict[str, Callable[[Region, Inst], None]] = {
    **dict.fromkeys(("fadd", "fsub", "fmul", "fdiv", "fsqrt", "fma"), _arithmetic),
    "fcmp": _compare,
    "fcvt": _convert,
    "itof": _from_integer,
    "ftoi": _to_integer,
}
