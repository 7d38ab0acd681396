"""Decimal arithmetic (SDM vol. 1, 5.1.3), in 32-bit code only. The flags that are undefined are those that processors and the oracle leave."""

from __future__ import annotations

from dbt.frontend.x86 import flags
from dbt.frontend.x86.context import AX, Context
from dbt.frontend.x86.operands import Immediate
from dbt.ir.unit import Inst


def daa(c: Context) -> None:
    b = c.b
    al, low, carry = _digits(c)
    high = b.or_(b.ult(0x99, al), carry)
    result = b.add(b.add(al, _if(c, low, 6)), _if(c, high, 0x60))
    _decimal(c, c.narrow(result, 8), low, high)


def das(c: Context) -> None:
    b = c.b
    al, low, carry = _digits(c)
    high = b.or_(b.ult(0x99, al), carry)
    borrowed = b.and_(low, b.or_(b.ult(al, 6), carry))
    result = b.sub(b.sub(al, _if(c, low, 6)), _if(c, high, 0x60))
    _decimal(c, c.narrow(result, 8), low, b.or_(high, borrowed))


def _digits(c: Context) -> tuple[Inst, Inst, Inst]:
    """AL, whether its low digit needs an adjustment, and CF."""
    b = c.b
    al = c.get_register(AX, 8)
    return al, b.or_(b.ult(9, b.and_(al, 15)), flags.adjust(c)), b.getreg("cf")


def _if(c: Context, condition: Inst, value: int) -> Inst:
    return c.b.select(condition, c.b.i32(value), c.b.i32(0))


def _decimal(c: Context, result: Inst, adjusted: Inst, carry: Inst) -> None:
    flags.set_carry(c, carry, 0)
    flags.set_result(c, result, 8)
    flags.put(c, "af", c.b.xor(result, _if(c, adjusted, 1 << 4)))
    c.put_register(AX, result, 8)


def aaa(c: Context) -> None:
    b = c.b
    al, adjusted, _ = _digits(c)
    carry = b.zext(al.type, b.ult(0xF9, al))
    _ascii(c, adjusted, b.add(al, _if(c, adjusted, 6)), b.add(carry, 1))


def aas(c: Context) -> None:
    b = c.b
    al, adjusted, _ = _digits(c)
    borrow = b.zext(al.type, b.ult(al, 6))
    _ascii(c, adjusted, b.sub(al, _if(c, adjusted, 6)), b.neg(b.add(borrow, 1)))


def _ascii(c: Context, adjusted: Inst, al: Inst, step: Inst) -> None:
    """AAA and AAS: CF and AF tell whether AL was adjusted and AH stepped."""
    b = c.b
    ah = b.shr(c.get_register(AX, 16), 8)
    ah = b.and_(b.select(adjusted, b.add(ah, step), ah), 0xFF)
    pf = b.getreg("pf")
    flags.put(c, "cf", adjusted)
    flags.put(c, "af", b.xor(pf, _if(c, adjusted, 1 << 4)))
    c.put_register(AX, b.or_(b.and_(al, 15), b.shl(ah, 8)), 16)


def aam(c: Context, base: Immediate) -> None:
    b = c.b
    radix = base.value & 0xFF
    if radix == 0:
        c.raise_exception("divide")
        return
    al = c.get_register(AX, 8)
    _set_al(c, b.urem(al, radix), b.udiv(al, radix))


def aad(c: Context, base: Immediate) -> None:
    b = c.b
    ax = c.get_register(AX, 16)
    total = b.add(b.mul(b.shr(ax, 8), base.value & 0xFF), b.and_(ax, 0xFF))
    _set_al(c, b.and_(total, 0xFF), b.i32(0))


def _set_al(c: Context, al: Inst, ah: Inst) -> None:
    flags.set_logic(c, al, 8)
    c.put_register(AX, c.b.or_(al, c.b.shl(ah, 8)), 16)
