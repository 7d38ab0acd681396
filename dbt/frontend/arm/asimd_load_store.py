"""Advanced SIMD element and structure loads and stores, VLD1-VLD4 and VST1-VST4 (ARM ARM A7.7).

Every access is a little-endian one of the whole doubleword; in big-endian mode the bytes of each element are then reversed. Loads come before
any register is written, the base register is written last.
"""

from __future__ import annotations

from dbt.frontend.arm.context import PC, SP, Context
from dbt.frontend.arm.simd import double, double_spans, reverse_bytes
from dbt.ir.builder import Builder
from dbt.ir.types import I32, V64
from dbt.ir.unit import Inst

_DOUBLE_BYTES = 8
_LAST_DOUBLE = 31


def _base(c: Context, n: int) -> Inst:
    if n == PC:
        c.unpredictable()
    return c.get_reg(n)


def _write_back(c: Context, base: Inst, n: int, m: int, size: int) -> None:
    """R[n] moves by the transfer's *size* in bytes if Rm is 13, by R[m] otherwise, and stays if Rm is 15."""
    if m != PC:
        c.put_reg(n, c.b.add(base, size if m == SP else c.get_reg(m)))


def _advance(b: Builder, base: Inst, offset: int) -> Inst:
    return b.add(base, offset) if offset else base


# Multiple structures ------------------------------------------------------------------------------------------------------
def _gather(b: Builder, sources: list[Inst], picks: list[int]) -> Inst:
    """The v64 whose byte i is byte ``picks[i]`` of the concatenated v64 *sources* (at most four)."""
    if len(sources) <= 2:
        return b.vshuf(sources[0], sources[-1], perm=tuple(picks))
    half = 2 * _DOUBLE_BYTES
    low = b.vshuf(sources[0], sources[1], perm=tuple([i if i < half else 0 for i in picks]))
    high = b.vshuf(sources[2], sources[-1], perm=tuple([i - half if i >= half else 0 for i in picks]))
    return b.vshuf(low, high, perm=tuple([i + _DOUBLE_BYTES * (at >= half) for i, at in enumerate(picks)]))


def _structure_bytes(n: int, element: int) -> list[int]:
    """Where each byte of *n* interleaved doublewords in memory stands in the *n* registers, one after the other; *element* in bytes."""
    places = []
    for at in range(n * _DOUBLE_BYTES):
        index, byte = divmod(at, element)
        places.append(index % n * _DOUBLE_BYTES + index // n * element + byte)
    return places


def _check_multiple(c: Context, n: int, regs: int, inc: int, d: int, size: int, align: int) -> int:
    """Alignment in bytes; the last register must exist."""
    doubles = n * regs
    if n > 1 and size == 3 or align > 1 and doubles in (1, 3) or align == 3 and doubles == 2:
        c.undefined()
    if d + regs - 1 + (n - 1) * inc > _LAST_DOUBLE:
        c.unpredictable()
    return 4 << align if align else 1


def _element_order(c: Context, value: Inst, element: int) -> Inst:
    """Between memory and register order of *element* bytes."""
    return reverse_bytes(c.b, value, element) if c.big_endian and element > 1 else value


def vld(c: Context, D: int, Rn: int, Vd: int, size: int, align: int, Rm: int, n: int, regs: int, inc: int) -> None:
    """VLD*n* (multiple *n*-element structures): *regs* registers for each member, the members *inc* apart."""
    d, element = double(D, Vd), 1 << size
    alignment = _check_multiple(c, n, regs, inc, d, size, align)
    b, base = c.b, _base(c, Rn)
    loaded: list[tuple[str, Inst]] = []
    if n == 1:
        for slot, type, offset in double_spans(d, regs):
            value = b.ld(type, _advance(b, base, offset), align=1 if offset else alignment)
            loaded.append((slot, _element_order(c, value, element)))
    else:
        places = _structure_bytes(n, element)
        for r in range(regs):
            doubles = []
            for i in range(r * n, (r + 1) * n):
                value = b.ld(V64, _advance(b, base, i * _DOUBLE_BYTES), align=1 if i else alignment)
                doubles.append(_element_order(c, value, element))
            for member in range(n):
                picks = [places.index(member * _DOUBLE_BYTES + byte) for byte in range(_DOUBLE_BYTES)]
                loaded.append((f"d{d + r + member * inc}", _gather(b, doubles, picks)))
    for slot, value in loaded:
        b.put(value, slot=slot)
    _write_back(c, base, Rn, Rm, n * regs * _DOUBLE_BYTES)


def vst(c: Context, D: int, Rn: int, Vd: int, size: int, align: int, Rm: int, n: int, regs: int, inc: int) -> None:
    """VST*n* (multiple *n*-element structures)."""
    d, element = double(D, Vd), 1 << size
    alignment = _check_multiple(c, n, regs, inc, d, size, align)
    b, base = c.b, _base(c, Rn)
    stored: list[tuple[int, Inst]] = []
    if n == 1:
        stored = [(offset, b.getreg(slot)) for slot, _, offset in double_spans(d, regs)]
    else:
        places = _structure_bytes(n, element)
        for r in range(regs):
            members = [b.getreg(f"d{d + r + member * inc}") for member in range(n)]
            for i in range(n):
                picks = places[i * _DOUBLE_BYTES : (i + 1) * _DOUBLE_BYTES]
                stored.append(((r * n + i) * _DOUBLE_BYTES, _gather(b, members, picks)))
    for offset, value in stored:
        b.st(_advance(b, base, offset), _element_order(c, value, element), align=1 if offset else alignment)
    _write_back(c, base, Rn, Rm, n * regs * _DOUBLE_BYTES)


# One lane -----------------------------------------------------------------------------------------------------------------
def _lane_operand(c: Context, n: int, size: int, index_align: int) -> tuple[int, int, int]:
    """(index, register spacing, alignment in bytes) of a single *n*-element structure."""
    index = index_align >> size + 1
    inc = 2 if size and index_align >> size & 1 else 1
    below = index_align & (1 << size) - 1 if size else index_align & 1  # what is left for the alignment
    if n == 1:
        if inc == 2 or below not in ((0,), (0, 1), (0, 3))[size]:
            c.undefined()
        return index, 1, 1 << size if below else 1
    if n == 3:
        if below:
            c.undefined()
        return index, inc, 1
    if size == 2:
        if n == 2 and below > 1 or below == 3:
            c.undefined()
        return index, inc, (8 if n == 2 else 4 << below) if below else 1
    return index, inc, n << size if below else 1


def _lane_registers(c: Context, d: int, n: int, inc: int) -> list[str]:
    if d + (n - 1) * inc > _LAST_DOUBLE:
        c.unpredictable()
    return [f"d{d + member * inc}" for member in range(n)]


def vld_lane(c: Context, D: int, Rn: int, Vd: int, size: int, index_align: int, Rm: int, n: int) -> None:
    """VLD*n* (single *n*-element structure to one lane)."""
    index, inc, alignment = _lane_operand(c, n, size, index_align)
    slots = _lane_registers(c, double(D, Vd), n, inc)
    b, base, bits = c.b, _base(c, Rn), 8 << size
    elements = [c.load(_advance(b, base, i << size), bits, align=1 if i else alignment) for i in range(n)]
    for slot, element in zip(slots, elements, strict=True):
        b.put(b.vset(b.getreg(slot), element, lane=bits, index=index), slot=slot)
    _write_back(c, base, Rn, Rm, n << size)


def vst_lane(c: Context, D: int, Rn: int, Vd: int, size: int, index_align: int, Rm: int, n: int) -> None:
    """VST*n* (single *n*-element structure from one lane)."""
    index, inc, alignment = _lane_operand(c, n, size, index_align)
    slots = _lane_registers(c, double(D, Vd), n, inc)
    b, base, bits = c.b, _base(c, Rn), 8 << size
    elements = [b.vget(I32, b.getreg(slot), lane=bits, index=index) for slot in slots]
    for i, element in enumerate(elements):
        c.store(_advance(b, base, i << size), element, bits, align=1 if i else alignment)
    _write_back(c, base, Rn, Rm, n << size)


# All lanes ----------------------------------------------------------------------------------------------------------------
def _load_all(c: Context, slots: list[str], n: int, Rn: int, Rm: int, size: int, alignment: int) -> None:
    """The *n* elements at R[n], each to every lane of ``len(slots) / n`` registers."""
    b, base, bits = c.b, _base(c, Rn), 8 << size
    elements = [c.load(_advance(b, base, i << size), bits, align=1 if i else alignment) for i in range(n)]
    for i, slot in enumerate(slots):
        b.put(b.vdup(V64, elements[i % n], lane=bits), slot=slot)
    _write_back(c, base, Rn, Rm, n << size)


def vld1_all(c: Context, D: int, Rn: int, Vd: int, size: int, T: int, a: int, Rm: int) -> None:
    """VLD1 (single element to all lanes of one register, or of two with T)."""
    if size == 3 or size == 0 and a:
        c.undefined()
    _load_all(c, _lane_registers(c, double(D, Vd), 1 + T, 1), 1, Rn, Rm, size, 1 << size if a else 1)


def vld_all(c: Context, D: int, Rn: int, Vd: int, size: int, T: int, a: int, Rm: int, n: int) -> None:
    """VLD2, VLD3, VLD4 (single structure to all lanes)."""
    if n == 3 and a or size == 3 and (n != 4 or not a):
        c.undefined()
    slots = _lane_registers(c, double(D, Vd), n, 1 + T)
    if size == 3:
        _load_all(c, slots, n, Rn, Rm, 2, 16)
    else:
        alignment = 8 if n == 4 and size == 2 else n << size
        _load_all(c, slots, n, Rn, Rm, size, alignment if a else 1)
