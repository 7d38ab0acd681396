"""Advanced SIMD, one register and a modified immediate (ARM ARM A7.4.6)."""

from __future__ import annotations

from dbt.frontend.arm.context import Context
from dbt.frontend.arm.simd import double, repeat, vector_slot, vector_type
from dbt.ir.types import V64


def expand_imm(op: int, cmode: int, imm8: int) -> int:
    """AdvSIMDExpandImm(): 64 bits, before the complement of VMVN and VBIC."""
    kind = cmode >> 1
    if kind < 4:
        return repeat(imm8 << 8 * kind, 32, V64)
    if kind < 6:
        return repeat(imm8 << 8 * (kind - 4), 16, V64)
    if kind == 6:
        return repeat(imm8 << 16 | 0xFFFF if cmode & 1 else imm8 << 8 | 0xFF, 32, V64)
    if not cmode & 1:
        return sum(0xFF << 8 * i for i in range(8) if imm8 >> i & 1) if op else repeat(imm8, 8, V64)
    exponent = 0x1F if imm8 & 0x40 else 0x20  # NOT(imm8<6>) : Replicate(imm8<6>, 5), the top six bits of the exponent
    return repeat((imm8 & 0x80) << 24 | exponent << 25 | (imm8 & 0x3F) << 19, 32, V64)


def modified_imm(c: Context, i: int, D: int, imm3: int, Vd: int, cmode: int, Q: int, op: int, imm4: int) -> None:
    """VMOV, VMVN, VORR and VBIC (immediate): op and cmode select among them (table A7-14)."""
    if op and cmode == 15:
        c.undefined()
    b = c.b
    type = vector_type(Q)
    slot = vector_slot(c, double(D, Vd), Q)
    value = repeat(expand_imm(op, cmode, i << 7 | imm3 << 4 | imm4), 64, type)
    if cmode < 12 and cmode & 1:
        old, imm = b.getreg(slot), b.const(type, value)
        result = b.vandn(old, imm) if op else b.vor(old, imm)
    else:
        result = b.const(type, ~value if op and cmode < 14 else value)
    b.put(result, slot=slot)
