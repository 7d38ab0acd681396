"""Floating-point arithmetic and comparison inline, scalar and by lanes: the host's instruction where it gives the guest's result and no flag changes, the
helper ``op`` elsewhere.

The idea ("hardfloat"): status flags are cumulative. Once Inexact is set, an operation whose result is a normal number can raise nothing new, and in
round-to-nearest the host computes the very same bits. While Inexact is not set, the operation's rounding error is computed too (``exactness``): if it is zero,
nothing is raised either (programs that keep integers in doubles stay there for long).

A result beyond the smallest normal number and below infinity proves that no operand was a NaN or an infinity and that nothing overflowed or was tiny,
so one check of the result is enough. Denormal operands are right too unless the environment flushes them, as the standard FPSCR value of Advanced SIMD always
does: then no operand may be one. That an operand was denormal is a flag of x86's MXCSR: the host notes it (``host_flags``), or every operand is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dbt.abi.cpu import FP_INEXACT, FP_MODE_DENORMALS, FP_MODE_FLUSH_IN, FP_MODE_NAN_X86, FP_MODE_RMODE
from dbt.backend.llvm import exactness, fallback
from dbt.backend.llvm.convention import HELPER_CONVENTION
from dbt.backend.llvm.numbers import Numbers
from dbt.backend.llvm.text import LIKELY, Text, llvm_type
from dbt.ir.unit import Inst

if TYPE_CHECKING:
    from dbt.backend.llvm.region import Region

    Answer = Callable[[Region, Inst, Numbers, list[str]], str]  # an integer made of the operands, right where none of them is a NaN

_OFTEN_EXACT = ("fadd", "fsub", "fmul")  # of integers, say
_INTRINSICS = {"fsqrt": "sqrt", "fma": "fma"}
STRICT = 'metadata !"round.tonearest", metadata !"fpexcept.strict"'


def quick(r: Region, *, rounding: bool, inexact: bool, standard: bool = False) -> str:
    """i1: the environment allows the host's instruction: denormal operands are neither flushed nor trapped, and if asked for, rounding is to nearest and
    Inexact is set already. In the *standard* environment only Inexact matters."""
    key = (rounding, inexact, standard)
    if key not in r.environment:
        t = r.text
        bad = []
        if not standard:
            forbidden = FP_MODE_FLUSH_IN | FP_MODE_DENORMALS | (FP_MODE_RMODE if rounding else 0)
            bad.append(t.value(f"and i32 {r.load_field('fp_mode', 'i32')}, {forbidden}"))
        if inexact:
            flags = t.value(f"and i32 {r.load_field('fp_flags', 'i32')}, {FP_INEXACT}")
            bad.append(t.value(f"xor i32 {flags}, {FP_INEXACT}"))
        every = t.value(f"or i32 {', '.join(bad)}") if len(bad) == 2 else bad[0] if bad else "0"
        r.environment[key] = t.value(f"icmp eq i32 {every}, 0")
    return r.environment[key]


def reports_denormals(r: Region) -> bool:
    """The guest has a flag for denormal operands that are not flushed."""
    return bool(r.layout.initial.get("fp_mode", 0) & FP_MODE_NAN_X86)


def looks_at_operands(r: Region, inst: Inst) -> bool:
    """Denormal operands must be told from others here: they are flushed, or reported and the host does not note them."""
    return bool(inst.attr("std")) or reports_denormals(r) and not r.features.denormal_flag


def computed(r: Region, name: str, type: str, suffix: str, operands: list[str]) -> str:
    """The host's result of guest operation *name*; of x86 guests it is one that LLVM neither moves nor folds, for the sake of the host's flags."""
    intrinsic = _INTRINSICS.get(name, name)
    if reports_denormals(r):
        arguments = ", ".join(f"{type} {operand}" for operand in operands)
        return r.text.value(f"call {type} @llvm.experimental.constrained.{intrinsic}.{suffix}({arguments}, {STRICT}) strictfp")
    if name in _INTRINSICS:
        return r.text.value(f"call {type} @llvm.{intrinsic}.{suffix}({', '.join(f'{type} {operand}' for operand in operands)})")
    return r.text.value(f"{name} {type} {', '.join(operands)}")


def either(r: Region, inst: Inst, numbers: Numbers, result: str, good: str) -> None:
    """*inst* is *result* (of LLVM type ``numbers.real``) where the i1 *good* holds, else what the helper says."""
    either_bits(r, inst, r.text.cast(result, numbers.real, llvm_type(inst.type)), good)


def either_bits(r: Region, inst: Inst, result: str, good: str) -> None:
    """The same for a *result* of the LLVM type that carries *inst*."""
    t = r.text
    soft, done, fast = t.new_label("soft"), t.new_label("done"), t.current
    t.do(f"br i1 {good}, label %{done}, label %{soft}{LIKELY}")
    t.label(soft)
    other = fallback.call(r, inst, [r.operand(arg) for arg in inst.args], cold=True)
    t.do(f"br label %{done}")
    t.label(done)
    r.define(inst, t.value(f"phi {llvm_type(inst.type)} [ {result}, %{fast} ], [ {other}, %{soft} ]"))


def operands_of(r: Region, inst: Inst, numbers: Numbers) -> list[str]:
    return [r.text.cast(r.operand(arg), llvm_type(arg.type), numbers.real) for arg in inst.args]


def numbers_of(inst: Inst) -> Numbers | None:
    """The numbers that *inst* computes with, if their width is one that the host has."""
    lane = int(inst.attr("lane")) if "lane" in inst.op.attrs else inst.of.bits  # type: ignore[call-overload]
    return Numbers(lane, inst.of.bits // lane) if lane in (32, 64) else None


def _arithmetic(r: Region, inst: Inst) -> None:
    t, numbers = r.text, numbers_of(inst)
    name = inst.op.name.removeprefix("v")
    if numbers is None or (name == "fma" and not r.features.fma):
        fallback.lower(r, inst)
        return
    standard, type = bool(inst.attr("std")), numbers.real
    operands = operands_of(r, inst, numbers)
    inexact = quick(r, rounding=True, inexact=True, standard=standard)
    result = computed(r, name, type, numbers.suffix, operands)
    fine = numbers.normal(t, result)
    if numbers.count > 1:
        fine = t.value(f"or {numbers.truth} {fine}, {exactness.zero(t, numbers, name, [*operands, result])}")
    looked_at = looks_at_operands(r, inst)
    if looked_at:
        fine = numbers.both(t, fine, *[numbers.not_denormal(t, operand) for operand in operands])
    done, exact, soft = t.new_label("done"), t.new_label("exact"), t.new_label("soft")
    fast = t.current
    good = t.value(f"and i1 {inexact}, {numbers.every(t, fine)}")
    t.do(f"br i1 {good}, label %{done}, label %{exact}{LIKELY}")
    t.label(exact)
    in_place = numbers.count == 1 and name in _OFTEN_EXACT
    values = [*operands, result]
    if in_place and reports_denormals(r):
        exact = _guarded(t, numbers, result, soft)
    proof = (_proof_in_place if in_place else _proof)(r, numbers, name, standard, looked_at, values)
    t.do(f"br i1 {proof}, label %{done}, label %{soft}{LIKELY}")
    t.label(soft)
    carrier = llvm_type(inst.type)
    other = t.cast(fallback.call(r, inst, [r.operand(arg) for arg in inst.args], cold=True), carrier, type)
    t.do(f"br label %{done}")
    t.label(done)
    both = t.value(f"phi {type} [ {result}, %{fast} ], [ {result}, %{exact} ], [ {other}, %{soft} ]")
    r.define(inst, t.cast(both, type, carrier))


def _guarded(t: Text, numbers: Numbers, result: str, otherwise: str) -> str:
    """Go on in a new block, whose label this gives, where a proof may run."""
    prove = t.new_label("prove")
    t.do(f"br i1 {numbers.every(t, exactness.far_from_denormals(t, numbers, result))}, label %{prove}, label %{otherwise}{LIKELY}")
    t.label(prove)
    return prove


def _proof_in_place(r: Region, numbers: Numbers, name: str, standard: bool, looked_at: bool, values: list[str]) -> str:
    """i1: the last of *values* is the exact result for the operands before it, and the environment changes nothing of it. What it learns of the environment is
    known here alone."""
    t, outer = r.text, dict(r.environment)
    allowed = quick(r, rounding=True, inexact=False, standard=standard)
    r.environment = outer
    exact = exactness.proof(t, numbers, name, values, r.features.fma)
    if looked_at:
        exact = numbers.both(t, exact, *[numbers.not_denormal(t, operand) for operand in values[:-1]])
    return t.value(f"and i1 {allowed}, {numbers.every(t, exact)}")


def _proof(r: Region, numbers: Numbers, name: str, standard: bool, looked_at: bool, values: list[str]) -> str:
    """The same, found out in a function."""
    function = f"exact_{name}_{numbers.suffix}{'_standard' if standard else ''}"
    parameters = [f"%x{k}" for k in range(len(values))]

    def write() -> None:
        outer, r.environment = r.environment, {}
        no = r.text.new_label("no")
        if reports_denormals(r):
            _guarded(r.text, numbers, parameters[-1], no)
        r.text.do(f"ret i1 {_proof_in_place(r, numbers, name, standard, looked_at, parameters)}")
        if reports_denormals(r):
            r.text.label(no)
            r.text.do("ret i1 false")
        r.environment = outer

    r.outline(function, HELPER_CONVENTION, "i1", ", ".join(f"{numbers.real} {x}" for x in parameters), write)
    arguments = ", ".join(f"{numbers.real} {value}" for value in values)
    return r.text.value(f"call {HELPER_CONVENTION} i1 @{function}(ptr %cpu, {arguments})")


def untouched(r: Region, inst: Inst, numbers: Numbers, operands: list[str], condition: str) -> str:
    """i1: *condition* holds for every number, and no operand is flushed, or reported unseen."""
    t = r.text
    if looks_at_operands(r, inst):
        condition = numbers.both(t, condition, *[numbers.not_denormal(t, operand) for operand in operands])
    if inst.attr("std"):
        return numbers.every(t, condition)
    return t.value(f"and i1 {quick(r, rounding=False, inexact=False)}, {numbers.every(t, condition)}")


def _compare(r: Region, inst: Inst) -> None:
    """8 less, 6 equal, 2 greater; NaNs are the helper's."""
    t, numbers = r.text, Numbers(inst.of.bits, 1)
    operands = operands_of(r, inst, numbers)
    less, equal, ordered = (t.value(f"fcmp {how} {numbers.real} {', '.join(operands)}") for how in ("olt", "oeq", "ord"))
    result = t.value(f"select i1 {less}, i32 8, i32 {t.value(f'select i1 {equal}, i32 6, i32 2')}")
    either_bits(r, inst, result, untouched(r, inst, numbers, operands, ordered))


_CONDITIONS = {"vfceq": "oeq", "vfcgt": "ogt", "vfcge": "oge"}


def _ordered(answer: Answer) -> Callable[[Region, Inst], None]:
    """Lowers a row by *answer* where it is right."""

    def lower(r: Region, inst: Inst) -> None:
        numbers = numbers_of(inst)
        if numbers is None:
            fallback.lower(r, inst)
            return
        operands = operands_of(r, inst, numbers)
        result = answer(r, inst, numbers, operands)
        ordered = r.text.value(f"fcmp ord {numbers.real} {', '.join(operands)}")
        either_bits(r, inst, r.text.cast(result, numbers.integer, llvm_type(inst.type)), untouched(r, inst, numbers, operands, ordered))

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


ROWS: dict[str, Callable[[Region, Inst], None]] = {
    **dict.fromkeys(("fadd", "fsub", "fmul", "fdiv", "fsqrt", "fma", "vfadd", "vfsub", "vfmul", "vfdiv", "vfsqrt", "vfma"), _arithmetic),
    **dict.fromkeys(_CONDITIONS, _ordered(_compare_lanes)),
    **dict.fromkeys(("fmin", "fmax", "vfmin", "vfmax"), _ordered(_extreme)),
    "fcmp": _compare,
}
