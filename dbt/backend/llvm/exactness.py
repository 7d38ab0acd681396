"""Proofs that a floating-point operation did not round: its error, computed in the same precision or in double, is zero.

Each takes the operands and, last, the result in round-to-nearest, and holds only where nothing else is raised either. "Exact" stands for exact and finite, and
neither tiny nor a zero that underflow made.

What they compute on the way must not look like a denormal operand of the guest's (``host_flags``). Where no operand is one, and the result is a zero or so
large that its own last place is a normal number (:func:`far_from_denormals`), none of the numbers that go into an operation here is: sums and differences of
multiples of that place, and products of the operands. Their outcomes are looked at as integers.
"""

from __future__ import annotations

from collections.abc import Callable

from dbt.backend.llvm.numbers import Numbers
from dbt.backend.llvm.text import Text

_FAR = {32: -96, 64: -960}  # exponents of results whose last place is a normal number
_ERROR_IS_NORMAL = "0x0360000000000000"  # 2^-969: the rounding error of a larger product is a normal number


def zero(t: Text, numbers: Numbers, name: str, values: list[str]) -> str:
    """Where the result of operation *name* is a zero that raises nothing."""
    found = numbers.is_zero(t, values[-1])
    if name == "fmul":
        return numbers.both(t, found, t.value(f"or {numbers.truth} {numbers.is_zero(t, values[0])}, {numbers.is_zero(t, values[1])}"))
    if name == "fdiv":
        return numbers.both(t, found, numbers.is_zero(t, values[0]))
    if name == "fma":  # the product may be tiny
        return numbers.both(t, found, *[t.value(f"fcmp oeq {numbers.real} {value}, {numbers.number('0.0')}") for value in (values[0], values[2])])
    return found  # a sum or difference of finite numbers; a root of zero


def far_from_denormals(t: Text, numbers: Numbers, result: str) -> str:
    """Where a proof sets no flag of the host's that the operation itself has not set."""
    far = t.value(f"icmp sgt {numbers.integer} {numbers.magnitude(t, result)}, {numbers.splat(numbers.power(_FAR[numbers.bits]))}")
    return t.value(f"or {numbers.truth} {far}, {numbers.is_zero(t, result)}")


def proof(t: Text, numbers: Numbers, name: str, values: list[str], fma: bool) -> str:
    """Where the result of operation *name* is exact: it is normal and so proved, or a good zero."""
    if name == "fma":
        return _fused(t, numbers, values, fma)
    both = numbers.both(t, numbers.normal(t, values[-1]), NORMAL[name](t, numbers, values, fma))
    return t.value(f"or {numbers.truth} {zero(t, numbers, name, values)}, {both}")


def _sum(t: Text, numbers: Numbers, values: list[str], fma: bool) -> str:
    """Knuth's TwoSum: the error of a + b, exactly, in round-to-nearest."""
    kind = numbers.real
    a, b, total = values
    b_part = t.value(f"fsub {kind} {total}, {a}")
    a_part = t.value(f"fsub {kind} {total}, {b_part}")
    a_error, b_error = t.value(f"fsub {kind} {a}, {a_part}"), t.value(f"fsub {kind} {b}, {b_part}")
    return numbers.is_zero(t, t.value(f"fadd {kind} {a_error}, {b_error}"))


def _difference(t: Text, numbers: Numbers, values: list[str], fma: bool) -> str:
    return _sum(t, numbers, [values[0], t.value(f"fneg {numbers.real} {values[1]}"), values[2]], fma)


def _product_is(t: Text, numbers: Numbers, a: str, b: str, value: str, fma: bool) -> str:
    """a * b is *value*: in double for single precision, where no product needs rounding, else by a fused multiply-subtract, whose error would itself be
    lost only near the underflow threshold."""
    if numbers.bits == 32:
        wide = numbers.wide.real
        x, y, z = (t.value(f"fpext {numbers.real} {operand} to {wide}") for operand in (a, b, value))
        return t.value(f"fcmp oeq {wide} {t.value(f'fmul {wide} {x}, {y}')}, {z}")
    if not fma:
        return numbers.splat(0) if numbers.count == 1 else "zeroinitializer"
    kind, suffix = numbers.real, numbers.suffix
    error = t.value(f"call {kind} @llvm.fma.{suffix}({kind} {a}, {kind} {b}, {kind} {t.value(f'fneg {kind} {value}')})")
    magnitude = t.value(f"call {kind} @llvm.fabs.{suffix}({kind} {value})")
    return numbers.both(t, numbers.is_zero(t, error), t.value(f"fcmp ogt {kind} {magnitude}, {numbers.number(_ERROR_IS_NORMAL)}"))


def _product(t: Text, numbers: Numbers, values: list[str], fma: bool) -> str:
    a, b, product = values
    return _product_is(t, numbers, a, b, product, fma)


def _quotient(t: Text, numbers: Numbers, values: list[str], fma: bool) -> str:
    a, b, quotient = values
    return _product_is(t, numbers, quotient, b, a, fma)


def _root(t: Text, numbers: Numbers, values: list[str], fma: bool) -> str:
    a, root = values
    return _product_is(t, numbers, root, root, a, fma)


def _fused(t: Text, numbers: Numbers, values: list[str], fma: bool) -> str:
    """Exact if the product and the sum are."""
    a, b, c, result = values
    product = t.value(f"fmul {numbers.real} {a}, {b}")
    return numbers.both(t, proof(t, numbers, "fmul", [a, b, product], fma), proof(t, numbers, "fadd", [product, c, result], fma))


# What is left to prove of a result that is normal.
NORMAL: dict[str, Callable[[Text, Numbers, list[str], bool], str]] = {
    "fadd": _sum, "fsub": _difference, "fmul": _product, "fdiv": _quotient, "fsqrt": _root,
}  # fmt: skip
