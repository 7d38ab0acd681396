"""The status flags (SDM vol. 1, 3.4.3.1), written raw as ``dbt.abi.x86`` says, and the conditions that read them (vol. 1, appendix B).

Functions take operands and results with zeros above the operation's size. Narrow operands are shifted to the top of 32 bits where signs and overflows are asked
for: the same compares and overflow rows then serve all sizes.
"""

from __future__ import annotations

from dbt.abi import x86
from dbt.frontend.x86.context import Context
from dbt.ir.types import I1, I32
from dbt.ir.unit import Inst


def top(c: Context, value: Inst, size: int) -> Inst:
    """A value with its sign bit moved to that of the working type."""
    return c.b.shl(value, 32 - size) if size < 32 else value


def negative(c: Context, value: Inst, size: int) -> Inst:
    """Its sign bit as an i1."""
    return c.b.slt(top(c, value, size), 0)


def put(c: Context, slot: str, value: Inst) -> None:
    """Write a flag's slot, or leave it as it is if the context's guard does not hold."""
    if value.type is not c.b.slots[slot]:
        value = c.extend(value, c.word)
    if c.guard is not None:
        value = c.b.select(c.guard, value, c.b.getreg(slot))
    c.b.put(value, slot=slot)


def set_result(c: Context, result: Inst, size: int, sign: Inst | None = None) -> None:
    """ZF, SF and PF from a result; *sign* if it is known already."""
    put(c, "zf", result)
    put(c, "pf", result)
    put(c, "sf", negative(c, result, size) if sign is None else sign)


def set_af(c: Context, a: Inst, b: Inst | int) -> None:
    """AF of a sum or difference of *a* and *b*, whose result ``set_result`` has written."""
    put(c, "af", c.b.xor(a, b))


def clear_af(c: Context, result: Inst) -> None:
    """AF = 0, where ``set_result`` has written *result*."""
    put(c, "af", result)


def set_carry(c: Context, carry: Inst | int, overflow: Inst | int) -> None:
    for slot, value in (("cf", carry), ("of", overflow)):
        put(c, slot, value if isinstance(value, Inst) else c.b.const(I1, value))


def set_logic(c: Context, result: Inst, size: int) -> None:
    """AND, OR, XOR, TEST: CF = OF = 0; AF, which is undefined, is 0."""
    set_carry(c, 0, 0)
    set_result(c, result, size)
    clear_af(c, result)


def set_add(c: Context, a: Inst, b: Inst, result: Inst, size: int) -> None:
    set_carry(c, c.b.ult(result, a), c.b.addo(top(c, a, size), top(c, b, size)))
    set_result(c, result, size)
    set_af(c, a, b)


def set_adc(c: Context, a: Inst, b: Inst, carry: Inst, result: Inst, size: int) -> None:
    """*result* is a + b + carry."""
    if size >= 32:
        set_carry(c, c.b.carry(a, b, carry), c.b.adco(a, b, carry))
    else:
        total = c.b.add(c.b.add(a, b), c.flag_to(carry, size))
        signs = c.b.and_(c.b.xor(a, result), c.b.xor(b, result))
        set_carry(c, c.b.ne(c.b.shr(total, size), 0), negative(c, signs, size))
    set_result(c, result, size)
    set_af(c, a, b)


def set_sub(c: Context, a: Inst, b: Inst, result: Inst, size: int) -> None:
    high_a, high_b = top(c, a, size), top(c, b, size)
    set_carry(c, c.b.ult(a, b), c.b.subo(high_a, high_b))
    set_result(c, result, size, c.b.slt(c.b.sub(high_a, high_b), 0) if size < 32 else None)
    set_af(c, a, b)


def set_sbb(c: Context, a: Inst, b: Inst, borrow: Inst, result: Inst, size: int) -> None:
    """*result* is a - b - borrow."""
    if size >= 32:
        complement, no_borrow = c.b.not_(b), c.b.not_(borrow)
        set_carry(c, c.b.not_(c.b.carry(a, complement, no_borrow)), c.b.adco(a, complement, no_borrow))
    else:
        total = c.b.sub(c.b.sub(a, b), c.flag_to(borrow, size))
        signs = c.b.and_(c.b.xor(a, b), c.b.xor(a, result))
        set_carry(c, c.b.slt(total, 0), negative(c, signs, size))
    set_result(c, result, size)
    set_af(c, a, b)


def set_zero(c: Context, zero: Inst) -> None:
    """ZF alone, from an i1."""
    put(c, "zf", c.b.zext(c.word, c.b.not_(zero)))


# Reading ----------------------------------------------------------------------------------------------------------------
def zero(c: Context) -> Inst:
    """ZF as an i1."""
    return c.b.eq(c.b.getreg("zf"), 0)


def parity(c: Context) -> Inst:
    """PF as an i1."""
    b = c.b
    return b.not_(b.trunc(I1, b.popcnt(b.and_(b.getreg("pf"), 0xFF))))


def adjust(c: Context) -> Inst:
    """AF as an i1."""
    return c.bit(c.b.xor(c.b.getreg("af"), c.b.getreg("pf")), 4)


def condition(c: Context, cc: int) -> Inst:
    """Condition *cc* of Jcc, SETcc and CMOVcc (tttn in SDM vol. 2D, table B-10) as an i1."""
    b = c.b
    kind = cc >> 1
    if kind == 0:  # O
        holds = b.getreg("of")
    elif kind == 1:  # B
        holds = b.getreg("cf")
    elif kind == 2:  # Z
        holds = zero(c)
    elif kind == 3:  # BE
        holds = b.or_(b.getreg("cf"), zero(c))
    elif kind == 4:  # S
        holds = b.getreg("sf")
    elif kind == 5:  # P
        holds = parity(c)
    elif kind == 6:  # L
        holds = b.xor(b.getreg("sf"), b.getreg("of"))
    else:  # LE
        holds = b.or_(zero(c), b.xor(b.getreg("sf"), b.getreg("of")))
    return b.not_(holds) if cc & 1 else holds


# EFLAGS as a word -------------------------------------------------------------------------------------------------------
def status_word(c: Context) -> Inst:
    """SF, ZF, AF, PF, CF and the fixed bit 1 in their places (what LAHF reads), as an i32."""
    b = c.b
    word = b.or_(b.zext(I32, b.getreg("cf")), 1 << 1)
    for flag, bit in ((parity(c), x86.PF), (adjust(c), x86.AF), (zero(c), x86.ZF), (b.getreg("sf"), x86.SF)):
        word = b.or_(word, b.shl(b.zext(I32, flag), bit.bit_length() - 1))
    return word


def eflags_word(c: Context) -> Inst:
    """EFLAGS as PUSHF reads it, as an i32."""
    b = c.b
    word = b.or_(b.or_(status_word(c), b.getreg("eflags")), x86.EFLAGS_FIXED)
    for slot, bit in (("of", x86.OF), ("df", x86.DF)):
        word = b.or_(word, b.shl(b.zext(I32, b.getreg(slot)), bit.bit_length() - 1))
    return word


def set_status_word(c: Context, word: Inst) -> None:
    """SF, ZF, AF, PF and CF from their places in an i32 (what SAHF writes)."""
    b = c.b
    odd = b.xor(b.and_(b.shr(word, x86.PF.bit_length() - 1), 1), 1)
    put(c, "cf", c.bit(word, 0))
    put(c, "sf", c.bit(word, x86.SF.bit_length() - 1))
    put(c, "zf", b.xor(b.and_(word, x86.ZF), x86.ZF))
    put(c, "pf", odd)
    put(c, "af", b.or_(b.and_(word, x86.AF), odd))


def set_eflags_word(c: Context, word: Inst, size: int) -> None:
    """EFLAGS from an i32, as POPF of *size* bits lets user code (CPL 3, IOPL 0) write it."""
    b = c.b
    set_status_word(c, word)
    for slot, bit in (("of", x86.OF), ("df", x86.DF)):
        put(c, slot, c.bit(word, bit.bit_length() - 1))
    other = x86.EFLAGS_OTHER if size > 16 else x86.EFLAGS_OTHER & 0xFFFF
    new = b.and_(word, other)
    if size == 16:
        new = b.or_(new, b.and_(b.getreg("eflags"), x86.EFLAGS_OTHER & ~0xFFFF))
    b.put(new, slot="eflags")
