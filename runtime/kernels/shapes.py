"""Shapes: templates made from others of the same shape, without the lifter (``dbt.frontend.form``, ``runtime.shapes``).

The free fields of instructions are described by *forms*, a few dozen a guest. A shape belongs to one form, is found by guest mode and the instruction's fixed
bits, and must agree in the pattern of the field values. Its template's *holes* then take the values: each is a number of 2, 4 or 8 bytes that grows by a factor
times a field. Shapes may come from a file and are trusted as little as templates; forms are checked once, when they are loaded.
"""

from __future__ import annotations

from runtime.kernels.build import export, kernel
from runtime.kernels.codepages import lock, unlock
from runtime.kernels.mem import ld16, ld32, ld64, lshr, st16, st32, st64
from runtime.kernels.offsets import (
    FIELD_BYTES,
    FIELD_GROUP,
    FIELD_PIECES,
    FIELD_SPECIAL,
    FORM_BYTES,
    FORM_CHECK,
    FORM_COUNT,
    FORM_FIELDS,
    FORM_FIXED,
    FORM_LENGTH,
    PROC_FORMS,
    PROC_FORMS_USED,
    PROC_SHAPE_END,
    PROC_SHAPE_HASH,
    PROC_SHAPE_TEMPLATES,
    PROC_SHAPES,
    PROC_SHAPES_AREA,
    SHAPE_FIXED,
    SHAPE_FORM,
    SHAPE_HOLES,
    SHAPE_MODE,
    SHAPE_NEXT,
    SHAPE_PATTERN,
    SHAPE_TEMPLATE,
    SHAPE_TEMPLATE_BYTES,
    TEMPLATE_CHECK,
    TEMPLATE_INSN,
    TEMPLATE_SIZE,
)
from runtime.kernels.templates import checksum, mix, publish_template, sound, template_room
from runtime.process_block import FORM_PIECES, FORMS, HOLE_BYTES, SHAPE_BUCKETS, SHAPE_BYTES

_SHAPES_LIMIT = PROC_SHAPES_AREA + SHAPE_BYTES
_SPECIAL = 0x80  # as in dbt.frontend.form
_SPECIAL_VALUES = 32
_NOT_YET = -1


@kernel
def _bucket(form, mode, low, high):
    return PROC_SHAPE_HASH + ((mix(mode ^ form << 20, low, high) & (SHAPE_BUCKETS - 1)) << 2)


@kernel
def _value(proc, field, low, high):
    """Value of the field described at offset *field* in an instruction."""
    total = 0
    for i in range(0, 8 * FORM_PIECES, 8):
        piece = ld64(proc, field + FIELD_PIECES + i)
        if piece == 0:
            break
        shift = piece & 0xFF
        bits = lshr(high, shift - 64) if shift >= 64 else lshr(low, shift)
        total |= (bits & lshr(piece, 32)) << (lshr(piece, 8) & 0xFF)
    return total


@kernel
def _pattern(proc, form, low, high):
    """Pattern of the field values of an instruction: ``dbt.frontend.form.Form.pattern``."""
    pattern = 0
    first = form + FORM_FIELDS
    for i in range(ld64(proc, form + FORM_COUNT)):
        field = first + i * FIELD_BYTES
        value = _value(proc, field, low, high)
        byte = i
        if value < _SPECIAL_VALUES and lshr(ld64(proc, field + FIELD_SPECIAL), value) & 1:
            byte = _SPECIAL | value
        elif ld64(proc, field + FIELD_GROUP) != 0:
            for j in range(i - 1, -1, -1):
                other = first + j * FIELD_BYTES
                if ld64(proc, other + FIELD_GROUP) == ld64(proc, field + FIELD_GROUP) and _value(proc, other, low, high) == value:
                    byte = j
        pattern |= byte << (8 * i)
    return pattern


@kernel
def _find_shape(proc, mode, low, high, length):
    """Offset of the shape of an instruction of *length* bytes, or 0."""
    for number in range(ld64(proc, PROC_FORMS_USED)):
        form = PROC_FORMS + number * FORM_BYTES
        if ld64(proc, form + FORM_LENGTH) == length:
            fixed_low = low & ld64(proc, form + FORM_FIXED)
            fixed_high = high & ld64(proc, form + FORM_FIXED + 8)
            limit = ld64(proc, PROC_SHAPE_END)
            pattern = _NOT_YET
            at = ld32(proc, _bucket(number, mode, fixed_low, fixed_high))
            while at != 0 and sound(proc, at, PROC_SHAPES_AREA, limit):
                if (
                    ld32(proc, at + SHAPE_FORM) == number
                    and ld32(proc, at + SHAPE_MODE) == mode
                    and ld64(proc, at + SHAPE_FIXED) == fixed_low
                    and ld64(proc, at + SHAPE_FIXED + 8) == fixed_high
                ):
                    if pattern == _NOT_YET:
                        pattern = _pattern(proc, form, low, high)
                    if ld64(proc, at + SHAPE_PATTERN) == pattern:
                        return at
                limit = at
                at = ld64(proc, at + SHAPE_NEXT)
    return 0


@kernel
def shape_template(proc, mode, low, high, length):
    """Make the template of an instruction from its shape. Gives its offset; 0 if there is no such shape, or no room. Only under the lock."""
    shape = _find_shape(proc, mode, low, high, length)
    if shape == 0:
        return 0
    size = ld32(proc, shape + SHAPE_TEMPLATE_BYTES)
    at = template_room(proc, size)
    if size == 0 or at == 0:
        return 0
    source = shape + SHAPE_TEMPLATE
    for i in range(0, size, 8):
        st64(proc, at + i, ld64(proc, source + i))
    st64(proc, at + TEMPLATE_INSN, low)
    st64(proc, at + TEMPLATE_INSN + 8, high)
    fields = PROC_FORMS + ld32(proc, shape + SHAPE_FORM) * FORM_BYTES + FORM_FIELDS
    hole = source + size
    end = hole + ld32(proc, shape + SHAPE_HOLES) * HOLE_BYTES
    while hole < end:
        where = ld64(proc, hole)  # offset, bytes << 32, field << 40
        add = _value(proc, fields + lshr(where, 40) * FIELD_BYTES, low, high) * ld64(proc, hole + 8)
        to = at + (where & 0xFFFF_FFFF)
        bytes = lshr(where, 32) & 0xFF
        if bytes == 2:
            st16(proc, to, ld16(proc, to) + add)
        elif bytes == 4:
            st32(proc, to, ld32(proc, to) + add)
        else:
            st64(proc, to, ld64(proc, to) + add)
        hole += HOLE_BYTES
    publish_template(proc, at, size)
    st64(proc, PROC_SHAPE_TEMPLATES, ld64(proc, PROC_SHAPE_TEMPLATES) + 1)
    return at


@export("find_shape", "i64(p,i64,i64,i64,i64)")
def find_shape(proc, mode, low, high, length):
    """Offset of the shape of an instruction, or 0."""
    return _find_shape(proc, mode, low, high, length)


@export("template_from_shape", "i64(p,i64,i64,i64,i64)")
def template_from_shape(proc, mode, low, high, length):
    """Make the template of an instruction from its shape; gives its offset or 0."""
    lock(proc)
    made = shape_template(proc, mode, low, high, length)
    unlock(proc)
    return made


@export("add_form", "i64(p,p)")
def add_form(proc, source):
    """Copy a form; gives its number, or -1 if there is no room."""
    lock(proc)
    number = ld64(proc, PROC_FORMS_USED)
    if number < FORMS:
        at = PROC_FORMS + number * FORM_BYTES
        for i in range(8, FORM_BYTES, 8):
            st64(proc, at + i, ld64(source, i))
        st64(proc, at + FORM_CHECK, checksum(proc, at, FORM_BYTES))
        st64(proc, PROC_FORMS_USED, number + 1)
    else:
        number = -1
    unlock(proc)
    return number


@export("forms_sound", "i64(p)")
def forms_sound(proc):
    """1 if the forms in use are as they were added."""
    used = ld64(proc, PROC_FORMS_USED)
    if used < 0 or used > FORMS:
        return 0
    for number in range(used):
        at = PROC_FORMS + number * FORM_BYTES
        if ld64(proc, at + FORM_CHECK) != checksum(proc, at, FORM_BYTES):
            return 0
    return 1


@export("add_shape", "i64(p,p,i64)")
def add_shape(proc, source, size):
    """Copy a shape of *size* bytes (a multiple of 16) from *source*, filling in check, next and size. Gives its offset; 0 if the area is full."""
    lock(proc)
    at = ld64(proc, PROC_SHAPE_END)
    if at + size > _SHAPES_LIMIT:
        at = 0
    else:
        for i in range(0, size, 8):
            st64(proc, at + i, ld64(source, i))
        bucket = _bucket(ld32(proc, at + SHAPE_FORM), ld32(proc, at + SHAPE_MODE), ld64(proc, at + SHAPE_FIXED), ld64(proc, at + SHAPE_FIXED + 8))
        head = ld32(proc, bucket)
        st64(proc, at + SHAPE_NEXT, head if sound(proc, head, PROC_SHAPES_AREA, at) else 0)
        st64(proc, at + TEMPLATE_SIZE, size)
        st64(proc, at + TEMPLATE_CHECK, checksum(proc, at, size))
        st64(proc, PROC_SHAPE_END, at + size)
        st32(proc, bucket, at)
        st64(proc, PROC_SHAPES, ld64(proc, PROC_SHAPES) + 1)
    unlock(proc)
    return at
