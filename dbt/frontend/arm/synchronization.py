"""Synchronization primitives and barriers (ARM ARM A3.4, A3.8; ARMv8 AArch32: the acquire and release forms).

Exclusives are ``ldlink``/``stcond`` of the access's size, so they carry the architecture's meaning into the IR. A load-acquire
is a load and an acquire fence; a store-release has a release fence before it and a full one after it, which keeps it ordered before a later load-acquire.
"""

from __future__ import annotations

from dbt.frontend.arm.context import PC, Context
from dbt.frontend.arm.load_store import join_words, split_words
from dbt.ir.types import I8, I16, I32, I64, Type
from dbt.ir.unit import Inst

_TYPES: tuple[Type, ...] = (I8, I16, I32, I64)


# Load-exclusive: size 0 byte, 1 halfword, 2 word, 3 doubleword ----------------------------------------------------------------
def ldrex(c: Context, Rt: int, Rn: int, size: int, imm8: int = 0, Rt2: int | None = None) -> None:
    """LDREX, LDREXB, LDREXH, LDREXD; *imm8* counts words."""
    type = _TYPES[size]
    second = _second(c, Rt, Rt2) if size == 3 else None
    _check(c, Rn, Rt)
    raw = c.b.ldlink(type, _address(c, Rn, imm8))
    _put_loaded(c, Rt, second, raw)


def ldaex(c: Context, Rt: int, Rn: int, size: int, Rt2: int | None = None) -> None:
    """LDAEX, LDAEXB, LDAEXH, LDAEXD."""
    second = _second(c, Rt, Rt2) if size == 3 else None
    _check(c, Rn, Rt)
    raw = c.b.ldlink(_TYPES[size], c.get_reg(Rn))
    c.b.fence(order="acquire")
    _put_loaded(c, Rt, second, raw)


def lda(c: Context, Rt: int, Rn: int, size: int) -> None:
    """LDA, LDAB, LDAH."""
    _check(c, Rn, Rt)
    raw = c.b.ld(_TYPES[size], c.get_reg(Rn), align=1 << size)
    c.b.fence(order="acquire")
    _put_loaded(c, Rt, None, raw)


# Store-exclusive ----------------------------------------------------------------------------------------------------------
def strex(c: Context, Rd: int, Rt: int, Rn: int, size: int, imm8: int = 0, Rt2: int | None = None) -> None:
    """STREX, STREXB, STREXH, STREXD: Rd is 0 if it stored, else 1."""
    second = _second(c, Rt, Rt2) if size == 3 else None
    _check(c, Rn, Rt, Rd, second)
    _check_status(c, Rd, Rn, Rt, second)
    failed = c.b.stcond(_address(c, Rn, imm8), _stored(c, Rt, second, size))
    c.put_reg(Rd, c.flag(failed))


def stlex(c: Context, Rd: int, Rt: int, Rn: int, size: int, Rt2: int | None = None) -> None:
    """STLEX, STLEXB, STLEXH, STLEXD."""
    c.b.fence(order="release")
    strex(c, Rd, Rt, Rn, size, 0, Rt2)


def stl(c: Context, Rt: int, Rn: int, size: int) -> None:
    """STL, STLB, STLH."""
    _check(c, Rn, Rt)
    c.b.fence(order="release")
    c.b.st(c.get_reg(Rn), _stored(c, Rt, None, size), align=1 << size)
    c.b.fence(order="seq_cst")


def _address(c: Context, Rn: int, imm8: int) -> Inst:
    return c.b.add(c.get_reg(Rn), 4 * imm8) if imm8 else c.get_reg(Rn)


def _second(c: Context, Rt: int, Rt2: int | None) -> int:
    """Second register of a doubleword: the next one in A32, where the first must be even."""
    if Rt2 is None:
        Rt2 = Rt + 1
        if Rt & 1 or Rt == 14:
            c.unpredictable()
    return Rt2


def _check(c: Context, *registers: int | None) -> None:
    if PC in registers:
        c.unpredictable()


def _check_status(c: Context, Rd: int, *others: int | None) -> None:
    if Rd in others:
        c.unpredictable()


def _put_loaded(c: Context, Rt: int, second: int | None, raw: Inst) -> None:
    if second is None:
        c.put_reg(Rt, c.extend(c.swap(raw)))
        return
    if Rt == second:
        c.unpredictable()
    low, high = split_words(c, raw)
    c.put_reg(Rt, low)
    c.put_reg(second, high)


def _stored(c: Context, Rt: int, second: int | None, size: int) -> Inst:
    if second is None:
        return c.swap(c.narrow(c.get_reg(Rt), 8 << size))
    return join_words(c, c.get_reg(Rt), c.get_reg(second))


# The rest -----------------------------------------------------------------------------------------------------------------
def clrex(c: Context) -> None:
    c.b.clrex()


def swp(c: Context, Rt: int, Rt2: int, Rn: int, size: int) -> None:
    """SWP and SWPB: Rt = the old value, Rt2 is stored."""
    _check(c, Rt, Rt2, Rn)
    old = c.b.rmw_xchg(c.get_reg(Rn), _stored(c, Rt2, None, size), align=1 << size)
    _put_loaded(c, Rt, None, old)


def dmb(c: Context, option: int) -> None:
    """DMB: bits 1-0 of *option* say for which accesses, 2 for stores with stores (ST), 1 for loads with what follows (LD, ARMv8). The domain does not
    matter: there is one."""
    c.b.fence(order={1: "acquire", 2: "release"}.get(option & 3, "seq_cst"))


def dsb(c: Context) -> None:
    """DSB, whatever its option: a full fence."""
    c.b.fence(order="seq_cst")


def isb(c: Context) -> None:
    """ISB: with a branch before it, it keeps later loads behind an earlier one. Code that was written is seen without it."""
    c.b.fence(order="acquire")
