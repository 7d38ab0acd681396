"""Binary arithmetic (SDM vol. 1, 5.1.2). A locked SUB adds the negative; ADC, SBB and NEG compare and swap."""

from __future__ import annotations

from collections.abc import Callable

from dbt.frontend.x86 import flags
from dbt.frontend.x86.atomics import update
from dbt.frontend.x86.context import AX, DX, Context
from dbt.frontend.x86.operands import Immediate, Operand, Register
from dbt.frontend.x86.wide_division import divide_signed, divide_unsigned
from dbt.ir.types import I64
from dbt.ir.unit import Inst


def add(c: Context, dst: Operand, src: Operand) -> None:
    size, b = dst.size, c.read(src, dst.size)
    update(c, dst, lambda a: c.narrow(c.b.add(a, b), size), lambda a, r: flags.set_add(c, a, b, r, size), ("rmw_add", b))


def sub(c: Context, dst: Operand, src: Operand) -> None:
    size, b = dst.size, c.read(src, dst.size)
    atomic = ("rmw_add", c.b.neg(b)) if c.locked else None
    update(c, dst, lambda a: c.narrow(c.b.sub(a, b), size), lambda a, r: flags.set_sub(c, a, b, r, size), atomic)


def cmp(c: Context, dst: Operand, src: Operand) -> None:
    a, b = c.read(dst), c.read(src, dst.size)
    flags.set_sub(c, a, b, c.narrow(c.b.sub(a, b), dst.size), dst.size)


def adc(c: Context, dst: Operand, src: Operand) -> None:
    size, b, carry = dst.size, c.read(src, dst.size), c.b.getreg("cf")

    def compute(a: Inst) -> Inst:
        return c.narrow(c.b.add(c.b.add(a, b), c.flag_to(carry, size)), size)

    update(c, dst, compute, lambda a, r: flags.set_adc(c, a, b, carry, r, size))


def sbb(c: Context, dst: Operand, src: Operand) -> None:
    size, b, borrow = dst.size, c.read(src, dst.size), c.b.getreg("cf")

    def compute(a: Inst) -> Inst:
        return c.narrow(c.b.sub(c.b.sub(a, b), c.flag_to(borrow, size)), size)

    update(c, dst, compute, lambda a, r: flags.set_sbb(c, a, b, borrow, r, size))


def inc(c: Context, dst: Operand) -> None:
    _step(c, dst, 1)


def dec(c: Context, dst: Operand) -> None:
    _step(c, dst, -1)


def _step(c: Context, dst: Operand, by: int) -> None:
    """INC and DEC: as ADD and SUB of 1, but CF stays."""
    size = dst.size
    overflowed = 1 << size - 1 if by > 0 else (1 << size - 1) - 1

    def set_flags(a: Inst, result: Inst) -> None:
        flags.put(c, "of", c.b.eq(result, overflowed))
        flags.set_result(c, result, size)
        flags.set_af(c, a, 1)

    update(c, dst, lambda a: c.narrow(c.b.add(a, by), size), set_flags, ("rmw_add", c.const(by, size)))


def neg(c: Context, dst: Operand) -> None:
    size = dst.size

    def set_flags(a: Inst, result: Inst) -> None:
        flags.set_carry(c, c.b.ne(a, 0), c.b.eq(a, 1 << size - 1))
        flags.set_result(c, result, size)
        flags.set_af(c, a, 0)

    update(c, dst, lambda a: c.narrow(c.b.neg(a), size), set_flags)


# Multiplication: SF, ZF, AF and PF are undefined; they come from the low half of the product, AF is 0 --------------------------
def mul(c: Context, src: Operand) -> None:
    size = src.size
    a, b = c.get_register(AX, size), c.read(src)
    if size == 64:
        low, high = c.b.mul(a, b), c.b.umulh(a, b)
    else:
        low, high = _halves(c, c.b.mul(c.extend(a, I64), c.extend(b, I64)), size)
    _multiplied(c, low, c.b.ne(high, 0), size)
    _put_product(c, low, high, size)


def imul(c: Context, src: Operand) -> None:
    """The one-operand form."""
    size = src.size
    a, b = c.get_register(AX, size), c.read(src)
    if size == 64:
        low, high = c.b.mul(a, b), c.b.smulh(a, b)
        lost = c.b.ne(high, c.b.sar(low, 63))
    else:
        low, high = _halves(c, product := c.b.mul(c.extend(a, I64, size), c.extend(b, I64, size)), size)
        lost = c.b.ne(product, c.extend(low, I64, size))
    _multiplied(c, low, lost, size)
    _put_product(c, low, high, size)


def imul_truncating(c: Context, dst: Register, src: Operand, factor: Immediate | None = None) -> None:
    """The two- and three-operand forms."""
    size = dst.size
    a = c.read(src)
    b = c.read(dst if factor is None else factor, size)
    if size == 64:
        low = c.b.mul(a, b)
        lost = c.b.ne(c.b.smulh(a, b), c.b.sar(low, 63))
    else:
        product = c.b.mul(c.extend(a, I64, size), c.extend(b, I64, size))
        low = c.narrow(product, size)
        lost = c.b.ne(product, c.extend(low, I64, size))
    _multiplied(c, low, lost, size)
    c.write(dst, low)


def _halves(c: Context, product: Inst, size: int) -> tuple[Inst, Inst]:
    return c.narrow(product, size), c.narrow(c.b.shr(product, size), size)


def _multiplied(c: Context, low: Inst, lost: Inst, size: int) -> None:
    """*lost*: the product does not fit the low half."""
    flags.set_carry(c, lost, lost)
    flags.set_result(c, low, size)
    flags.clear_af(c, low)


def _put_product(c: Context, low: Inst, high: Inst, size: int) -> None:
    """A double result: AX, or the pair of rDX and rAX."""
    if size == 8:
        c.put_register(AX, c.b.or_(low, c.b.shl(high, 8)), 16)
    else:
        c.put_register(AX, low, size)
        c.put_register(DX, high, size)


# Division: the flags are undefined and stay ---------------------------------------------------------------------------------
def div(c: Context, src: Operand) -> None:
    b, size, divisor = c.b, src.size, c.read(src)
    c.raise_if(b.eq(divisor, 0), "divide")
    if size == 64:
        high, low = c.get_word(DX), c.get_word(AX)
        _divide_64(c, b.eq(high, 0), lambda: (b.udiv(low, divisor), b.urem(low, divisor)), lambda: divide_unsigned(c, high, low, divisor))
        return
    dividend, wide = _dividend(c, size), c.extend(divisor, I64)
    quotient, remainder = b.udiv(dividend, wide), b.urem(dividend, wide)
    c.raise_if(b.ult((1 << size) - 1, quotient), "divide")
    _put_quotient(c, quotient, remainder, size)


def idiv(c: Context, src: Operand) -> None:
    b, size, divisor = c.b, src.size, c.read(src)
    c.raise_if(b.eq(divisor, 0), "divide")
    if size == 64:
        high, low = c.get_word(DX), c.get_word(AX)
        extended = b.and_(b.eq(high, b.sar(low, 63)), b.ne(divisor, -1))  # by -1 it may overflow
        _divide_64(c, extended, lambda: (b.sdiv(low, divisor), b.srem(low, divisor)), lambda: divide_signed(c, high, low, divisor))
        return
    dividend, wide = c.extend(_dividend(c, size), I64, 2 * size), c.extend(divisor, I64, size)
    quotient, remainder = b.sdiv(dividend, wide), b.srem(dividend, wide)
    c.raise_if(b.ne(quotient, c.extend(c.narrow(quotient, size), I64, size)), "divide")
    _put_quotient(c, quotient, remainder, size)


def _divide_64(c: Context, easy: Inst, short: Callable[[], tuple[Inst, Inst]], long: Callable[[], tuple[Inst, Inst]]) -> None:
    """What nearly all programs divide is a 64-bit number that was extended to 128 bits: *easy*, and one division of the IR."""
    hard, end = c.branch_if(easy), c.b.new_label()
    _put_quotient(c, *short(), 64)
    c.b.br(then=end)
    c.b.start(hard)
    _put_quotient(c, *long(), 64)
    c.b.br(then=end)
    c.b.start(end)


def _dividend(c: Context, size: int) -> Inst:
    """AX, DX:AX or EDX:EAX as an i64."""
    b = c.b
    if size == 8:
        return c.extend(c.get_register(AX, 16), I64)
    high, low = (c.extend(c.get_register(n, size), I64) for n in (DX, AX))
    return b.or_(b.shl(high, size), low)


def _put_quotient(c: Context, quotient: Inst, remainder: Inst, size: int) -> None:
    _put_product(c, c.narrow(quotient, size), c.narrow(remainder, size), size)
