"""Shifts and rotates (SDM vol. 1, 5.1.5).

The count is masked to 5 bits (6 for 64-bit operands). A count of 0 leaves the flags alone, so they are written under a guard unless the count is an
immediate. OF is defined for counts of 1 only; for others it follows the last step, AF is 0.
"""

from __future__ import annotations

from collections.abc import Callable

from dbt.frontend.x86 import flags
from dbt.frontend.x86.atomics import update
from dbt.frontend.x86.context import CX, Context, working_type
from dbt.frontend.x86.operands import Immediate, Operand, Register
from dbt.ir.types import I64
from dbt.ir.unit import Inst

Count = Inst | int


def _counted(c: Context, dst: Operand, count: Operand, compute: Callable[[Inst, Count], Inst], set_flags: Callable[[Inst, Inst, Count], None],
             modulus: int = 0) -> None:
    """``dst = compute(dst, n)`` and *set_flags* of the old value, the result and n, unless n is 0. The count is taken modulo *modulus* if that is given; the n
    of an immediate is a number."""
    b = c.b
    mask = 63 if dst.size == 64 else 31
    n: Count
    if isinstance(count, Immediate):
        n = count.value & mask
        n = n % modulus if modulus else n
    else:
        n = b.and_(c.get_register(CX, max(dst.size, 32)), mask)
        n = b.urem(n, modulus) if modulus and modulus <= mask else n

    def finish(old: Inst, result: Inst) -> None:
        if n == 0:
            return
        c.guard = b.ne(n, 0) if isinstance(n, Inst) else None
        set_flags(old, result, n)
        c.guard = None

    update(c, dst, lambda old: compute(old, n), finish)


def _minus(c: Context, a: Count, n: Count) -> Count:
    return a - n if isinstance(a, int) and isinstance(n, int) else c.b.sub(a, n)


def _wide(c: Context, n: Count) -> Count:
    return n if isinstance(n, int) else c.extend(n, I64)


# Shifts -----------------------------------------------------------------------------------------------------------------
def _set_shift(c: Context, result: Inst, carry: Inst, overflow: Inst | int, size: int) -> None:
    flags.set_carry(c, carry, overflow)
    flags.set_result(c, result, size)
    flags.clear_af(c, result)


def shl(c: Context, dst: Operand, count: Operand) -> None:
    b, size = c.b, dst.size

    def set_flags(old: Inst, result: Inst, n: Count) -> None:
        before = b.shl(old, _minus(c, n, 1))  # the last bit shifted out is its sign
        _set_shift(c, result, flags.negative(c, before, size), flags.negative(c, b.xor(before, result), size), size)

    _counted(c, dst, count, lambda old, n: c.narrow(b.shl(old, n), size), set_flags)


def shr(c: Context, dst: Operand, count: Operand) -> None:
    b, size = c.b, dst.size

    def set_flags(old: Inst, result: Inst, n: Count) -> None:
        before = b.shr(old, _minus(c, n, 1))
        _set_shift(c, result, c.bit(before, 0), flags.negative(c, b.xor(before, result), size), size)

    _counted(c, dst, count, b.shr, set_flags)


def sar(c: Context, dst: Operand, count: Operand) -> None:
    b, size = c.b, dst.size

    def signed(value: Inst) -> Inst:
        return c.extend(value, working_type(size), size)

    def set_flags(old: Inst, result: Inst, n: Count) -> None:
        _set_shift(c, result, c.bit(b.sar(signed(old), _minus(c, n, 1)), 0), 0, size)

    _counted(c, dst, count, lambda old, n: c.narrow(b.sar(signed(old), n), size), set_flags)


# Rotates: CF and OF only --------------------------------------------------------------------------------------------------
def _rotate_right(c: Context, value: Inst, n: Count, size: int) -> Inst:
    """Narrow values are repeated, so that the rotation of 32 bits serves them."""
    b = c.b
    if size < 32:
        value = b.mul(value, 0x0101_0101 if size == 8 else 0x0001_0001)
    return c.narrow(b.rotr(value, n), size)


def rol(c: Context, dst: Operand, count: Operand) -> None:
    b, size = c.b, dst.size

    def set_flags(old: Inst, result: Inst, n: Count) -> None:
        carry = c.bit(result, 0)
        flags.set_carry(c, carry, b.xor(flags.negative(c, result, size), carry))

    _counted(c, dst, count, lambda old, n: _rotate_right(c, old, _minus(c, 0, n), size), set_flags)


def ror(c: Context, dst: Operand, count: Operand) -> None:
    b, size = c.b, dst.size

    def set_flags(old: Inst, result: Inst, n: Count) -> None:
        carry = flags.negative(c, result, size)
        flags.set_carry(c, carry, b.xor(carry, c.bit(result, size - 2)))

    _counted(c, dst, count, lambda old, n: _rotate_right(c, old, n, size), set_flags)


def rcl(c: Context, dst: Operand, count: Operand) -> None:
    _rotate_through_carry(c, dst, count, left=True)


def rcr(c: Context, dst: Operand, count: Operand) -> None:
    _rotate_through_carry(c, dst, count, left=False)


def _rotate_through_carry(c: Context, dst: Operand, count: Operand, left: bool) -> None:
    """RCL and RCR rotate size + 1 bits, with CF on top."""
    b, size = c.b, dst.size
    carry = b.zext(I64, b.getreg("cf"))

    def rotate_wide(old: Inst, n: Count) -> Inst:
        """All size + 1 <= 33 bits, in the low bits of an i64 (with others above)."""
        wide = b.or_(c.extend(old, I64), b.shl(carry, size))
        n = _wide(c, n)
        back = _minus(c, size + 1, n)
        return b.or_(b.shl(wide, n), b.shr(wide, back)) if left else b.or_(b.shr(wide, n), b.shl(wide, back))

    def rotate_64(old: Inst, n: Count) -> Inst:
        """The low 64 of 65 bits: shifts by 64 and more give 0."""
        if left:
            return b.or_(b.or_(b.shl(old, n), b.shl(carry, _minus(c, n, 1))), b.shr(old, _minus(c, 65, n)))
        return b.or_(b.or_(b.shr(old, n), b.shl(carry, _minus(c, 64, n))), b.shl(old, _minus(c, 65, n)))

    def compute(old: Inst, n: Count) -> Inst:
        return rotate_64(old, n) if size == 64 else c.narrow(rotate_wide(old, n), size)

    def set_flags(old: Inst, result: Inst, n: Count) -> None:
        if size == 64:
            out = c.bit(b.shr(old, _minus(c, 64, n) if left else _minus(c, n, 1)), 0)
        else:
            out = c.bit(rotate_wide(old, n), size)
        flags.set_carry(c, out, flags.negative(c, b.xor(old, result), size))

    _counted(c, dst, count, compute, set_flags, modulus=size + 1)


# Double shifts ------------------------------------------------------------------------------------------------------------
def shld(c: Context, dst: Operand, src: Register, count: Operand) -> None:
    """Of 16 bits with a count above 16, which is undefined: the bits of *dst* come round again."""
    b, size, filler = c.b, dst.size, c.read(src)

    def shifted(old: Inst, n: Count) -> Inst:
        if size == 16:
            return c.narrow(b.shr(b.shl(_thrice(c, old, filler, old), _wide(c, n)), 32), 16)
        return b.or_(b.shl(old, n), b.shr(filler, _minus(c, size, n)))

    def set_flags(old: Inst, result: Inst, n: Count) -> None:
        before = shifted(old, _minus(c, n, 1))
        _set_shift(c, result, flags.negative(c, before, size), flags.negative(c, b.xor(before, result), size), size)

    _counted(c, dst, count, shifted, set_flags)


def shrd(c: Context, dst: Operand, src: Register, count: Operand) -> None:
    b, size, filler = c.b, dst.size, c.read(src)

    def shifted(old: Inst, n: Count) -> Inst:
        if size == 16:
            return c.narrow(b.shr(_thrice(c, old, filler, old), _wide(c, n)), 16)
        return b.or_(b.shr(old, n), b.shl(filler, _minus(c, size, n)))

    def set_flags(old: Inst, result: Inst, n: Count) -> None:
        before = shifted(old, _minus(c, n, 1))
        _set_shift(c, result, c.bit(before, 0), flags.negative(c, b.xor(before, result), size), size)

    _counted(c, dst, count, shifted, set_flags)


def _thrice(c: Context, high: Inst, middle: Inst, low: Inst) -> Inst:
    """Three 16-bit values put together."""
    b = c.b
    return b.or_(b.shl(c.extend(high, I64), 32), b.or_(b.shl(c.extend(middle, I64), 16), c.extend(low, I64)))
