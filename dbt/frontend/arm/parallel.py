"""Parallel addition and subtraction, SEL and the sums of absolute differences (ARM ARM A4.4.4).

The lanes of a register are worked on together: the lanes' top bits are kept out of the addition, so that no carry crosses a lane, and
put right afterwards. A "tops" value below has bits only at the tops of lanes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from dbt.frontend.arm.context import Context
from dbt.ir.unit import Inst

_TOP = {8: 0x80808080, 16: 0x80008000}
_WORD = 0xFFFFFFFF


class _Sums(NamedTuple):
    """Lane results modulo the lane; the top of the exact result, which has a bit more, as tops; and signed overflow as tops."""

    result: Inst
    beyond: Inst
    overflow: Inst


def _add(c: Context, x: Inst, y: Inst, bits: int, signed: bool) -> _Sums:
    b = c.b
    top = _TOP[bits]
    low = top ^ _WORD
    differ = b.xor(x, y)
    result = b.xor(b.add(b.and_(x, low), b.and_(y, low)), b.and_(differ, top))
    overflow = b.and_(b.and_(b.not_(differ), b.xor(x, result)), top)
    if signed:
        beyond = b.xor(b.and_(result, top), overflow)
    else:
        beyond = b.and_(b.or_(b.and_(x, y), b.and_(b.or_(x, y), b.not_(result))), top)
    return _Sums(result, beyond, overflow)


def _sub(c: Context, x: Inst, y: Inst, bits: int, signed: bool) -> _Sums:
    b = c.b
    top = _TOP[bits]
    differ = b.xor(x, y)
    same = b.not_(differ)
    result = b.xor(b.sub(b.or_(x, top), b.and_(y, top ^ _WORD)), b.and_(same, top))
    overflow = b.and_(b.and_(differ, b.xor(x, result)), top)
    if signed:
        beyond = b.xor(b.and_(result, top), overflow)
    else:
        beyond = b.and_(b.or_(b.and_(b.not_(x), y), b.and_(same, result)), top)
    return _Sums(result, beyond, overflow)


def _spread(c: Context, tops: Inst, bits: int) -> Inst:
    """All ones in the lanes with a bit in *tops*."""
    return c.b.mul(c.b.shr(tops, bits - 1), (1 << bits) - 1)


# What becomes of the sums: (context, sums, first operand, lane bits, signed, whether it was an addition) -> result ------------
Finish = Callable[[Context, _Sums, Inst, int, bool, bool], Inst]


def _modulo(c: Context, sums: _Sums, x: Inst, bits: int, signed: bool, adding: bool) -> Inst:
    return sums.result


def _saturated(c: Context, sums: _Sums, x: Inst, bits: int, signed: bool, adding: bool) -> Inst:
    b = c.b
    if not signed:
        hit = _spread(c, sums.beyond, bits)
        return b.or_(sums.result, hit) if adding else b.and_(sums.result, b.not_(hit))
    hit = _spread(c, sums.overflow, bits)
    ones = _TOP[bits] >> (bits - 1)
    limit = b.add(b.and_(b.shr(x, bits - 1), ones), _TOP[bits] - ones)  # 0x7F.. and, where x is negative, 0x80..
    return b.or_(b.and_(sums.result, b.not_(hit)), b.and_(limit, hit))


def _halved(c: Context, sums: _Sums, x: Inst, bits: int, signed: bool, adding: bool) -> Inst:
    b = c.b
    return b.or_(b.and_(b.shr(sums.result, 1), _TOP[bits] ^ _WORD), sums.beyond)


def _greater_equal(c: Context, sums: _Sums, bits: int, signed: bool, adding: bool) -> Inst:
    """Tops of the lanes whose GE bits are set: a carry out of an unsigned addition, else a result of at least 0."""
    if adding and not signed:
        return sums.beyond
    return c.b.xor(sums.beyond, _TOP[bits])


def _set_ge(c: Context, tops: Inst, bits: int) -> None:
    """GE from tops; a halfword lane has two bits."""
    b = c.b
    if bits == 16:
        tops = b.or_(tops, b.shr(tops, 8))
    # Bits 0, 8, 16 and 24, each moved to bits 28, 29, 30, 31.
    b.put(b.shr(b.mul(b.shr(tops, 7), 0x10204080), 28), slot="ge")


def _merge(c: Context, high: Inst, low: Inst) -> Inst:
    b = c.b
    return b.or_(b.and_(high, 0xFFFF0000), b.and_(low, 0xFFFF))


Semantics = Callable[[Context, int, int, int], None]


def _family(finish: Finish, signed: bool) -> tuple[Semantics, Semantics, Semantics, Semantics, Semantics, Semantics]:
    """The six instructions of a family: ADD16, ASX, SAX, SUB16, ADD8, SUB8."""

    def straight(sums_of: Callable[[Context, Inst, Inst, int, bool], _Sums], bits: int) -> Semantics:
        adding = sums_of is _add

        def parallel(c: Context, Rd: int, Rn: int, Rm: int) -> None:
            x, y = c.get_reg(Rn), c.get_reg(Rm)
            sums = sums_of(c, x, y, bits, signed)
            if finish is _modulo:
                _set_ge(c, _greater_equal(c, sums, bits, signed, adding), bits)
            c.put_reg(Rd, finish(c, sums, x, bits, signed, adding))

        return parallel

    def exchanged(high_adds: bool) -> Semantics:
        def parallel(c: Context, Rd: int, Rn: int, Rm: int) -> None:
            x, y = c.get_reg(Rn), c.b.rotr(c.get_reg(Rm), 16)
            made = {True: _add(c, x, y, 16, signed), False: _sub(c, x, y, 16, signed)}
            if finish is _modulo:
                tops = {adding: _greater_equal(c, sums, 16, signed, adding) for adding, sums in made.items()}
                _set_ge(c, _merge(c, tops[high_adds], tops[not high_adds]), 16)
            done = {adding: finish(c, sums, x, 16, signed, adding) for adding, sums in made.items()}
            c.put_reg(Rd, _merge(c, done[high_adds], done[not high_adds]))

        return parallel

    return straight(_add, 16), exchanged(True), exchanged(False), straight(_sub, 16), straight(_add, 8), straight(_sub, 8)


sadd16, sasx, ssax, ssub16, sadd8, ssub8 = _family(_modulo, signed=True)
uadd16, uasx, usax, usub16, uadd8, usub8 = _family(_modulo, signed=False)
qadd16, qasx, qsax, qsub16, qadd8, qsub8 = _family(_saturated, signed=True)
uqadd16, uqasx, uqsax, uqsub16, uqadd8, uqsub8 = _family(_saturated, signed=False)
shadd16, shasx, shsax, shsub16, shadd8, shsub8 = _family(_halved, signed=True)
uhadd16, uhasx, uhsax, uhsub16, uhadd8, uhsub8 = _family(_halved, signed=False)


def sel(c: Context, Rd: int, Rn: int, Rm: int) -> None:
    """Each byte from Rn where its GE bit is set, else from Rm."""
    b = c.b
    # GE bits 0 to 3 to bits 0, 8, 16 and 24, then to whole bytes.
    mask = b.mul(b.and_(b.mul(b.getreg("ge"), 0x00204081), 0x01010101), 0xFF)
    x, y = c.get_reg(Rn), c.get_reg(Rm)
    c.put_reg(Rd, b.xor(y, b.and_(b.xor(x, y), mask)))


def usad8(c: Context, Rd: int, Rn: int, Rm: int) -> None:
    c.put_reg(Rd, _absolute_differences(c, Rn, Rm))


def usada8(c: Context, Rd: int, Ra: int, Rn: int, Rm: int) -> None:
    c.put_reg(Rd, c.b.add(_absolute_differences(c, Rn, Rm), c.get_reg(Ra)))


def _absolute_differences(c: Context, Rn: int, Rm: int) -> Inst:
    b = c.b
    x, y = c.get_reg(Rn), c.get_reg(Rm)
    total = b.i32(0)
    for shift in (0, 8, 16, 24):
        difference = b.sub(b.and_(b.shr(x, shift), 0xFF), b.and_(b.shr(y, shift), 0xFF))
        total = b.add(total, b.select(b.slt(difference, 0), b.neg(difference), difference))
    return total
