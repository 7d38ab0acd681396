"""The comparison of two short texts of SSE4.2 (SDM vol. 2B, 4.1), for the row ``pcmpstr``."""

from __future__ import annotations

from runtime.kernels import mem
from runtime.kernels.build import kernel
from runtime.kernels.sem import sx

_EQUAL_ANY, _RANGES, _EQUAL_EACH, _EQUAL_ORDERED = 0, 1, 2, 3  # bits 2 and 3 of the immediate
_NEGATED, _VALID_ONLY = 1 << 4, 1 << 5


@kernel
def character(cpu, text, i, imm):
    """Element i of the text at offset *text*: a byte, or a word if bit 0 of *imm* is set; signed if bit 1 is."""
    value = mem.ld16(cpu, text + 2 * i) if imm & 1 else mem.ld8(cpu, text + i)
    if imm & 2:
        value = sx(value, 16 if imm & 1 else 8)
    return value


@kernel
def length(cpu, text, imm, count):
    """Elements before the first that is 0."""
    for i in range(count):
        if character(cpu, text, i, imm) == 0:
            return i
    return count


@kernel
def matches(cpu, first, second, na, nb, imm, count, j):
    """Bit j of the intermediate result."""
    how = (imm >> 2) & 3
    if how == _EQUAL_ORDERED:
        for i in range(count - j):
            if i >= na:
                return 1
            if j + i >= nb or character(cpu, first, i, imm) != character(cpu, second, j + i, imm):
                return 0
        return 1
    if how == _EQUAL_EACH:
        if j >= na or j >= nb:
            return j >= na and j >= nb
        return character(cpu, first, j, imm) == character(cpu, second, j, imm)
    if j >= nb:
        return 0
    value = character(cpu, second, j, imm)
    if how == _EQUAL_ANY:
        for i in range(na):
            if character(cpu, first, i, imm) == value:
                return 1
        return 0
    for i in range(na >> 1):
        if character(cpu, first, 2 * i, imm) <= value and value <= character(cpu, first, 2 * i + 1, imm):
            return 1
    return 0


@kernel
def compare(cpu, first, second, na, nb, imm, implicit):
    """The result's bits, bit 16 if the second text ends in its vector, bit 17 if the first does. *first* and *second* are state offsets."""
    count = 8 if imm & 1 else 16
    if implicit:
        na, nb = length(cpu, first, imm, count), length(cpu, second, imm, count)
    result = 0
    for j in range(count):
        bit = matches(cpu, first, second, na, nb, imm, count, j)
        if imm & _NEGATED and (imm & _VALID_ONLY == 0 or j < nb):
            bit = 1 - bit
        result |= bit << j
    return result | (nb < count) << 16 | (na < count) << 17
