"""Floating point inline, scalar and by lanes: the host's instruction where it gives the guest's result and no flag changes, the helper ``op`` elsewhere.

The idea ("hardfloat"): status flags are cumulative. Once Inexact is set, an operation whose result is a normal number can raise nothing new, and in
round-to-nearest the host computes the very same bits. While Inexact is not set, the operation's rounding error is computed too (``exactness``): if it is zero,
nothing is raised either (programs that keep integers in doubles stay there for long).

A result beyond the smallest normal number and below infinity proves that no operand was a NaN or an infinity and that nothing overflowed or was tiny,
so one check of the result is enough. Denormal operands are right too unless the environment flushes them, as the standard FPSCR value of Advanced SIMD always
does: then no operand may be one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dbt.abi.cpu import FP_INEXACT, FP_MODE_FLUSH_IN, FP_MODE_RMODE
from dbt.backend.llvm import exactness, fallback
from dbt.backend.llvm.convention import HELPER_CONVENTION
from dbt.backend.llvm.numbers import Numbers
from dbt.backend.llvm.text import LIKELY, llvm_type
from dbt.ir.unit import Inst

if TYPE_CHECKING:
    from dbt.backend.llvm.region import Region

    Answer = Callable[[Region, Inst, Numbers, list[str]], str]  # an integer made of the operands, right where none of them is a NaN

_INTRINSICS = {"fsqrt": "sqrt", "fma": "fma"}
_TWO_TO_31 = "0x41E0000000000000"  # LLVM writes float constants as doubles, in hexadecimal where they must be exact
_EXACT_F32 = 1 << 24  # integers up to this magnitude are single-precision numbers
ROUND_BY_MODE, ROUND_NEAREST, ROUND_ZERO = -1, 0, 3


def quick(r: Region, *, rounding: bool, inexact: bool, standard: bool = False) -> str:
    """i1: the environment allows the host's instruction: operands are not flushed, and if asked for, rounding is to nearest and Inexact is set already. In the
    *standard* environment only Inexact matters."""
    key = (rounding, inexact, standard)
    if key not in r.environment:
        t = r.text
        bad = []
        if not standard:
            forbidden = FP_MODE_FLUSH_IN | (FP_MODE_RMODE if rounding else 0)
            bad.append(t.value(f"and i32 {r.load_field('fp_mode', 'i32')}, {forbidden}"))
        if inexact:
            flags = t.value(f"and i32 {r.load_field('fp_flags', 'i32')}, {FP_INEXACT}")
            bad.append(t.value(f"xor i32 {flags}, {FP_INEXACT}"))
        every = t.value(f"or i32 {', '.join(bad)}") if len(bad) == 2 else bad[0] if bad else "0"
        r.environment[key] = t.value(f"icmp eq i32 {every}, 0")
    return r.environment[key]


def either(r: Region, inst: Inst, numbers: Numbers, result: str, good: str) -> None:
    """*inst* is *result* (of LLVM type ``numbers.real``) where the i1 *good* holds, else what the helper says."""
    _either(r, inst, r.text.cast(result, numbers.real, llvm_type(inst.type)), good)


def _either(r: Region, inst: Inst, result: str, good: str) -> None:
    t = r.text
    soft, done, fast = t.new_label("soft"), t.new_label("done"), t.current
    t.do(f"br i1 {good}, label %{done}, label %{soft}{LIKELY}")
    t.label(soft)
    other = fallback.call(r, inst, [r.operand(arg) for arg in inst.args], cold=True)
    t.do(f"br label %{done}")
    t.label(done)
    r.define(inst, t.value(f"phi {llvm_type(inst.type)} [ {result}, %{fast} ], [ {other}, %{soft} ]"))


def _operands(r: Region, inst: Inst, numbers: Numbers) -> list[str]:
    return [r.text.cast(r.operand(arg), llvm_type(arg.type), numbers.real) for arg in inst.args]


def _inline(inst: Inst) -> Numbers | None:
    """The numbers that *inst* computes with, if their width is one that the host has."""
    lane = int(inst.attr("lane")) if "lane" in inst.op.attrs else inst.of.bits  # type: ignore[call-overload]
    return Numbers(lane, inst.of.bits // lane) if lane in (32, 64) else None


def _arithmetic(r: Region, inst: Inst) -> None:
    t, numbers = r.text, _inline(inst)
    name = inst.op.name.removeprefix("v")
    if numbers is None or (name == "fma" and not r.fma):
        fallback.lower(r, inst)
        return
    standard, type = bool(inst.attr("std")), numbers.real
    operands = _operands(r, inst, numbers)
    inexact = quick(r, rounding=True, inexact=True, standard=standard)
    if name in _INTRINSICS:
        arguments = ", ".join(f"{type} {operand}" for operand in operands)
        result = t.value(f"call {type} @llvm.{_INTRINSICS[name]}.{numbers.suffix}({arguments})")
    else:
        result = t.value(f"{name} {type} {', '.join(operands)}")
    fine = numbers.normal(t, result)
    if numbers.count > 1:
        fine = t.value(f"or {numbers.truth} {fine}, {exactness.zero(t, numbers, name, [*operands, result])}")
    if standard:
        fine = numbers.both(t, fine, *[numbers.not_denormal(t, operand) for operand in operands])
    done, exact, soft, fast = t.new_label("done"), t.new_label("exact"), t.new_label("soft"), t.current
    good = t.value(f"and i1 {inexact}, {numbers.every(t, fine)}")
    t.do(f"br i1 {good}, label %{done}, label %{exact}{LIKELY}")
    t.label(exact)
    proof = _proof(r, numbers, name, standard, [*operands, result])
    t.do(f"br i1 {proof}, label %{done}, label %{soft}{LIKELY}")
    t.label(soft)
    carrier = llvm_type(inst.type)
    other = t.cast(fallback.call(r, inst, [r.operand(arg) for arg in inst.args], cold=True), carrier, type)
    t.do(f"br label %{done}")
    t.label(done)
    both = t.value(f"phi {type} [ {result}, %{fast} ], [ {result}, %{exact} ], [ {other}, %{soft} ]")
    r.define(inst, t.cast(both, type, carrier))


def _proof(r: Region, numbers: Numbers, name: str, standard: bool, values: list[str]) -> str:
    """i1: the last of *values* is the exact result for the operands before it, and the environment changes nothing of it. Found out in a function."""
    function = f"exact_{name}_{numbers.suffix}{'_standard' if standard else ''}"
    parameters = [f"%x{k}" for k in range(len(values))]

    def write() -> None:
        t, outer = r.text, r.environment
        r.environment = {}
        allowed = quick(r, rounding=True, inexact=False, standard=standard)
        exact = exactness.PROOFS[name](t, numbers, parameters, r.fma)
        if standard:
            exact = numbers.both(t, exact, *[numbers.not_denormal(t, operand) for operand in parameters[:-1]])
        t.do(f"ret i1 {t.value(f'and i1 {allowed}, {numbers.every(t, exact)}')}")
        r.environment = outer

    r.outline(function, HELPER_CONVENTION, "i1", ", ".join(f"{numbers.real} {x}" for x in parameters), write)
    arguments = ", ".join(f"{numbers.real} {value}" for value in values)
    return r.text.value(f"call {HELPER_CONVENTION} i1 @{function}(ptr %cpu, {arguments})")


def _untouched(r: Region, inst: Inst, numbers: Numbers, operands: list[str], condition: str) -> str:
    """i1: *condition* holds for every number, and no operand is flushed."""
    t = r.text
    if inst.attr("std"):
        return numbers.every(t, numbers.both(t, condition, *[numbers.not_denormal(t, operand) for operand in operands]))
    return t.value(f"and i1 {quick(r, rounding=False, inexact=False)}, {numbers.every(t, condition)}")


def _compare(r: Region, inst: Inst) -> None:
    """8 less, 6 equal, 2 greater; NaNs are the helper's."""
    t, numbers = r.text, Numbers(inst.of.bits, 1)
    operands = _operands(r, inst, numbers)
    less, equal, ordered = (t.value(f"fcmp {how} {numbers.real} {', '.join(operands)}") for how in ("olt", "oeq", "ord"))
    result = t.value(f"select i1 {less}, i32 8, i32 {t.value(f'select i1 {equal}, i32 6, i32 2')}")
    _either(r, inst, result, _untouched(r, inst, numbers, operands, ordered))


_CONDITIONS = {"vfceq": "oeq", "vfcgt": "ogt", "vfcge": "oge"}


def _ordered(answer: Answer) -> Callable[[Region, Inst], None]:
    """Lowers a row by *answer* where it is right."""

    def lower(r: Region, inst: Inst) -> None:
        numbers = _inline(inst)
        if numbers is None:
            fallback.lower(r, inst)
            return
        operands = _operands(r, inst, numbers)
        result = answer(r, inst, numbers, operands)
        ordered = r.text.value(f"fcmp ord {numbers.real} {', '.join(operands)}")
        _either(r, inst, r.text.cast(result, numbers.integer, llvm_type(inst.type)), _untouched(r, inst, numbers, operands, ordered))

    return lower


def _compare_lanes(r: Region, inst: Inst, numbers: Numbers, operands: list[str]) -> str:
    held = r.text.value(f"fcmp {_CONDITIONS[inst.op.name]} {numbers.real} {', '.join(operands)}")
    return r.text.value(f"sext {numbers.truth} {held} to {numbers.integer}")


def _extreme(r: Region, inst: Inst, numbers: Numbers, operands: list[str]) -> str:
    """Maximum or minimum; equal numbers differ in the sign of zero at most, and +0 is the larger one."""
    t, largest = r.text, inst.op.name.endswith("max")
    first, equal = (t.value(f"fcmp {how} {numbers.real} {', '.join(operands)}") for how in ("ogt" if largest else "olt", "oeq"))
    bits = [t.cast(operand, numbers.real, numbers.integer) for operand in operands]
    same = t.value(f"{'and' if largest else 'or'} {numbers.integer} {', '.join(bits)}")
    other = t.value(f"select {numbers.truth} {first}, {numbers.integer} {bits[0]}, {numbers.integer} {bits[1]}")
    return t.value(f"select {numbers.truth} {equal}, {numbers.integer} {same}, {numbers.integer} {other}")


def _convert(r: Region, inst: Inst) -> None:
    if inst.attr("std"):
        fallback.lower(r, inst)
        return
    t = r.text
    source, numbers = inst.args[0].type, Numbers(inst.of.bits, 1)
    widen = source.bits < inst.of.bits
    result = t.value(f"{'fpext' if widen else 'fptrunc'} {llvm_type(source)} {r.operand(inst.args[0])} to {numbers.real}")
    allowed = quick(r, rounding=not widen, inexact=not widen)
    either(r, inst, numbers, result, t.value(f"and i1 {allowed}, {numbers.normal(t, result)}"))


def _from_integer(r: Region, inst: Inst) -> None:
    """Exact where the fraction holds every integer of that width; else as arithmetic."""
    source, numbers = inst.args[0].type, Numbers(inst.of.bits, 1)
    exact = source.bits <= 32 and inst.of.bits == 64
    rounding = int(inst.attr("round"))  # type: ignore[call-overload]
    if inst.attr("fbits") or rounding not in (ROUND_BY_MODE, ROUND_NEAREST) or inst.attr("std"):
        fallback.lower(r, inst)
        return
    instruction = "sitofp" if inst.attr("signed") else "uitofp"
    result = r.text.value(f"{instruction} i{source.bits} {r.operand(inst.args[0])} to {numbers.real}")
    if exact:
        r.define(inst, result)
    else:
        either(r, inst, numbers, result, quick(r, rounding=rounding == ROUND_BY_MODE, inexact=True))


def _from_integer_lanes(r: Region, inst: Inst) -> None:
    """To nearest: Inexact is set already, or every integer is small enough to be a number."""
    t, numbers = r.text, _inline(inst)
    if numbers is None or numbers.bits != 32 or inst.attr("fbits"):
        fallback.lower(r, inst)
        return
    signed = inst.attr("signed")
    operand = t.cast(r.operand(inst.args[0]), llvm_type(inst.args[0].type), numbers.integer)
    result = t.value(f"{'sitofp' if signed else 'uitofp'} {numbers.integer} {operand} to {numbers.real}")
    moved = t.value(f"add {numbers.integer} {operand}, {numbers.splat(_EXACT_F32)}") if signed else operand
    small = t.value(f"icmp ule {numbers.integer} {moved}, {numbers.splat(2 * _EXACT_F32 if signed else _EXACT_F32)}")
    inexact = quick(r, rounding=False, inexact=True, standard=True)
    either(r, inst, numbers, result, t.value(f"or i1 {inexact}, {numbers.every(t, small)}"))


def _to_integer(r: Region, inst: Inst) -> None:
    """Towards zero, in range; Inexact is set already or the value is integral."""
    t = r.text
    lanes = inst.op.name == "vftoi"
    source = inst.args[0].type
    numbers = _inline(inst) if lanes else Numbers(source.bits, 1)
    plain = lanes or (inst.attr("round") == ROUND_ZERO and inst.attr("width") == 32 and inst.of.bits == 32)
    if numbers is None or not plain or inst.attr("fbits") or not inst.attr("signed") or (lanes and numbers.bits != 32):
        fallback.lower(r, inst)
        return
    integer = numbers.integer if lanes else "i32"
    operand = t.cast(r.operand(inst.args[0]), llvm_type(source), numbers.real)
    magnitude = t.value(f"call {numbers.real} @llvm.fabs.{numbers.suffix}({numbers.real} {operand})")
    inside = t.value(f"fcmp olt {numbers.real} {magnitude}, {numbers.number(_TWO_TO_31)}")
    clean = t.value(f"freeze {integer} {t.value(f'fptosi {numbers.real} {operand} to {integer}')}")  # poison where it is not inside
    integral = t.value(f"fcmp oeq {numbers.real} {t.value(f'sitofp {integer} {clean} to {numbers.real}')}, {operand}")
    inexact = quick(r, rounding=False, inexact=True, standard=True)
    exact = t.value(f"or i1 {inexact}, {numbers.every(t, integral)}")
    good = t.value(f"and i1 {exact}, {_untouched(r, inst, numbers, [operand], inside)}")
    _either(r, inst, t.cast(clean, integer, llvm_type(inst.type)), good)


ROWS: dict[str, Callable[[Region, Inst], None]] = {
    **dict.fromkeys(("fadd", "fsub", "fmul", "fdiv", "fsqrt", "fma", "vfadd", "vfsub", "vfmul", "vfdiv", "vfsqrt", "vfma"), _arithmetic),
    **dict.fromkeys(_CONDITIONS, _ordered(_compare_lanes)),
    **dict.fromkeys(("fmin", "fmax", "vfmin", "vfmax"), _ordered(_extreme)),
    "fcmp": _compare,
    "fcvt": _convert,
    "itof": _from_integer,
    "vitof": _from_integer_lanes,
    "ftoi": _to_integer,
    "vftoi": _to_integer,
}
