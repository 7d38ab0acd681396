"""VLDR, VSTR, VLDM, VSTM, VPUSH and VPOP (ARM ARM A7.6). Every address must be word-aligned."""

from __future__ import annotations

from dbt.frontend.arm.context import PC, Context
from dbt.frontend.arm.simd import double, double_spans, reverse_bytes, single
from dbt.ir.types import I32, V64, Type
from dbt.ir.unit import Inst

_WORD = 4
_DOUBLE = 8


def _load(c: Context, type: Type, base: Inst, offset: int) -> Inst:
    """Load a single (i32) or doublewords (vector)."""
    value = c.b.ld(type, c.b.add(base, offset) if offset else base, align=_WORD)
    if type is I32:
        return c.swap(value)
    return reverse_bytes(c.b, value, _DOUBLE) if c.big_endian else value


def _store(c: Context, base: Inst, offset: int, value: Inst) -> None:
    if value.type is I32:
        value = c.swap(value)
    elif c.big_endian:
        value = reverse_bytes(c.b, value, _DOUBLE)
    c.b.st(c.b.add(base, offset) if offset else base, value, align=_WORD)


# One register -------------------------------------------------------------------------------------------------------------
def _address(c: Context, U: int, Rn: int, imm8: int) -> tuple[Inst, int]:
    """(base, offset in bytes); the PC is word-aligned."""
    offset = _WORD * imm8 if U else -_WORD * imm8
    if Rn == PC:
        return c.pc_relative(offset), 0
    return c.get_reg(Rn), offset


def vldr_single(c: Context, U: int, D: int, Rn: int, Vd: int, imm8: int) -> None:
    c.b.put(_load(c, I32, *_address(c, U, Rn, imm8)), slot=f"s{single(D, Vd)}")


def vldr_double(c: Context, U: int, D: int, Rn: int, Vd: int, imm8: int) -> None:
    c.b.put(_load(c, V64, *_address(c, U, Rn, imm8)), slot=f"d{double(D, Vd)}")


def vstr_single(c: Context, U: int, D: int, Rn: int, Vd: int, imm8: int) -> None:
    _store(c, *_address(c, U, Rn, imm8), c.b.get(I32, slot=f"s{single(D, Vd)}"))


def vstr_double(c: Context, U: int, D: int, Rn: int, Vd: int, imm8: int) -> None:
    _store(c, *_address(c, U, Rn, imm8), c.b.getreg(f"d{double(D, Vd)}"))


# Several registers --------------------------------------------------------------------------------------------------------
_Places = list[tuple[str, Type, int]]  # (slot, type, memory offset)


def _single_places(c: Context, D: int, Vd: int, imm8: int) -> _Places:
    first = single(D, Vd)
    if imm8 == 0 or first + imm8 > 32:
        c.unpredictable()
    return [(f"s{first + i}", I32, _WORD * i) for i in range(imm8)]


def _double_places(c: Context, D: int, Vd: int, imm8: int) -> _Places:
    """An odd imm8 is FLDMX or FSTMX: the same registers, one more word of memory passed over."""
    first, count = double(D, Vd), imm8 // 2
    if not 0 < count <= 16 or first + count > 32:
        c.unpredictable()
    return double_spans(first, count)


def _start(c: Context, Rn: int, W: int, size: int, down: int) -> Inst:
    """The lowest address. The PC is a base in A32 only, and is not written back."""
    if Rn == PC and (W or c.thumb):
        c.unpredictable()
    base = c.base(Rn)
    return c.b.sub(base, size) if down else base


def _load_multiple(c: Context, places: _Places, Rn: int, W: int, size: int, down: int) -> None:
    start = _start(c, Rn, W, size, down)
    values = [(slot, _load(c, type, start, offset)) for slot, type, offset in places]
    for slot, value in values:
        c.b.put(value, slot=slot)
    _write_back(c, start, Rn, W, size, down)


def _store_multiple(c: Context, places: _Places, Rn: int, W: int, size: int, down: int) -> None:
    start = _start(c, Rn, W, size, down)
    for slot, type, offset in places:
        _store(c, start, offset, c.b.get(type, slot=slot))
    _write_back(c, start, Rn, W, size, down)


def _write_back(c: Context, start: Inst, Rn: int, W: int, size: int, down: int) -> None:
    if W:
        c.put_reg(Rn, start if down else c.b.add(start, size))


def vldm_single(c: Context, D: int, W: int, Rn: int, Vd: int, imm8: int, down: int = 0) -> None:
    _load_multiple(c, _single_places(c, D, Vd, imm8), Rn, W, _WORD * imm8, down)


def vldm_double(c: Context, D: int, W: int, Rn: int, Vd: int, imm8: int, down: int = 0) -> None:
    _load_multiple(c, _double_places(c, D, Vd, imm8), Rn, W, _WORD * imm8, down)


def vstm_single(c: Context, D: int, W: int, Rn: int, Vd: int, imm8: int, down: int = 0) -> None:
    _store_multiple(c, _single_places(c, D, Vd, imm8), Rn, W, _WORD * imm8, down)


def vstm_double(c: Context, D: int, W: int, Rn: int, Vd: int, imm8: int, down: int = 0) -> None:
    _store_multiple(c, _double_places(c, D, Vd, imm8), Rn, W, _WORD * imm8, down)
