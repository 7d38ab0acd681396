"""Load and store instructions of one or two registers, and the preload hints (ARM ARM A4.6, A8.8).

P, U and W as in the manual: P = 1 uses the indexed address, U = 1 adds the offset, and P = 0 or W = 1 writes the indexed address back. The
unprivileged forms (LDRT...) equal the others in User mode. *scale* shifts the offset of the 16-bit encodings left. The base register is written after the
last access that may fault, and before the loaded register, which so wins if they are the same.
"""

from __future__ import annotations

from collections.abc import Callable

from dbt.frontend.arm.context import PC, SP, Context
from dbt.frontend.arm.operands import shift_imm
from dbt.ir.types import I32, I64
from dbt.ir.unit import Inst

Semantics = Callable[..., None]


class _Access:
    """Address of an access, and what its base register becomes."""

    __slots__ = ("address", "base", "indexed")

    def __init__(self, c: Context, Rn: int, P: int, W: int, offset: int, index: Inst | None = None, U: int = 1) -> None:
        b = c.b
        self.base = Rn if not P or W else None
        if self.base == PC:
            c.unpredictable()
        if index is None:
            if Rn == PC:
                self.address = c.pc_relative(offset)
                return
            start = c.get_reg(Rn)
            self.indexed = b.add(start, offset) if offset else start
        else:
            start = c.base(Rn)
            self.indexed = b.add(start, index) if U else b.sub(start, index)
        self.address = self.indexed if P else start

    def write_back(self, c: Context) -> None:
        if self.base is not None:
            c.put_reg(self.base, self.indexed)


def _immediate(c: Context, Rn: int, imm: int, P: int, U: int, W: int) -> _Access:
    return _Access(c, Rn, P, W, imm if U else -imm)


def _register(c: Context, Rn: int, Rm: int, type: int, imm5: int, P: int, U: int, W: int) -> _Access:
    if Rm == PC:
        c.unpredictable()
    return _Access(c, Rn, P, W, 0, shift_imm(c, c.get_reg(Rm), type, imm5)[0], U)


def _loaded(c: Context, access: _Access, Rt: int, Rn: int, bits: int, signed: bool) -> None:
    value = c.load(access.address, bits, signed)
    access.write_back(c)
    if Rt != PC:
        c.put_reg(Rt, value)
    elif bits == 32:
        c.load_write_pc(value, "ret" if Rn == SP and access.base is not None else "jump")
    else:
        c.unpredictable()


def _load(bits: int, signed: bool = False) -> tuple[Semantics, Semantics]:
    """The immediate and the register form of a load."""

    def imm(c: Context, Rt: int, Rn: int, imm: int, P: int = 1, U: int = 1, W: int = 0, scale: int = 0) -> None:
        _loaded(c, _immediate(c, Rn, imm << scale, P, U, W), Rt, Rn, bits, signed)

    def reg(c: Context, Rt: int, Rn: int, Rm: int, type: int = 0, imm5: int = 0, P: int = 1, U: int = 1, W: int = 0) -> None:
        _loaded(c, _register(c, Rn, Rm, type, imm5, P, U, W), Rt, Rn, bits, signed)

    return imm, reg


def _store(bits: int) -> tuple[Semantics, Semantics]:
    """The immediate and the register form of a store."""

    def stored(c: Context, access: _Access, Rt: int, Rn: int) -> None:
        if c.thumb and Rn == PC:
            c.undefined()
        c.store(access.address, c.get_reg(Rt), bits)
        access.write_back(c)

    def imm(c: Context, Rt: int, Rn: int, imm: int, P: int = 1, U: int = 1, W: int = 0, scale: int = 0) -> None:
        stored(c, _immediate(c, Rn, imm << scale, P, U, W), Rt, Rn)

    def reg(c: Context, Rt: int, Rn: int, Rm: int, type: int = 0, imm5: int = 0, P: int = 1, U: int = 1, W: int = 0) -> None:
        stored(c, _register(c, Rn, Rm, type, imm5, P, U, W), Rt, Rn)

    return imm, reg


ldr_imm, ldr_reg = _load(32)
ldrb_imm, ldrb_reg = _load(8)
ldrh_imm, ldrh_reg = _load(16)
ldrsb_imm, ldrsb_reg = _load(8, signed=True)
ldrsh_imm, ldrsh_reg = _load(16, signed=True)
str_imm, str_reg = _store(32)
strb_imm, strb_reg = _store(8)
strh_imm, strh_reg = _store(16)


# Two registers ----------------------------------------------------------------------------------------------------------
def split_words(c: Context, pair: Inst) -> tuple[Inst, Inst]:
    """The words at the lower and at the higher address of a doubleword in memory."""
    b = c.b
    return c.swap(b.trunc(I32, pair)), c.swap(b.trunc(I32, b.shr(pair, 32)))


def join_words(c: Context, low: Inst, high: Inst) -> Inst:
    """The doubleword in memory of the words at the lower and at the higher address."""
    b = c.b
    return b.or_(b.zext(I64, c.swap(low)), b.shl(b.zext(I64, c.swap(high)), 32))


def _second(c: Context, Rt: int, Rt2: int | None, P: int, W: int) -> int:
    """The second register: the next one in A32, where the first must be even, and there are no unprivileged forms."""
    if Rt2 is None:
        if Rt & 1 or Rt == 14 or W and not P:
            c.unpredictable()
        return Rt + 1
    return Rt2


def _loaded_pair(c: Context, access: _Access, Rt: int, second: int) -> None:
    if Rt == second or access.base in (Rt, second):
        c.unpredictable()
    low, high = split_words(c, c.b.ld(I64, access.address, align=4))
    access.write_back(c)
    c.put_reg(Rt, low)
    c.put_reg(second, high)


def _stored_pair(c: Context, access: _Access, Rt: int, second: int) -> None:
    c.b.st(access.address, join_words(c, c.get_reg(Rt), c.get_reg(second)), align=4)
    access.write_back(c)


def ldrd_imm(c: Context, Rt: int, Rn: int, imm: int, P: int, U: int, W: int, Rt2: int | None = None, scale: int = 0) -> None:
    _loaded_pair(c, _immediate(c, Rn, imm << scale, P, U, W), Rt, _second(c, Rt, Rt2, P, W))


def ldrd_reg(c: Context, Rt: int, Rn: int, Rm: int, P: int, U: int, W: int) -> None:
    _loaded_pair(c, _register(c, Rn, Rm, 0, 0, P, U, W), Rt, _second(c, Rt, None, P, W))


def strd_imm(c: Context, Rt: int, Rn: int, imm: int, P: int, U: int, W: int, Rt2: int | None = None, scale: int = 0) -> None:
    if c.thumb and Rn == PC:
        c.unpredictable()
    _stored_pair(c, _immediate(c, Rn, imm << scale, P, U, W), Rt, _second(c, Rt, Rt2, P, W))


def strd_reg(c: Context, Rt: int, Rn: int, Rm: int, P: int, U: int, W: int) -> None:
    _stored_pair(c, _register(c, Rn, Rm, 0, 0, P, U, W), Rt, _second(c, Rt, None, P, W))


# Hints ------------------------------------------------------------------------------------------------------------------
def preload(c: Context) -> None:
    """PLD, PLDW and PLI: nothing to do for a translator."""
