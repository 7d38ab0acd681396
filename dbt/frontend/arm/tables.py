"""The decode tables of the ARM architecture.

``A32_COND`` holds the conditional A32 encodings (``cond:4`` rows), ``A32_UNCOND`` those with cond == 1111, ``T16`` and ``T32`` the
Thumb ones. A T32 word is hw1:hw2. Coprocessor, VFP and Advanced SIMD instructions have the same fields in both instruction sets:
their rows are written once, in A32 form, and T32 words of that space are rearranged (:func:`shared_space`).
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from dbt.frontend.decode import DecodeTable, Row, parse_rows

_PACKAGE = "dbt.frontend.arm"
_A32_TEXTS = ("a32_rows", "vfp_rows", "asimd_rows")


def _rows(*modules: str, prefix: str = "") -> Iterator[Row]:
    for module in modules:
        yield from parse_rows(_PACKAGE, import_module(f"{_PACKAGE}.{module}").ROWS, prefix, drop=("cond",))


A32_COND = DecodeTable("A32", 0x0FF000F0, lambda: _rows(*_A32_TEXTS, prefix="cond:4"))
A32_UNCOND = DecodeTable("A32 unconditional", 0xFFF00FF0, lambda: _rows(*_A32_TEXTS, prefix="1111"))
T16 = DecodeTable("T16", 0xFF80, lambda: _rows("t16_rows"))
T32 = DecodeTable("T32", 0xFFF080F0, lambda: _rows("t32_rows"))
TABLES = (A32_COND, A32_UNCOND, T16, T32)


def shared_space(word: int) -> int | None:
    """The A32 word of a T32 word in the coprocessor and Advanced SIMD space; None for other words."""
    if word & 0xEF000000 == 0xEF000000:  # Advanced SIMD data processing: 111U1111 for 1111001U
        return 0xF2000000 | (word >> 28 & 1) << 24 | word & 0x00FFFFFF
    if word & 0xFF100000 == 0xF9000000:  # Advanced SIMD element or structure load/store: 11111001 for 11110100
        return 0xF4000000 | word & 0x00FFFFFF
    if word & 0xEC000000 == 0xEC000000:  # coprocessors and VFP: cond is 1110 or 1111
        return word
    return None


def match_a32(word: int) -> Row | None:
    return (A32_UNCOND if word >> 28 == 15 else A32_COND).match(word)


def match_t32(word: int) -> tuple[Row | None, int]:
    """Row of a 32-bit Thumb instruction, and the word its fields are in."""
    shared = shared_space(word)
    if shared is None:
        return T32.match(word), word
    return match_a32(shared), shared
