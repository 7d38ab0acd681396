"""128 by 64 bits: what DIV and IDIV of a 64-bit operand need beyond the IR's division.

Long division with two digits of 32 bits (Knuth, TAOCP vol. 2, 4.3.1, algorithm D): the divisor is normalised, each digit is estimated from the
divisor's upper half and is then at most 2 too large.
"""

from __future__ import annotations

from dbt.frontend.x86.context import Context
from dbt.ir.unit import Inst

_LOW = 0xFFFF_FFFF


def divide_unsigned(c: Context, high: Inst, low: Inst, divisor: Inst) -> tuple[Inst, Inst]:
    """Quotient and remainder of high:low; #DE if the quotient exceeds 64 bits. The divisor is not 0."""
    b = c.b
    c.raise_if(b.ule(divisor, high), "divide")
    return _long_division(c, high, low, divisor)


def divide_signed(c: Context, high: Inst, low: Inst, divisor: Inst) -> tuple[Inst, Inst]:
    """The same for signed operands, by their magnitudes."""
    b = c.b
    negative, opposite = b.slt(high, 0), b.slt(divisor, 0)
    magnitude = b.select(opposite, b.neg(divisor), divisor)
    minus_low = b.neg(low)
    minus_high = b.sub(b.not_(high), b.sub(b.zext(high.type, b.ne(low, 0)), 1))
    top, bottom = b.select(negative, minus_high, high), b.select(negative, minus_low, low)
    c.raise_if(b.ule(magnitude, top), "divide")
    quotient, remainder = _long_division(c, top, bottom, magnitude)
    flipped = b.xor(negative, opposite)
    limit = b.add(b.zext(high.type, flipped), (1 << 63) - 1)  # 2^63 fits if the quotient is negative
    c.raise_if(b.ult(limit, quotient), "divide")
    return b.select(flipped, b.neg(quotient), quotient), b.select(negative, b.neg(remainder), remainder)


def _long_division(c: Context, high: Inst, low: Inst, divisor: Inst) -> tuple[Inst, Inst]:
    """high:low by *divisor* > *high*."""
    b = c.b
    shift = b.clz(divisor)
    d = b.shl(divisor, shift)
    top = b.or_(b.shl(high, shift), b.shr(low, b.sub(64, shift)))
    bottom = b.shl(low, shift)
    first, rest = _digit(c, top, b.shr(bottom, 32), d)
    second, rest = _digit(c, rest, b.and_(bottom, _LOW), d)
    return b.or_(b.shl(first, 32), second), b.shr(rest, shift)


def _digit(c: Context, top: Inst, next_digit: Inst, d: Inst) -> tuple[Inst, Inst]:
    """One digit of the quotient of (top * 2^32 + next_digit) by the normalised *d* > *top*, and the remainder."""
    b = c.b
    upper, lower = b.shr(d, 32), b.and_(d, _LOW)
    estimate, rest = b.udiv(top, upper), b.urem(top, upper)
    for _ in range(2):
        small = b.ule(rest, _LOW)  # a rest of more than 32 bits: the estimate is right
        over = b.or_(b.ult(_LOW, estimate), b.ult(b.or_(b.shl(rest, 32), next_digit), b.mul(estimate, lower)))
        wrong = b.and_(small, over)
        estimate = b.select(wrong, b.sub(estimate, 1), estimate)
        rest = b.select(wrong, b.add(rest, upper), rest)
    remainder = b.sub(b.or_(b.shl(top, 32), next_digit), b.mul(estimate, d))
    return estimate, remainder
