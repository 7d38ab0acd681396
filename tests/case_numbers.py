"""Numbers as instruction cases write them: integers, and lanes of a register or of memory by their type, the lowest one first.

``f32(1,-0.5,inf,nan)`` are four single floats, ``f80(1.5)`` is a number of the x87, ``i16(1,-1)`` are two words. A lane in hexadecimal is its bits.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

_LANES = re.compile(r"([if])(\d+)\((.*)\)")
_F80_BIAS, _F80_SPECIAL = 0x3FFF, 0x7FFF


def _f80(value: float) -> int:
    """The bits of double extended precision: sign, 15 bits of exponent, 64 of significand with its integer bit."""
    bits = int.from_bytes(struct.pack("<d", value), "little")
    sign, exponent, fraction = bits >> 63 << 79, bits >> 52 & 0x7FF, bits & (1 << 52) - 1
    if exponent == 0x7FF:
        return sign | _F80_SPECIAL << 64 | 1 << 63 | fraction << 11
    if not exponent:
        if not fraction:
            return sign
        shift = 64 - fraction.bit_length()
        return sign | (_F80_BIAS - 1022 + 11 - shift) << 64 | fraction << shift
    return sign | (exponent - 1023 + _F80_BIAS) << 64 | 1 << 63 | fraction << 11


_FLOATS: dict[int, Callable[[float], int]] = {
    32: lambda value: int.from_bytes(struct.pack("<f", value), "little"),
    64: lambda value: int.from_bytes(struct.pack("<d", value), "little"),
    80: _f80,
}


def _lane(kind: str, bits: int, text: str) -> int:
    if text.startswith("0x") or kind == "i":
        return int(text, 0) & (1 << bits) - 1
    return _FLOATS[bits](float(text))


def lanes(text: str) -> tuple[int, int] | None:
    """(number, bits) of ``f32(1,2)`` and the like; None if *text* is not of this form. ValueError if a lane is no number, KeyError if a type is not known."""
    match = _LANES.fullmatch(text)
    if match is None:
        return None
    kind, bits, values = match[1], int(match[2]), match[3].split(",")
    return sum(_lane(kind, bits, value) << bits * i for i, value in enumerate(values)), bits * len(values)


def number(text: str) -> int:
    """An integer as in Python, or lanes."""
    found = lanes(text)
    return int(text, 0) if found is None else found[0]


def memory(text: str) -> bytes:
    """Bytes in hexadecimal in the order of their addresses, or lanes."""
    found = lanes(text)
    return bytes.fromhex(text) if found is None else found[0].to_bytes(found[1] // 8, "little")
