"""Value types of the IR.

Integers are bit patterns without a sign; the opcode says how they are read. ``v64`` and ``v128`` are
bags of bits too: a vector opcode carries the lane width. ``f32``/``f64`` are IEEE 754 binary32/64 patterns.
"""

from __future__ import annotations


class Type:
    """One IR type: its name as printed and its width in bits (0 for ``void``). There is one object a type: compare with ``is``."""

    __slots__ = ("name", "bits")

    def __init__(self, name: str, bits: int) -> None:
        self.name = name
        self.bits = bits

    @property
    def cells(self) -> int:
        """How many 64-bit state cells a value of this type takes in tier 0."""
        return 2 if self.bits == 128 else 1

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<{self.name}>"


VOID = Type("void", 0)
I1 = Type("i1", 1)
I8 = Type("i8", 8)
I16 = Type("i16", 16)
I32 = Type("i32", 32)
I64 = Type("i64", 64)
I128 = Type("i128", 128)
F32 = Type("f32", 32)
F64 = Type("f64", 64)
V64 = Type("v64", 64)
V128 = Type("v128", 128)

TYPES: dict[str, Type] = {t.name: t for t in (VOID, I1, I8, I16, I32, I64, I128, F32, F64, V64, V128)}
