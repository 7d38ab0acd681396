"""Length of an x86 instruction from its bytes: the twin of ``dbt.frontend.x86.decode`` that the block builder runs (a test compares them).

Both read what follows an opcode off ``dbt.abi.x86_length``; here each class of opcodes is a set of 256 bits.
"""

from __future__ import annotations

from dbt.abi.x86_length import (
    ADDRESS_SIZE,
    IMM8,
    IMM_Z,
    MAX_LENGTH,
    MODRM,
    ONE_BYTE,
    OPERAND_SIZE,
    TWO_BYTE,
    opcodes,
)
from runtime.kernels.build import export, kernel
from runtime.kernels.mem import g_ld8, lshr


def _signed(masks):
    """Kernels work on int64."""
    return tuple([mask - (1 << 64) if mask >> 63 else mask for mask in masks])


# Each class twice: one-byte opcodes, then two-byte ones.
_PREFIX_0, _PREFIX_1, _PREFIX_2, _PREFIX_3 = _signed(opcodes(ONE_BYTE, "P"))
_MODRM_0, _MODRM_1, _MODRM_2, _MODRM_3 = _signed(opcodes(ONE_BYTE, MODRM))
_MODRM_4, _MODRM_5, _MODRM_6, _MODRM_7 = _signed(opcodes(TWO_BYTE, MODRM))
_IMM8_0, _IMM8_1, _IMM8_2, _IMM8_3 = _signed(opcodes(ONE_BYTE, IMM8))
_IMM8_4, _IMM8_5, _IMM8_6, _IMM8_7 = _signed(opcodes(TWO_BYTE, IMM8))
_IMMZ_0, _IMMZ_1, _IMMZ_2, _IMMZ_3 = _signed(opcodes(ONE_BYTE, IMM_Z))
_REL_0, _REL_1, _REL_2, _REL_3 = _signed(opcodes(ONE_BYTE, "j"))
_REL_4, _REL_5, _REL_6, _REL_7 = _signed(opcodes(TWO_BYTE, "j"))
_WORD_0, _WORD_1, _WORD_2, _WORD_3 = _signed(opcodes(ONE_BYTE, "wep"))  # 16 bits more
_FULL_0, _FULL_1, _FULL_2, _FULL_3 = _signed(opcodes(ONE_BYTE, "v"))
_MOFFS_0, _MOFFS_1, _MOFFS_2, _MOFFS_3 = _signed(opcodes(ONE_BYTE, "o"))
_FAR_0, _FAR_1, _FAR_2, _FAR_3 = _signed(opcodes(ONE_BYTE, "p"))
_GROUP_3B, _GROUP_3V = ONE_BYTE.index("T"), ONE_BYTE.index("U")
_ESCAPE, _ESCAPE_38, _ESCAPE_3A = 0x0F, 0x38, 0x3A


@kernel
def _has(opcode, a, b, c, d):
    """True if *opcode* is in the set of 256 bits."""
    word = a if opcode < 64 else b if opcode < 128 else c if opcode < 192 else d
    return (lshr(word, opcode & 63) & 1) != 0


@export("x86_length", "i64(p,i64,i64,i64)")
def x86_length(base, address, limit, long):
    """Bytes of the instruction at *address* (64-bit code if *long*), 15 at most. Bytes from *limit* on are not read: an instruction that goes on there has
    a length that says so, and nothing more."""
    at = address
    operand_16 = False
    small = False  # address-size prefix
    wide = False
    opcode = 0
    while True:
        if at >= limit or at - address >= MAX_LENGTH:
            return min(at - address + 1, MAX_LENGTH)
        opcode = g_ld8(base, at)
        at += 1
        if _has(opcode, _PREFIX_0, _PREFIX_1, _PREFIX_2, _PREFIX_3):
            wide = False
            if opcode == OPERAND_SIZE:
                operand_16 = True
            elif opcode == ADDRESS_SIZE:
                small = True
        elif long and opcode & 0xF0 == 0x40:
            wide = opcode & 8 != 0
        else:
            break
    modrm = False
    imm8 = False
    rel = False
    map = 1
    if opcode == _ESCAPE:
        if at >= limit:
            return min(at - address + 1, MAX_LENGTH)
        opcode = g_ld8(base, at)
        at += 1
        map = 2
        if opcode in (_ESCAPE_38, _ESCAPE_3A):
            if at >= limit:
                return min(at - address + 1, MAX_LENGTH)
            modrm = True
            imm8 = opcode == _ESCAPE_3A
            at += 1
        else:
            modrm = _has(opcode, _MODRM_4, _MODRM_5, _MODRM_6, _MODRM_7)
            imm8 = _has(opcode, _IMM8_4, _IMM8_5, _IMM8_6, _IMM8_7)
            rel = _has(opcode, _REL_4, _REL_5, _REL_6, _REL_7)
    else:
        modrm = _has(opcode, _MODRM_0, _MODRM_1, _MODRM_2, _MODRM_3)
        imm8 = _has(opcode, _IMM8_0, _IMM8_1, _IMM8_2, _IMM8_3)
        rel = _has(opcode, _REL_0, _REL_1, _REL_2, _REL_3)
    z = 2 if operand_16 and not wide else 4
    more = 0
    if map == 1:
        if _has(opcode, _IMMZ_0, _IMMZ_1, _IMMZ_2, _IMMZ_3) or _has(opcode, _FAR_0, _FAR_1, _FAR_2, _FAR_3):
            more += z
        if _has(opcode, _WORD_0, _WORD_1, _WORD_2, _WORD_3):
            more += 2
        if _has(opcode, _FULL_0, _FULL_1, _FULL_2, _FULL_3):
            more += 8 if wide else z
        if _has(opcode, _MOFFS_0, _MOFFS_1, _MOFFS_2, _MOFFS_3):
            more += (4 if small else 8) if long else (2 if small else 4)
    if imm8:
        more += 1
    if rel:
        more += 4 if long else z
    if modrm:
        if at >= limit:
            return min(at - address + 1, MAX_LENGTH)
        byte = g_ld8(base, at)
        at += 1
        mod = byte >> 6
        rm = byte & 7
        if map == 1 and opcode in (_GROUP_3B, _GROUP_3V) and byte & 0x30 == 0:
            more += 1 if opcode == _GROUP_3B else z
        if mod != 3:
            if small and not long:
                if mod == 1:
                    more += 1
                elif mod == 2 or rm == 6:
                    more += 2
            else:
                if rm == 4:
                    if at >= limit:
                        return min(at - address + 1, MAX_LENGTH)
                    rm = g_ld8(base, at) & 7
                    at += 1
                if mod == 1:
                    more += 1
                elif mod == 2 or rm == 5:
                    more += 4
    return min(at - address + more, MAX_LENGTH)
