"""The forms of ARM instructions (``dbt.frontend.form``), derived from the decode tables.

A row's register numbers and plain immediates are free, but for the values that the manual or our semantics treat apart: the PC, a zero offset, the shift
amounts 0, 1 and 31. Whatever another row of the table fixes in a free field is special too, so that all instructions of a shape decode to the same row. Fields
that decide the structure of the code (register lists, rotations of modified immediates, bit positions) stay fixed.
"""

from __future__ import annotations

from functools import cache

from dbt.frontend.arm.context import LR, PC, SP
from dbt.frontend.arm.tables import A32_COND, A32_UNCOND, T16, T32
from dbt.frontend.decode import DecodeTable, Pieces, Row, excludes
from dbt.frontend.form import SPECIAL_VALUES, Form, FormField

_CORE, _VECTOR = 1, 2  # groups
_CORE_NAMES = frozenset({"Rd", "Rn", "Rm", "Rt", "Rt2", "Ra", "Rs", "Rdn", "Rdm", "RdLo", "RdHi"})
_VECTOR_NAMES = frozenset({"Vd", "Vn", "Vm"})
_ZERO = 1
_SHIFT_AMOUNTS = 1 << 0 | 1 << 1 | 1 << 31

# Modules whose rows have free fields.
_WITH_CORE = frozenset({
    "data_processing", "multiply", "saturate", "parallel", "bitfield", "load_store", "branch", "synchronization", "vfp_transfer", "fp_load_store",
    "asimd_load_store",
})  # fmt: skip
_WITH_FLOATS = frozenset({"vfp_data", "vfp_convert", "vfp_transfer"})
_WITH_VECTORS = frozenset({"asimd_three_same", "asimd_three_diff", "asimd_shift_imm", "asimd_misc", "asimd_modified_imm"})
_IMMEDIATES = {
    "data_processing": ("imm12", "imm16", "imm5", "words"), "load_store": ("imm", "imm5"), "branch": ("imm24", "imm8", "imm11", "imm20", "imm21", "imm6"),
    "fp_load_store": ("imm8",),
}  # fmt: skip
_SINGLE_FLOATS = frozenset({"vldr_single", "vldr_double", "vstr_single", "vstr_double"})
_LISTS = frozenset({"vtbl", "vtbx", "vmov_two_singles_to_core", "vmov_core_to_two_singles"})  # of registers that follow the one in the instruction
_WIDE_MOVES = ("movw", "movt")
_MODIFIED_WIDTH = 12  # of a modified immediate; the shorter imm12 of 16-bit encodings are plain
_PLAIN_IMM12 = frozenset({"addw", "subw", "adr_add", "adr_sub"})  # in T32
_ADR = frozenset({"adr_add", "adr_sub"})  # like literal loads relative to Align(PC, 4), so the low bits of the offset matter in T32
_PAIRS = frozenset({"ldrd_imm", "ldrd_reg", "strd_imm", "strd_reg", "ldrex", "ldaex", "strex", "stlex"})  # in A32 the second register goes without saying


def form(row: Row, word: int, thumb: bool) -> Form | None:
    """The form of an instruction that decodes to *row* with *word*; None if it has no free field."""
    if row.width == 16:
        return _form(row, T16, True)
    a32 = A32_UNCOND if word >> 28 == 15 else A32_COND
    return _form(row, T32 if thumb and _is_t32(row) else a32, thumb)


@cache
def _is_t32(row: Row) -> bool:
    return row in T32.rows


@cache
def _form(row: Row, table: DecodeTable, thumb: bool) -> Form | None:
    length = row.width // 8
    fields: list[FormField] = []
    shut = set()  # groups with a register that is not free: nobody would notice that a free one equals it
    for name, pieces in row.fields.items():
        group = _CORE if name in _CORE_NAMES else _VECTOR if name in _VECTOR_NAMES else 0
        found = _free_parts(row, name, pieces, thumb)
        for field in found:
            special = field.special | _taken(row, table, field)
            if special >= 0:
                fields.append(FormField(field.pieces, special, field.group))
            else:
                shut.add(group)
        if not found:
            shut.add(group)
    fields = [field for field in fields if not field.group or field.group not in shut]
    if thumb and length == 4:
        fields = [FormField(tuple([(shift ^ 16, mask, left) for shift, mask, left in _split(field.pieces)]), field.special, field.group) for field in fields]
    return Form(length, tuple(fields)) if fields else None


def _free_parts(row: Row, name: str, pieces: Pieces, thumb: bool) -> list[FormField]:
    """Field *name* of *row* as far as it is free, without regard to other rows."""
    module = row.module.rpartition(".")[2]
    width = sum(mask.bit_length() for _, mask, _ in pieces)
    if name in _CORE_NAMES:
        if module not in _WITH_CORE or row.name in _PAIRS and "Rt2" not in row.fields:
            return []
        special = 1 << PC | (1 << SP if module == "asimd_load_store" else 0) | (1 << LR if row.name == "blx_reg" else 0)
        return [FormField(pieces, special if width == 4 else 0, _CORE)]
    if name in _VECTOR_NAMES:
        if module in _WITH_VECTORS:
            return [FormField(_high_bits(pieces, 1), 0, _VECTOR)] if row.name not in _LISTS else []
        return [FormField(pieces, 0, _VECTOR)] if module in _WITH_FLOATS and row.name not in _LISTS or row.name in _SINGLE_FLOATS else []
    if row.name in _WIDE_MOVES:
        return [FormField(pieces)] if name in ("imm16", "imm4", "i", "imm3", "imm8") else []
    if name not in _IMMEDIATES.get(module, ()) or module == "fp_load_store" and row.name not in _SINGLE_FLOATS:
        return []
    if name == "imm5" and width == 5:
        return [FormField(pieces, _SHIFT_AMOUNTS)]
    if module == "data_processing" and name == "imm12" and width == _MODIFIED_WIDTH and not (thumb and row.name in _PLAIN_IMM12):
        return [FormField(((0, 0x7F if thumb else 0xFF, 0),), _ZERO)]
    if thumb and row.width == 32 and (row.constants.get("Rn") == PC or row.name in _ADR):
        return [FormField(_high_bits(pieces, 2), _ZERO)]
    if module == "branch":
        if row.width == 32 and thumb or name == "imm6":  # the sign is another field
            return [FormField(pieces)]
        sign = width - 1
        return [FormField(_low_bits(pieces, sign)), FormField(_high_bits(pieces, sign))]
    return [FormField(pieces, _ZERO)]


def _split(pieces: Pieces) -> Pieces:
    """*pieces* of a 32-bit word, cut at the middle."""
    found: list[tuple[int, int, int]] = []
    for shift, mask, left in pieces:
        below = 16 - shift
        if 0 < below < mask.bit_length():
            found += [(shift, mask & (1 << below) - 1, left), (16, mask >> below, left + below)]
        else:
            found.append((shift, mask, left))
    return tuple(found)


def _high_bits(pieces: Pieces, drop: int) -> Pieces:
    """The field without its *drop* lowest bits."""
    found = []
    for shift, mask, left in pieces:
        cut = min(max(drop - left, 0), mask.bit_length())
        if mask >> cut:
            found.append((shift + cut, mask >> cut, max(left + cut - drop, 0)))
    return tuple(found)


def _low_bits(pieces: Pieces, keep: int) -> Pieces:
    """The *keep* lowest bits of the field."""
    found = []
    for shift, mask, left in pieces:
        mask &= (1 << max(keep - left, 0)) - 1
        if mask:
            found.append((shift, mask, left))
    return tuple(found)


def _taken(row: Row, table: DecodeTable, field: FormField) -> int:
    """Values of *field* (a bit each) that tell *row* from the other rows; -1 if the field can't be free."""
    values = 0
    for other in table.rows:
        if other is row or (row.value ^ other.value) & row.mask & other.mask or excludes(row, other) or excludes(other, row):
            continue
        values |= _matching(field, other.mask, other.value)
        for name, value in other.excluded:
            mask = sum(m << shift for shift, m, _ in other.fields[name])
            values |= _matching(field, mask, _placed(other, name, value))
    for name, value in row.excluded:
        mask = sum(m << shift for shift, m, _ in row.fields[name])
        values |= _matching(field, mask, _placed(row, name, value))
    return values


def _placed(row: Row, name: str, value: int) -> int:
    """The bits of a word whose field *name* is *value*."""
    return sum((value >> left & mask) << shift for shift, mask, left in row.fields[name])


def _matching(field: FormField, mask: int, value: int) -> int:
    """Values of *field* that fit *value* under *mask*, where the mask touches the field at all; -1 if they can't be told in ``SPECIAL_VALUES`` bits."""
    if not mask & field.bits:
        return 0
    if 1 << field.width > SPECIAL_VALUES:
        wanted = field.extract(value)
        return 1 << wanted if mask & field.bits == field.bits and wanted < SPECIAL_VALUES else -1
    return sum(1 << v for v in range(1 << field.width) if not (field.insert(0, v) ^ value) & mask & field.bits)
