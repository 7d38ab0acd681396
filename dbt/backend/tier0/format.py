"""How the fields of a record are packed, and numbers as its words hold them."""

from __future__ import annotations

from struct import Struct

RECORD = Struct("<HHiii")
WIDE = Struct("<HHq4x")  # records with a 64-bit number in words 1 and 2


def signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def fits_word(value: int) -> bool:
    """True if a word of a record holds *value*: 32 bits, sign-extended."""
    return -(1 << 31) <= value < 1 << 31
